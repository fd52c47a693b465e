#pragma once
// One HTTP/1.1 response, built in buffers that are reused.

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/edge_headers.hpp"
#include "net/task.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace domicile::http {

/// A body too large to stand in a buffer: the server asks for one part after the other.
struct BodySource {
    static constexpr std::uint64_t endless = ~std::uint64_t{0};
    std::uint64_t bytes = 0;  ///< of all of it; endless: sent in chunks until the client or the server goes
    /// Appends the next part, at least one byte. A failure ends the connection: the length was promised.
    /// An endless one may append nothing: then it is asked again later.
    std::function<net::Task<base::Status>(base::Buffer& out)> next;
    std::chrono::milliseconds pause{0};  ///< between parts of an endless one
};

class Response {
  public:
    void clear() {
        source_ = {};
        own_headers_ = false;
        head_.clear();
        body_.clear();
        status_ = 200;
        content_type_ = "application/json";
        nonce_.clear();
    }
    void status(std::uint16_t code) noexcept { status_ = code; }
    [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
    /// `type` is a literal.
    void content_type(std::string_view type) noexcept { content_type_ = type; }
    /// HTML, with 128 random bits that the page may give to its own scripts (CSP Level 3 section 2.3.1).
    std::string_view page();
    /// REQUIRES: name and value hold no control characters.
    void header(std::string_view name, std::string_view value) {
        head_.append(name);
        head_.append(": ");
        head_.append(value);
        head_.append("\r\n");
    }
    /// The declared headers ([edge]) are not for this one: it brings stricter ones of its own.
    void own_headers() noexcept { own_headers_ = true; }
    [[nodiscard]] base::Buffer& body() noexcept { return body_; }
    /// In the body's place.
    void source(BodySource source) { source_ = std::move(source); }
    [[nodiscard]] BodySource& source() noexcept { return source_; }

    /// Appends the whole message to `out`, with the headers that `edge` puts on every one. `date` is an
    /// IMF-fixdate (RFC 9110 section 5.6.7).
    void finish(base::Buffer& out, std::string_view date, bool keep_alive, bool head_only,
                const EdgeHeaders& edge) const;

  private:
    base::Buffer head_;
    base::Buffer body_;
    BodySource source_;
    bool own_headers_ = false;
    std::uint16_t status_ = 200;
    std::string_view content_type_ = "application/json";
    std::string nonce_;  ///< of a page; empty otherwise
};

}  // namespace domicile::http
