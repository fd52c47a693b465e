#include "http/edge_headers.hpp"

#include "edge/headers.hpp"

namespace domicile::http {
namespace {

std::string lines(const topology::Edge& edge, bool secure, bool page) {
    std::string text;
    for (const auto& [name, value] : edge::headers(edge, secure, page)) {
        text += name + ": " + value + "\r\n";
    }
    return text;
}

}  // namespace

EdgeHeaders::EdgeHeaders(const topology::Edge& edge, bool secure)
    : data_("X-Content-Type-Options: nosniff\r\n"), page_{data_} {
    if (!edge.declared) {
        return;
    }
    data_ = lines(edge, secure, false);
    page_.clear();
    const std::string whole = lines(edge, secure, true);
    for (std::size_t from = 0;;) {
        const auto mark = whole.find(edge::nonce_mark, from);
        page_.push_back(whole.substr(from, mark - from));
        if (mark == std::string::npos) {
            break;
        }
        from = mark + edge::nonce_mark.size();
    }
}

void EdgeHeaders::append(base::Buffer& out, std::string_view nonce) const {
    if (nonce.empty()) {
        out.append(data_);
        return;
    }
    for (std::size_t i = 0; i < page_.size(); ++i) {
        out.append(i == 0 ? std::string_view() : nonce);
        out.append(page_[i]);
    }
}

}  // namespace domicile::http
