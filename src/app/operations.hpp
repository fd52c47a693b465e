#pragma once
// What the gateway shows of the regions: read from what the region's worker has written, prepared on a thread
// of its own, so that a page that is open costs the doors nothing.

#include "access/access_log.hpp"
#include "app/region_files.hpp"
#include "http/operations.hpp"
#include "iam/policy_set.hpp"
#include "topology/topology.hpp"

#include <memory>

namespace domicile::app {

/// A file of the page, built into the program; null if there is none.
[[nodiscard]] const http::Asset* console_asset(std::string_view path);

class OperationsReader {
  public:
    /// References outlive it.
    OperationsReader(const topology::Topology& topology, topology::RegionIndex region,
                     const RegionFiles& files, const access::AccessLog& log,
                     std::shared_ptr<const iam::PolicySet> policies);
    ~OperationsReader();
    OperationsReader(const OperationsReader&) = delete;
    OperationsReader& operator=(const OperationsReader&) = delete;

    [[nodiscard]] http::Operations operations();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace domicile::app
