#pragma once
// An object store with the semantics of S3 (Amazon S3 API Reference): whole objects under keys, put only if
// absent (If-None-Match: *), checked by SHA-256, kept until a date. Drivers: a directory, S3. Threads may
// share one.

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::cloud {

inline constexpr std::size_t object_bytes_max = 64U << 20U;

struct StoredObject {
    std::string key;
    std::uint64_t bytes = 0;
};

class ObjectStore {
  public:
    ObjectStore() = default;
    ObjectStore(const ObjectStore&) = delete;
    ObjectStore& operator=(const ObjectStore&) = delete;
    virtual ~ObjectStore() = default;

    /// precondition_failed if the key is taken, by whatever; after node_unavailable or node_timeout it may or
    /// may not be there. invalid_value: no key, or too long. On success it outlives a crash of the machine.
    [[nodiscard]] virtual base::Status put_if_absent(std::string_view key, std::string_view bytes) = 0;
    /// The same, but what was there is replaced. For what changes by design: a log's checkpoint.
    [[nodiscard]] virtual base::Status put(std::string_view key, std::string_view bytes) = 0;
    /// not_found; internal if the bytes are not those that were put.
    [[nodiscard]] virtual base::Result<std::string> get(std::string_view key) = 0;
    /// Keys that begin so, in order.
    [[nodiscard]] virtual base::Result<std::vector<StoredObject>> list(std::string_view prefix) = 0;
};

/// Slashes between segments of letters, digits and -_. ; 1 to 512 bytes, no segment "." or "..".
[[nodiscard]] bool is_object_key(std::string_view key);

}  // namespace domicile::cloud
