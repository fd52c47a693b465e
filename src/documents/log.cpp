#include "documents/log.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <vector>

namespace domicile::documents {
namespace {

using base::Code;
using crypto::Digest;

constexpr int entries_level = -1;
constexpr std::size_t hash_bytes = 32;

/// Entries as they stand in a bundle: two bytes of length before each.
std::string bundled(std::string_view entry) {
    const auto size = entry.size();
    return std::string{static_cast<char>(size >> 8U), static_cast<char>(size & 0xFFU)} + std::string(entry);
}

Digest root_of(std::string_view hashes) {
    crypto::MerkleEdge edge;
    for (; hashes.size() >= hash_bytes; hashes.remove_prefix(hash_bytes)) {
        Digest one;
        std::copy_n(hashes.begin(), hash_bytes, one.begin());
        edge.append(one);
    }
    return edge.root();
}

}  // namespace

std::string tile_path(int level, std::uint64_t index, std::uint64_t width) {
    std::string digits = std::to_string(index);
    digits.insert(0, (3 - digits.size() % 3) % 3, '0');
    std::string path = "tile/" + (level == entries_level ? "entries" : std::to_string(level));
    for (std::size_t i = 0; i < digits.size(); i += 3) {
        path += (i + 3 < digits.size() ? "/x" : "/") + digits.substr(i, 3);
    }
    return width == tile_width ? path : path + ".p/" + std::to_string(width);
}

std::string log_origin(std::string_view system, std::string_view institution) {
    return std::string(system) + "/" + std::string(institution);
}

base::Status Log::put(const std::string& path, std::string_view bytes) {
    auto done = store_.put_if_absent(prefix_ + path, bytes);
    if (done || done.error().code != Code::precondition_failed) {
        return done;
    }
    const auto there = store_.get(prefix_ + path);
    if (there && *there == bytes) {
        return {};
    }
    return there
               ? base::Status(base::fail(Code::internal, "Another log stands where an institution's should."))
               : base::Status(std::unexpected(there.error()));
}

base::Status Log::append(std::uint64_t size, std::span<const std::string> entries) {
    // What is added to one level: pieces one after the other, each the hash or the entry of a place.
    std::vector<std::string> added;
    std::vector<std::string> above;
    const auto fill = [&](int level, std::uint64_t from, std::vector<std::string>* roots) -> base::Status {
        std::string tile;
        if (const auto width = from % tile_width; width != 0) {
            auto before = store_.get(prefix_ + tile_path(level, from / tile_width, width));
            if (!before) {
                return std::unexpected(std::move(before.error()));
            }
            tile = std::move(*before);
        }
        for (const auto& piece : added) {
            tile += piece;
            ++from;
            if (from % tile_width == 0) {
                if (auto done = put(tile_path(level, from / tile_width - 1, tile_width), tile); !done) {
                    return done;
                }
                if (roots != nullptr) {
                    roots->emplace_back(crypto::view(root_of(tile)));
                }
                tile.clear();
            }
        }
        return tile.empty() ? base::Status()
                            : put(tile_path(level, from / tile_width, from % tile_width), tile);
    };
    std::ranges::transform(entries, std::back_inserter(added), bundled);
    if (auto done = fill(entries_level, size, nullptr); !done) {
        return done;
    }
    added.clear();
    for (const auto& entry : entries) {
        added.emplace_back(crypto::view(crypto::merkle_leaf(entry)));
    }
    for (int level = 0; !added.empty(); ++level, size /= tile_width) {
        above.clear();
        if (auto done = fill(level, size, &above); !done) {
            return done;
        }
        added.swap(above);
    }
    return {};
}

base::Status Log::publish(std::string_view checkpoint) {
    return store_.put(prefix_ + "checkpoint", checkpoint);
}

base::Result<std::uint64_t> Log::size() {
    const auto note = checkpoint();
    if (!note) {
        return note.error().code == Code::not_found ? base::Result<std::uint64_t>(0)
                                                    : std::unexpected(note.error());
    }
    std::uint64_t size = 0;
    const auto line = note->find('\n');
    if (line == std::string::npos ||
        std::from_chars(note->data() + line + 1, note->data() + note->size(), size).ec != std::errc{}) {
        return base::fail(Code::internal, "The checkpoint of a log is none.");
    }
    return size;
}

crypto::ReadSubtree Log::reader(std::uint64_t size) {
    // A proof asks for several subtrees of one tile.
    return [this, size, tiles = std::make_shared<std::map<std::string, std::string>>()](
               unsigned height, std::uint64_t index) -> base::Result<Digest> {
        const int level = static_cast<int>(height / 8);
        const std::uint64_t wide = std::uint64_t{1}
                                   << height % 8;  // hashes of the tile that the subtree is over
        const std::uint64_t first = index * wide;
        const std::uint64_t there = size >> (8U * static_cast<unsigned>(level));
        const std::uint64_t tile = first / tile_width;
        const std::uint64_t width = std::min(tile_width, there - tile * tile_width);
        const std::string path = tile_path(level, tile, width);
        auto found = tiles->find(path);
        if (found == tiles->end()) {
            auto bytes = store_.get(prefix_ + path);
            if (!bytes) {
                return std::unexpected(std::move(bytes.error()));
            }
            found = tiles->emplace(path, std::move(*bytes)).first;
        }
        if (found->second.size() != width * hash_bytes) {
            return base::fail(Code::internal, "A tile of an institution's log is none.");
        }
        return root_of(
            std::string_view(found->second).substr(first % tile_width * hash_bytes, wide * hash_bytes));
    };
}

}  // namespace domicile::documents
