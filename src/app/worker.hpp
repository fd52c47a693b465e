#pragma once
// How a worker and the local operator's commands reach shards and central.

#include "events/consumer.hpp"
#include "fleet/secrets.hpp"

#include <memory>

namespace domicile::app {

/// Whichever node of the shard writes now, as the worker's role.
[[nodiscard]] events::Connect writer_of(const fleet::Secrets& secrets, topology::ShardIndex shard,
                                        std::string_view role = fleet::roles::worker);
/// Central as the consumer; within reach of its own jurisdiction's regions only.
[[nodiscard]] events::Connect central_worker(const fleet::Secrets& secrets);
/// Central as every jurisdiction may: to send batches and to read figures.
[[nodiscard]] events::Connect central_figures(const fleet::Secrets& secrets, std::string_view jurisdiction);

inline constexpr std::string_view figures_queue = "figures";

}  // namespace domicile::app
