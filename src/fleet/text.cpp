#include "fleet/text.hpp"

namespace domicile::fleet {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> result;
    while (!text.empty()) {
        const auto end = text.find(separator);
        if (end != 0) {
            result.push_back(text.substr(0, end));
        }
        if (end == std::string_view::npos) {
            break;
        }
        text.remove_prefix(end + 1);
    }
    return result;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string short_hash(std::string_view text) {
    std::uint32_t hash = 2166136261U;
    for (const char byte : text) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619U;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result(8, '0');
    for (std::size_t i = 0; i < result.size(); ++i) {
        result[result.size() - 1 - i] = digits[(hash >> (4U * i)) & 15U];
    }
    return result;
}

std::string host_port(const topology::Address& address) {
    const bool six = address.host.find(':') != std::string::npos;
    return (six ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace domicile::fleet
