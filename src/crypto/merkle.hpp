#pragma once
// The Merkle tree of RFC 6962 (section 2.1, also RFC 9162): leaves and nodes are hashed apart, so that no
// node passes for a leaf.

#include "base/error.hpp"
#include "crypto/hash.hpp"

#include <cstdint>
#include <functional>
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

/// The root of the leaves [index << height, (index + 1) << height), all of which are there.
using ReadSubtree = std::function<base::Result<Digest>(unsigned height, std::uint64_t index)>;

/// The root of the first `size` leaves. REQUIRES: size > 0.
[[nodiscard]] base::Result<Digest> tree_root(std::uint64_t size, const ReadSubtree& read);
/// The hashes beside the way from leaf `index` up, bottom first (RFC 6962 section 2.1.1). REQUIRES: index <
/// size. Errors are those of `read`.
[[nodiscard]] base::Result<std::vector<Digest>> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                                                const ReadSubtree& read);
/// Whether `leaf` is number `index` of the tree of `size` leaves with that root (RFC 9162 section 2.1.3.2).
[[nodiscard]] bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                                    const std::vector<Digest>& proof, const Digest& root);
/// That the first `old_size` leaves of the tree of `size` leaves are those of the older tree (RFC 6962
/// section 2.1.2). REQUIRES: 0 < old_size <= size.
[[nodiscard]] base::Result<std::vector<Digest>> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                                                  const ReadSubtree& read);
/// RFC 9162 section 2.1.4.2.
[[nodiscard]] bool verify_consistency(std::uint64_t old_size, const Digest& old_root, std::uint64_t size,
                                      const Digest& root, const std::vector<Digest>& proof);

}  // namespace domicile::crypto
