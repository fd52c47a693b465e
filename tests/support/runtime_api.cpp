#include "support/runtime_api.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <netinet/in.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace domicile::test_support {

RuntimeApi::RuntimeApi(std::vector<std::string> events) : events_(std::move(events)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    ::inet_pton(AF_INET, "127.0.0.1", &place.sin_addr);
    socklen_t size = sizeof place;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0 ||
        ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&place), &size) != 0) {
        throw std::runtime_error("no port for the runtime API");
    }
    port_ = ntohs(place.sin_port);
    thread_ = std::thread([this] { serve(); });
}

RuntimeApi::~RuntimeApi() {
    std::ignore = answers();
}

const std::vector<std::string>& RuntimeApi::answers() {
    if (thread_.joinable()) {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    return answers_;
}

void RuntimeApi::serve() {
    std::size_t given = 0;
    for (;;) {
        const int client = ::accept(listener_, nullptr, nullptr);
        if (client < 0) {
            return;
        }
        std::string text;
        char part[4096];
        std::size_t head = std::string::npos;
        std::size_t length = 0;
        while (head == std::string::npos || text.size() < head + 4 + length) {
            const auto count = ::recv(client, part, sizeof part, 0);
            if (count <= 0) {
                break;
            }
            text.append(part, static_cast<std::size_t>(count));
            head = text.find("\r\n\r\n");
            const auto field = text.find("Content-Length: ");
            length = field != std::string::npos ? std::strtoul(text.c_str() + field + 16, nullptr, 10) : 0;
        }
        std::string answer;
        const bool asks = text.starts_with("GET /2018-06-01/runtime/invocation/next ");
        if (asks && given < events_.size()) {
            answer = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-" + std::to_string(given) +
                     "\r\nContent-Length: " + std::to_string(events_[given].size()) +
                     "\r\nConnection: close\r\n\r\n" + events_[given];
            ++given;
        } else if (text.starts_with("POST ")) {
            answers_.push_back(text.substr(5, text.find(' ', 5) - 5) + " " + text.substr(head + 4));
            answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        }
        [[maybe_unused]] const auto sent = ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
        ::close(client);  // without an answer: the environment is frozen for good
    }
}

}  // namespace domicile::test_support
