#pragma once
// A plain blocking HTTP/1.1 client for tests: sends the bytes it is given and reads one response.

#include "topology/topology.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::test_support {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpResponse {
    int status = 0;  ///< 0: no whole response came
    Headers headers;
    std::string body;
    [[nodiscard]] std::string header(std::string_view name) const;  ///< empty if absent
};

/// One connection, kept open between requests. Reconnects when the server has closed it.
class HttpClient {
  public:
    explicit HttpClient(topology::Address address) : address_(std::move(address)) {}
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    ~HttpClient() { close(); }

    HttpResponse request(std::string_view method, std::string_view target, std::string_view body = {},
                         const Headers& headers = {});
    HttpResponse get(std::string_view target, const Headers& headers = {}) {
        return request("GET", target, {}, headers);
    }
    HttpResponse post(std::string_view target, std::string_view body, const Headers& headers = {}) {
        return request("POST", target, body, headers);
    }
    HttpResponse patch(std::string_view target, std::string_view body, const Headers& headers = {}) {
        return request("PATCH", target, body, headers);
    }

    /// Raw bytes out. False if the connection is gone.
    bool send(std::string_view bytes);
    /// The next response of the stream; `head_only` if it belongs to a HEAD request.
    HttpResponse receive(bool head_only = false);
    void close();

  private:
    bool connect();
    topology::Address address_;
    int socket_ = -1;
    std::string pending_;
};

/// The text of a string or the digits of a number of a flat JSON object; empty if absent.
[[nodiscard]] std::string json_member(std::string_view json, std::string_view name);

}  // namespace domicile::test_support
