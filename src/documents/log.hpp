#pragma once
// An institution's log in an object store, laid out as C2SP tlog-tiles: 256 hashes a tile, entries beside
// them, and a signed checkpoint. Nothing of a person stands in it (manifest.hpp, leaf_of). What is written
// once never changes but the checkpoint; to write it again does nothing.

#include "cloud/object_store.hpp"
#include "crypto/checkpoint.hpp"
#include "crypto/merkle.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace domicile::documents {

inline constexpr std::uint64_t tile_width = 256;

/// "tile/1/x001/067", with ".p/17" for one that holds so many yet; level -1: "tile/entries/…".
[[nodiscard]] std::string tile_path(int level, std::uint64_t index, std::uint64_t width);

/// What names the log: "retail/eu-tax".
[[nodiscard]] std::string log_origin(std::string_view system, std::string_view institution);

class Log {
  public:
    /// The store outlives it.
    Log(cloud::ObjectStore& store, std::string_view institution)
        : store_(store), prefix_("log/" + std::string(institution) + "/") {}

    /// Entries `size` and following. Those before must be there: not_found if not (then all may be given,
    /// from 0). internal if others stand in their place.
    base::Status append(std::uint64_t size, std::span<const std::string> entries);
    base::Status publish(std::string_view checkpoint);
    /// not_found before the first one.
    base::Result<std::string> checkpoint() { return store_.get(prefix_ + "checkpoint"); }
    /// What it says, 0 before the first one: our own store is believed without its signature.
    base::Result<std::uint64_t> size();

    /// For proofs over the tree as it was or is at `size`.
    [[nodiscard]] crypto::ReadSubtree reader(std::uint64_t size);

  private:
    base::Status put(const std::string& path, std::string_view bytes);

    cloud::ObjectStore& store_;
    std::string prefix_;
};

}  // namespace domicile::documents
