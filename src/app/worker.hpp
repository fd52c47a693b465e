#pragma once
// How a worker and the local operator's commands reach shards and central.

#include "cloud/object_store.hpp"
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

/// Where a jurisdiction's documents are.
[[nodiscard]] std::unique_ptr<cloud::ObjectStore> document_store(const fleet::Secrets& secrets,
                                                                 std::string_view jurisdiction);
/// The queue that the topology names; over `central` if it is a table there.
[[nodiscard]] std::unique_ptr<cloud::Queue> figures_queue(const topology::Topology& topology,
                                                          events::Connect central);

}  // namespace domicile::app
