#pragma once
// The declared headers ([edge] of the topology) as the bytes that every response of a door carries: rendered
// once, copied whole. Immutable after that, so threads share it freely.

#include "base/buffer.hpp"
#include "topology/topology.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace domicile::http {

class EdgeHeaders {
  public:
    /// `secure`: the door speaks TLS. Without a declaration only what every response has had: nosniff.
    EdgeHeaders(const topology::Edge& edge, bool secure);

    /// Appends header lines. `nonce`: of a page that was made with one; empty for every other response, whose
    /// policy then has no nonce source.
    void append(base::Buffer& out, std::string_view nonce) const;

  private:
    std::string data_;
    std::vector<std::string> page_;  ///< the nonce stands between any two
};

}  // namespace domicile::http
