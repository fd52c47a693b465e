#include "http/request.hpp"

#include "base/limits.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace domicile::http {
namespace {

namespace beast = boost::beast::http;
using base::Code;
using boost::beast::error_code;
using boost::beast::string_view;

Method mapped(beast::verb verb) {
    switch (verb) {
        case beast::verb::get: return Method::get;
        case beast::verb::head: return Method::head;
        case beast::verb::post: return Method::post;
        case beast::verb::patch: return Method::patch;
        case beast::verb::put: return Method::put;
        case beast::verb::delete_: return Method::delete_;
        case beast::verb::options: return Method::options;
        default: return Method::other;
    }
}

}  // namespace

void Request::clear() {
    method = Method::other;
    target.clear();
    body.clear();
    content_type.clear();
    idempotency_key.clear();
    if_match.clear();
    authorization.clear();
    if_none_match.clear();
    range.clear();
    if_range.clear();
    position.clear();
    keep_alive = true;
    expects_continue = false;
}

struct RequestParser::Impl final : beast::basic_parser<true> {
    explicit Impl(Request& into) : request(into) {}

    Request& request;
    bool has_length = false;
    bool has_encoding = false;
    bool has_host = false;
    bool refused = false;
    int version = 11;

    void keep(std::string& field, string_view value) {
        // A repeated singleton header is how two parsers are made to disagree.
        refused = refused || !field.empty();
        field = value;
    }

    void on_request_impl(beast::verb method, string_view /*method_text*/, string_view target, int number,
                         error_code& ec) override {
        request.method = mapped(method);
        request.target = target;
        version = number;
        if (target.size() > base::limits::http_target_bytes_max) {
            ec = beast::error::header_limit;
        }
    }
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(beast::field name, string_view text, string_view value, error_code& /*ec*/) override {
        switch (name) {
            case beast::field::content_length:
                refused = refused || has_length;
                has_length = true;
                break;
            case beast::field::transfer_encoding:
                // With any other coding nobody knows where the body ends (RFC 9112 section 6.1).
                refused = refused || has_encoding || !boost::beast::iequals(value, "chunked");
                has_encoding = true;
                break;
            case beast::field::host:
                refused = refused || has_host;
                has_host = true;
                break;
            case beast::field::content_type: keep(request.content_type, value); break;
            case beast::field::if_match: keep(request.if_match, value); break;
            case beast::field::if_none_match: keep(request.if_none_match, value); break;
            case beast::field::range: keep(request.range, value); break;
            case beast::field::if_range: keep(request.if_range, value); break;
            case beast::field::authorization: keep(request.authorization, value); break;
            case beast::field::expect: request.expects_continue = true; break;
            case beast::field::unknown:
                if (boost::beast::iequals(text, "Idempotency-Key")) {
                    // Present and empty is a mistake, not an absence: a blank is refused by the door.
                    keep(request.idempotency_key, value.empty() ? string_view(" ") : value);
                } else if (boost::beast::iequals(text, "Domicile-Position")) {
                    keep(request.position, value);
                }
                break;
            default: break;
        }
    }
    void on_header_impl(error_code& ec) override {
        // RFC 9112 section 6.1: both lengths at once is an attack or a defect; section 3.2: exactly one Host.
        if (refused || (has_length && has_encoding) || (version == 11 && !has_host)) {
            ec = beast::error::bad_field;
        }
    }
    void on_body_init_impl(boost::optional<std::uint64_t> const& /*length*/, error_code& /*ec*/) override {}
    std::size_t on_body_impl(string_view bytes, error_code& /*ec*/) override {
        request.body.append(bytes);
        return bytes.size();
    }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, string_view bytes, error_code& /*ec*/) override {
        request.body.append(bytes);
        return bytes.size();
    }
    void on_finish_impl(error_code& /*ec*/) override {}
};

RequestParser::RequestParser(Request& request, std::uint32_t body_bytes_max)
    : impl_(std::make_unique<Impl>(request)) {
    request.clear();
    impl_->eager(true);
    impl_->header_limit(base::limits::http_header_bytes_max);
    impl_->body_limit(body_bytes_max);
}

RequestParser::~RequestParser() = default;

base::Result<std::size_t> RequestParser::put(std::string_view bytes) {
    error_code ec;
    std::size_t used = 0;
    while (used < bytes.size() && !impl_->is_done()) {
        const std::size_t taken =
            impl_->put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), ec);
        used += taken;
        if (ec == beast::error::need_more) {
            ec = {};
            break;
        }
        if (ec || taken == 0) {
            break;
        }
    }
    if (ec == beast::error::header_limit) {
        return base::fail(Code::headers_too_large, "The request line and header fields are too large.");
    }
    if (ec == beast::error::body_limit) {
        return base::fail(Code::payload_too_large, "The body is larger than this gateway takes.");
    }
    if (ec) {
        return base::fail(Code::malformed_request, "The request is not valid HTTP/1.1.", {}, ec.message());
    }
    if (impl_->is_done()) {
        impl_->request.keep_alive = impl_->keep_alive();
    }
    return used;
}

bool RequestParser::done() const noexcept {
    return impl_->is_done();
}
bool RequestParser::header_done() const noexcept {
    return impl_->is_header_done();
}

}  // namespace domicile::http
