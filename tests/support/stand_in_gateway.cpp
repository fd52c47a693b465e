// Stands in for `domicile gateway` where a test is about its supervision: it takes the same arguments, says
// ready over HTTP, and serves nothing.

#include "topology/parse.hpp"

#include <arpa/inet.h>
#include <fstream>
#include <iostream>
#include <netinet/in.h>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char** arguments) {
    if (count > 1 && std::string_view(arguments[1]) == "worker") {
        for (;;) {
            ::pause();
        }
    }
    std::string topology_file;
    std::string region_name;
    for (int i = 1; i + 1 < count; ++i) {
        const std::string_view flag = arguments[i];
        if (flag == "--topology") {
            topology_file = arguments[i + 1];
        } else if (flag == "--region") {
            region_name = arguments[i + 1];
        }
    }
    std::ostringstream text;
    text << std::ifstream(topology_file).rdbuf();
    const auto parsed = domicile::topology::parse(text.str());
    const auto region = parsed.topology.region(region_name);
    if (!parsed.ok() || !region) {
        std::cerr << "cannot read region " << region_name << " from " << topology_file << "\n";
        return 1;
    }
    const auto& address = parsed.topology.at(*region).http;
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(address.port);
    ::inet_pton(AF_INET, address.host.c_str(), &place.sin_addr);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0 ||
        ::listen(listener, 8) != 0) {
        std::cerr << "cannot listen on port " << address.port << "\n";
        return 1;
    }
    for (;;) {
        const int client = ::accept(listener, nullptr, nullptr);
        char request[1024];
        constexpr std::string_view answer =
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        if (::recv(client, request, sizeof request, 0) > 0) {
            [[maybe_unused]] const auto sent = ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
        }
        ::close(client);
    }
}
