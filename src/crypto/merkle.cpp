#include "crypto/merkle.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

namespace domicile::crypto {
namespace {

/// The tree's hash of leaves [low, high): as RFC 6962 splits them, at the largest power of two below.
base::Result<Digest> root_of(std::uint64_t low, std::uint64_t high, const ReadSubtree& read) {
    const std::uint64_t count = high - low;
    if (std::has_single_bit(count)) {
        const auto height = static_cast<unsigned>(std::countr_zero(count));
        return read(height, low >> height);
    }
    const std::uint64_t middle = low + std::bit_floor(count);
    const auto left = root_of(low, middle, read);
    const auto right = left ? root_of(middle, high, read) : left;
    return right ? base::Result<Digest>(merkle_node(*left, *right)) : right;
}

base::Status add_root(std::uint64_t low, std::uint64_t high, const ReadSubtree& read,
                      std::vector<Digest>& proof) {
    auto root = root_of(low, high, read);
    if (!root) {
        return std::unexpected(std::move(root.error()));
    }
    proof.push_back(*root);
    return {};
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

base::Result<Digest> tree_root(std::uint64_t size, const ReadSubtree& read) {
    DOMICILE_ASSERT(size > 0);
    return root_of(0, size, read);
}

base::Result<std::vector<Digest>> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                                  const ReadSubtree& read) {
    DOMICILE_ASSERT(index < size);
    std::vector<Digest> proof;
    std::uint64_t low = 0;
    for (std::uint64_t high = size; high - low > 1;) {
        const std::uint64_t middle = low + std::bit_floor(high - low - 1);
        const bool left = index < middle;
        if (auto added = left ? add_root(middle, high, read, proof) : add_root(low, middle, read, proof);
            !added) {
            return std::unexpected(std::move(added.error()));
        }
        (left ? high : low) = middle;
    }
    std::ranges::reverse(proof);
    return proof;
}

base::Result<std::vector<Digest>> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                                    const ReadSubtree& read) {
    DOMICILE_ASSERT(old_size > 0 && old_size <= size);
    std::vector<Digest> proof;
    std::uint64_t low = 0;
    std::uint64_t high = size;
    bool whole = true;  // the older tree's own root need not be proven while it is a subtree as it stands
    while (high != old_size) {
        const std::uint64_t middle = low + std::bit_floor(high - low - 1);
        const bool left = old_size <= middle;
        if (auto added = left ? add_root(middle, high, read, proof) : add_root(low, middle, read, proof);
            !added) {
            return std::unexpected(std::move(added.error()));
        }
        whole = whole && left;
        (left ? high : low) = middle;
    }
    if (!whole) {
        if (auto added = add_root(low, high, read, proof); !added) {
            return std::unexpected(std::move(added.error()));
        }
    }
    std::ranges::reverse(proof);
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

bool verify_consistency(std::uint64_t old_size, const Digest& old_root, std::uint64_t size,
                        const Digest& root, const std::vector<Digest>& proof) {
    if (old_size == 0 || old_size > size) {
        return false;
    }
    if (old_size == size) {
        return proof.empty() && old_root == root;
    }
    std::vector<Digest> path = proof;
    if (std::has_single_bit(old_size)) {
        path.insert(path.begin(), old_root);
    }
    if (path.empty()) {
        return false;
    }
    std::uint64_t at = old_size - 1;
    std::uint64_t last = size - 1;
    while (at % 2 == 1) {
        at /= 2;
        last /= 2;
    }
    Digest older = path.front();
    Digest newer = path.front();
    for (std::size_t i = 1; i < path.size(); ++i) {
        if (last == 0) {
            return false;
        }
        if (at % 2 == 1 || at == last) {
            older = merkle_node(path[i], older);
            newer = merkle_node(path[i], newer);
            while (at % 2 == 0 && at != 0) {
                at /= 2;
                last /= 2;
            }
        } else {
            newer = merkle_node(newer, path[i]);
        }
        at /= 2;
        last /= 2;
    }
    return last == 0 && older == old_root && newer == root;
}

}  // namespace domicile::crypto
