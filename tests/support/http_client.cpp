#include "support/http_client.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace domicile::test_support {

std::string HttpResponse::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0) {
            return value;
        }
    }
    return {};
}

bool HttpClient::connect() {
    close();
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address_.port);
    ::inet_pton(AF_INET, address_.host.c_str(), &to.sin_addr);
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

void HttpClient::close() {
    if (socket_ >= 0) {
        ::close(socket_);
        socket_ = -1;
    }
    pending_.clear();
}

bool HttpClient::send(std::string_view bytes) {
    if (socket_ < 0 && !connect()) {
        return false;
    }
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

HttpResponse HttpClient::receive(bool head_only) {
    HttpResponse response;
    std::size_t end = std::string::npos;
    char piece[16'384];
    const auto more = [&] {
        const ssize_t got = ::recv(socket_, piece, sizeof piece, 0);
        if (got > 0) {
            pending_.append(piece, static_cast<std::size_t>(got));
        }
        return got > 0;
    };
    while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
        if (!more()) {
            close();
            return response;
        }
    }
    int status = 0;
    std::from_chars(pending_.data() + 9, pending_.data() + 12, status);
    std::size_t at = pending_.find("\r\n") + 2;
    while (at < end + 2) {
        const auto stop = pending_.find("\r\n", at);
        const auto colon = pending_.find(": ", at);
        response.headers.emplace_back(pending_.substr(at, colon - at),
                                      pending_.substr(colon + 2, stop - colon - 2));
        at = stop + 2;
    }
    pending_.erase(0, end + 4);
    std::size_t length = 0;
    const std::string text = response.header("Content-Length");
    std::from_chars(text.data(), text.data() + text.size(), length);
    if (head_only) {
        length = 0;
    }
    while (pending_.size() < length) {
        if (!more()) {
            close();
            return response;
        }
    }
    response.body = pending_.substr(0, length);
    pending_.erase(0, length);
    response.status = status;
    if (response.header("Connection") == "close") {
        close();
    }
    return response;
}

HttpResponse HttpClient::request(std::string_view method, std::string_view target, std::string_view body,
                                 const Headers& headers) {
    std::string bytes = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n";
    for (const auto& [name, value] : headers) {
        bytes += name + ": " + value + "\r\n";
    }
    if (!body.empty()) {
        const bool typed =
            std::ranges::any_of(headers, [](const auto& one) { return one.first == "Content-Type"; });
        bytes += typed ? "" : "Content-Type: application/json\r\n";
        bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    bytes += "\r\n" + std::string(body);
    if (!send(bytes) && (!connect() || !send(bytes))) {
        return {};
    }
    return receive(method == "HEAD");
}

std::string json_member(std::string_view json, std::string_view name) {
    const std::string mark = "\"" + std::string(name) + "\":";
    const auto at = json.find(mark);
    if (at == std::string_view::npos) {
        return {};
    }
    std::string_view rest = json.substr(at + mark.size());
    if (rest.starts_with('"')) {
        rest.remove_prefix(1);
        return std::string(rest.substr(0, rest.find('"')));
    }
    return std::string(rest.substr(0, rest.find_first_of(",}]\n")));
}

}  // namespace domicile::test_support
