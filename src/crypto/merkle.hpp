#pragma once
// The Merkle tree of RFC 6962 (section 2.1, also RFC 9162): leaves and nodes are hashed apart, so that no
// node passes for a leaf.

#include "crypto/hash.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::crypto {

[[nodiscard]] Digest merkle_leaf(std::string_view data);
[[nodiscard]] Digest merkle_node(const Digest& left, const Digest& right);

/// The right edge of a growing tree: what is needed to append and to know the root, and no more.
class MerkleEdge {
  public:
    void append(const Digest& leaf);
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Of an empty tree: the hash of nothing.
    [[nodiscard]] Digest root() const;
    /// "7:<hex>,<hex>,<hex>"; nothing for anything else.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] static std::optional<MerkleEdge> parse(std::string_view text);

  private:
    std::uint64_t size_ = 0;
    std::vector<Digest> full_;  // roots of the full subtrees, largest first
};

/// The hashes beside the way from leaf `index` up, bottom first (RFC 6962 section 2.1.1). REQUIRES: index <
/// leaves.
[[nodiscard]] std::vector<Digest> inclusion_proof(const std::vector<Digest>& leaves, std::uint64_t index);
/// Whether `leaf` is number `index` of the tree of `size` leaves with that root (RFC 9162 section 2.1.3.2).
[[nodiscard]] bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                                    const std::vector<Digest>& proof, const Digest& root);

}  // namespace domicile::crypto
