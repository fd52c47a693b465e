#include "http/response.hpp"

#include "crypto/random.hpp"

#include <charconv>

namespace domicile::http {
namespace {

constexpr std::size_t nonce_bytes = 16;

std::string_view reason(std::uint16_t status) {
    switch (status) {
        case 200: return "200 OK";
        case 201: return "201 Created";
        case 202: return "202 Accepted";
        case 204: return "204 No Content";
        case 206: return "206 Partial Content";
        case 304: return "304 Not Modified";
        case 400: return "400 Bad Request";
        case 401: return "401 Unauthorized";
        case 403: return "403 Forbidden";
        case 404: return "404 Not Found";
        case 405: return "405 Method Not Allowed";
        case 408: return "408 Request Timeout";
        case 409: return "409 Conflict";
        case 412: return "412 Precondition Failed";
        case 413: return "413 Content Too Large";
        case 415: return "415 Unsupported Media Type";
        case 416: return "416 Range Not Satisfiable";
        case 422: return "422 Unprocessable Content";
        case 431: return "431 Request Header Fields Too Large";
        case 451: return "451 Unavailable For Legal Reasons";
        case 502: return "502 Bad Gateway";
        case 503: return "503 Service Unavailable";
        case 504: return "504 Gateway Timeout";
        case 507: return "507 Insufficient Storage";
        default: return "500 Internal Server Error";
    }
}

}  // namespace

std::string_view Response::page() {
    content_type_ = "text/html; charset=utf-8";
    nonce_ = crypto::random_token(nonce_bytes);
    return nonce_;
}

void Response::finish(base::Buffer& out, std::string_view date, bool keep_alive, bool head_only,
                      const EdgeHeaders& edge) const {
    out.append("HTTP/1.1 ");
    out.append(reason(status_));
    out.append("\r\nDate: ");
    out.append(date);
    // People's data: no cache may keep it. A nonce that a cache gave out again would be worth nothing,
    // either.
    out.append("\r\nCache-Control: no-store\r\n");
    if (own_headers_) {
        out.append("X-Content-Type-Options: nosniff\r\n");
    } else {
        edge.append(out, nonce_);
    }
    out.append(head_.view());
    if (status_ != 204 && status_ != 304) {
        out.append("Content-Type: ");
        out.append(content_type_);
        if (source_.next && source_.bytes == BodySource::endless) {
            out.append("\r\nTransfer-Encoding: chunked\r\n");
        } else {
            out.append("\r\nContent-Length: ");
            char digits[20];
            const auto end = std::to_chars(digits, digits + sizeof digits,
                                           source_.next ? source_.bytes : std::uint64_t{body_.size()})
                                 .ptr;
            out.append({digits, end});
            out.append("\r\n");
        }
    }
    if (!keep_alive) {
        out.append("Connection: close\r\n");
    }
    out.append("\r\n");
    if (!head_only && status_ != 204 && status_ != 304) {
        out.append(body_.view());
    }
}

}  // namespace domicile::http
