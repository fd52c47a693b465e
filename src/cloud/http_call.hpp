#pragma once
// One HTTP request of our own to somebody else, over libcurl. Blocking: never on a thread that serves.

#include "base/error.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::cloud {

struct HttpCall {
    std::string url;  ///< http or https
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    std::string authority = {};  ///< PEM file; empty: the machine's authorities
    bool unverified = false;     ///< takes any certificate: only to see whether somebody is there
    std::size_t bytes_max = 1U << 20U;
    std::chrono::milliseconds timeout{10'000};
};

struct HttpAnswer {
    int status = 0;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers = {};  ///< names in lower case
    [[nodiscard]] std::string header(std::string_view name) const;  ///< empty if it is not there
};

/// Redirects are not followed: what is asked is what answers. Errors: node_unavailable (nobody answered, or
/// the other side is not who it should be), node_timeout, payload_too_large. Neither body nor headers ever
/// stand in an error.
[[nodiscard]] base::Result<HttpAnswer> call(const HttpCall& request);

}  // namespace domicile::cloud
