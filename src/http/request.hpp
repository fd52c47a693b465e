#pragma once
// One HTTP/1.1 request, parsed as bytes come (RFC 9112). The grammar is Boost.Beast's; we keep only what the
// door needs, in strings that are reused from request to request.

#include "base/error.hpp"
#include "iam/principal.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace domicile::http {

enum class Method : std::uint8_t { get, head, post, patch, put, delete_, options, other };

struct Request {
    Method method = Method::other;
    std::string target;
    std::string body;
    std::string content_type;
    std::string idempotency_key;
    std::string if_match;
    std::string if_none_match;
    std::string range;  ///< RFC 9110 section 14.2
    std::string if_range;
    std::string position;  ///< Domicile-Position
    std::string authorization;
    std::string peer;     ///< the client's address; of the connection, not of one request
    bool secure = false;  ///< TLS; of the connection, too
    std::shared_ptr<const iam::Principal> service;  ///< whom its certificate shows; of the connection, too
    bool keep_alive = true;
    bool expects_continue = false;

    void clear();
};

/// Parses one request. Make a new one for the next; the Request may be the same.
class RequestParser {
  public:
    /// `request` outlives the parser and is cleared here.
    RequestParser(Request& request, std::uint32_t body_bytes_max);
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;
    ~RequestParser();

    /// Takes bytes and returns how many were used; the rest belongs to the next request. Errors:
    /// malformed_request, headers_too_large, payload_too_large. After an error the connection must be closed:
    /// where the next request begins is unknown.
    [[nodiscard]] base::Result<std::size_t> put(std::string_view bytes);
    [[nodiscard]] bool done() const noexcept;
    [[nodiscard]] bool header_done() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace domicile::http
