#include "crypto/merkle.hpp"

#include "base/assert.hpp"

#include <bit>
#include <charconv>
#include <span>

namespace domicile::crypto {
namespace {

Digest root_of(std::span<const Digest> leaves) {
    if (leaves.size() == 1) {
        return leaves[0];
    }
    const std::size_t left = std::bit_floor(leaves.size() - 1);
    return merkle_node(root_of(leaves.first(left)), root_of(leaves.subspan(left)));
}

void prove(std::span<const Digest> leaves, std::uint64_t index, std::vector<Digest>& proof) {
    if (leaves.size() == 1) {
        return;
    }
    const std::size_t left = std::bit_floor(leaves.size() - 1);
    if (index < left) {
        prove(leaves.first(left), index, proof);
        proof.push_back(root_of(leaves.subspan(left)));
    } else {
        prove(leaves.subspan(left), index - left, proof);
        proof.push_back(root_of(leaves.first(left)));
    }
}

std::optional<Digest> digest_of(std::string_view hex) {
    Digest digest;
    if (hex.size() != 2 * digest.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < digest.size(); ++i) {
        const auto [end, error] = std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, digest[i], 16);
        if (error != std::errc{} || end != hex.data() + 2 * i + 2) {
            return std::nullopt;
        }
    }
    return digest;
}

}  // namespace

Digest merkle_leaf(std::string_view data) {
    std::string bytes(1, '\0');
    return sha256(bytes.append(data));
}

Digest merkle_node(const Digest& left, const Digest& right) {
    std::string bytes(1, '\1');
    return sha256(bytes.append(view(left)).append(view(right)));
}

void MerkleEdge::append(const Digest& leaf) {
    full_.push_back(leaf);
    ++size_;
    // As a binary counter carries: two trees of one size become one.
    for (std::uint64_t carried = size_; carried % 2 == 0; carried /= 2) {
        const Digest right = full_.back();
        full_.pop_back();
        full_.back() = merkle_node(full_.back(), right);
    }
}

Digest MerkleEdge::root() const {
    if (full_.empty()) {
        return sha256("");
    }
    Digest root = full_.back();
    for (auto left = full_.rbegin() + 1; left != full_.rend(); ++left) {
        root = merkle_node(*left, root);
    }
    return root;
}

std::string MerkleEdge::text() const {
    std::string text = std::to_string(size_) + ":";
    for (std::size_t i = 0; i < full_.size(); ++i) {
        text += (i == 0 ? "" : ",") + hex(view(full_[i]));
    }
    return text;
}

std::optional<MerkleEdge> MerkleEdge::parse(std::string_view text) {
    MerkleEdge edge;
    const auto colon = text.find(':');
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), edge.size_);
    if (colon == std::string_view::npos || error != std::errc{} || end != text.data() + colon) {
        return std::nullopt;
    }
    text.remove_prefix(colon + 1);
    while (!text.empty()) {
        const auto one = digest_of(text.substr(0, 64));
        if (!one || (text.size() > 64 && (text[64] != ',' || text.size() == 65))) {
            return std::nullopt;
        }
        edge.full_.push_back(*one);
        text.remove_prefix(std::min<std::size_t>(65, text.size()));
    }
    return static_cast<int>(edge.full_.size()) == std::popcount(edge.size_) ? std::optional(edge)
                                                                            : std::nullopt;
}

std::vector<Digest> inclusion_proof(const std::vector<Digest>& leaves, std::uint64_t index) {
    DOMICILE_ASSERT(index < leaves.size());
    std::vector<Digest> proof;
    prove(leaves, index, proof);
    return proof;
}

bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                      const std::vector<Digest>& proof, const Digest& root) {
    if (index >= size) {
        return false;
    }
    std::uint64_t at = index;
    std::uint64_t last = size - 1;
    Digest hash = leaf;
    for (const Digest& beside : proof) {
        if (last == 0) {
            return false;
        }
        if (at % 2 == 1 || at == last) {
            hash = merkle_node(beside, hash);
            while (at % 2 == 0 && at != 0) {
                at /= 2;
                last /= 2;
            }
        } else {
            hash = merkle_node(hash, beside);
        }
        at /= 2;
        last /= 2;
    }
    return last == 0 && hash == root;
}

}  // namespace domicile::crypto
