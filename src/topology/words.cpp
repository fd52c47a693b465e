#include "topology/words.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstddef>

namespace domicile::topology {
namespace {

constexpr std::size_t name_bytes_max = 63;
constexpr std::size_t host_bytes_max = 253;  // RFC 1035 2.3.4, without the closing dot
constexpr std::size_t label_bytes_max = 63;
constexpr std::size_t header_bytes_max =
    4'096;  // two policies and the rest fit into the 16 KiB that clients take

bool lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool digit(char c) {
    return c >= '0' && c <= '9';
}

/// The bytes of an IP address, 4 or 16; empty if `text` is none.
std::string ip_bytes(std::string_view text) {
    const std::string zero_ended(text);
    if (zero_ended.find('\0') != std::string::npos) {
        return {};
    }
    std::array<char, 16> bytes{};
    if (inet_pton(AF_INET, zero_ended.c_str(), bytes.data()) == 1) {
        return {bytes.data(), 4};
    }
    if (inet_pton(AF_INET6, zero_ended.c_str(), bytes.data()) == 1) {
        return {bytes.data(), 16};
    }
    return {};
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > host_bytes_max) {
        return false;
    }
    // 127.0.0.300 is a mistake in an address, not a name.
    if (std::ranges::all_of(text, [](char c) { return digit(c) || c == '.'; })) {
        return false;
    }
    std::size_t label = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i == text.size() || text[i] == '.') {
            if (label == 0 || label > label_bytes_max || text[i - 1] == '-') {
                return false;
            }
            label = 0;
            continue;
        }
        const bool inside = lower(text[i]) || upper(text[i]) || digit(text[i]) || text[i] == '_';
        if (!inside && (text[i] != '-' || label == 0)) {
            return false;
        }
        ++label;
    }
    return true;
}

}  // namespace

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= name_bytes_max && lower(text[0]) &&
           std::ranges::all_of(text, [](char c) { return lower(c) || digit(c) || c == '-'; });
}

bool is_sql_name(std::string_view text) {
    return !text.empty() && text.size() <= name_bytes_max && (lower(text[0]) || text[0] == '_') &&
           std::ranges::all_of(text, [](char c) { return lower(c) || digit(c) || c == '_'; });
}

bool is_generalisation(std::string_view text) {
    for (const std::string_view counted : {"prefix:", "step:"}) {
        if (text.starts_with(counted)) {
            const auto number = text.substr(counted.size());
            return !number.empty() && number.size() <= 9 && number != "0" &&
                   number.find_first_not_of("0123456789") == std::string_view::npos;
        }
    }
    return text == "year" || text == "month" || text == "decade";
}

bool is_period(std::string_view text) {
    const auto blank = text.find(' ');
    const auto number = text.substr(0, blank);
    return blank != std::string_view::npos && !number.empty() && number.size() <= 5 &&
           number.front() != '0' && number.find_first_not_of("0123456789") == std::string_view::npos &&
           (text.substr(blank + 1) == "days" || text.substr(blank + 1) == "months" ||
            text.substr(blank + 1) == "years");
}

bool is_holiday(std::string_view text) {
    const auto digits = [](std::string_view part, std::size_t size) {
        return part.size() == size && part.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (text.starts_with("easter+") || text.starts_with("easter-")) {
        const auto days = text.substr(7);
        return (digits(days, 1) || digits(days, 2)) && days.front() != '0';
    }
    if (text.size() == 10) {
        if (!digits(text.substr(0, 4), 4) || text[4] != '-') {
            return false;
        }
        text.remove_prefix(5);
    }
    if (text.size() != 5 || text[2] != '-' || !digits(text.substr(0, 2), 2) || !digits(text.substr(3), 2)) {
        return false;
    }
    const int month = (text[0] - '0') * 10 + text[1] - '0';
    const int day = (text[3] - '0') * 10 + text[4] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool is_country(std::string_view text) {
    return text.size() == 2 && upper(text[0]) && upper(text[1]);
}

bool is_action(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return false;
    }
    const std::string_view verb = text.substr(colon + 1);
    return is_name(text.substr(0, colon)) && !verb.empty() && verb.size() <= name_bytes_max &&
           upper(verb[0]) && std::ranges::all_of(verb, [](char c) { return lower(c) || upper(c); });
}

bool is_setting(std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return lower(c) || c == '_' || c == '.'; });
}

bool is_header_value(std::string_view text) {
    return !text.empty() && text.size() <= header_bytes_max && text.front() != ' ' && text.back() != ' ' &&
           std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_policy(std::string_view text) {
    constexpr std::string_view nonce = "'nonce-{nonce}'";
    if (!is_header_value(text) || text.find(',') != std::string_view::npos) {
        return false;
    }
    for (std::size_t at = 0; (at = text.find_first_of("{}", at)) != std::string_view::npos;) {
        const std::size_t before = nonce.find('{');
        if (at < before || text.substr(at - before, nonce.size()) != nonce) {
            return false;
        }
        at += nonce.size() - before;
    }
    return true;
}

bool is_transport_security(std::string_view text) {
    constexpr std::string_view age = "max-age=";
    if (!text.starts_with(age)) {
        return false;
    }
    text.remove_prefix(age.size());
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(digits);
    for (const std::string_view word : {"; includeSubDomains", "; preload"}) {
        text.remove_prefix(text.starts_with(word) ? word.size() : 0);
    }
    return digits >= 1 && digits <= 10 && text.empty();
}

bool is_public_host(std::string_view text) {
    return is_host(text) &&
           std::ranges::all_of(text, [](char c) { return lower(c) || digit(c) || c == '-' || c == '.'; }) &&
           std::ranges::any_of(text, lower);
}

bool is_host(std::string_view text) {
    return !ip_bytes(text).empty() || is_host_name(text);
}

bool is_wildcard(std::string_view host) {
    const std::string bytes = ip_bytes(host);
    return !bytes.empty() && std::ranges::all_of(bytes, [](char byte) { return byte == 0; });
}

bool is_loopback(std::string_view host) {
    if (host == "localhost") {
        return true;
    }
    const std::string bytes = ip_bytes(host);
    return (bytes.size() == 4 && bytes[0] == 127) || (bytes.size() == 16 && bytes == ip_bytes("::1"));
}

std::optional<Address> read_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        if (ip_bytes(host).size() != 16) {
            return std::nullopt;
        }
    } else if (host.find(':') != std::string_view::npos) {
        return std::nullopt;
    }
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || end != port.data() + port.size() || port[0] == '0' || !is_host(host)) {
        return std::nullopt;
    }
    return Address{std::string(host), number};
}

std::string canonical(const Address& address) {
    std::string host = ip_bytes(address.host == "localhost" ? "127.0.0.1" : address.host);
    if (host.empty()) {
        host = address.host;
        std::ranges::transform(host, host.begin(),
                               [](char c) { return upper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
    }
    return host + ":" + std::to_string(address.port);
}

}  // namespace domicile::topology
