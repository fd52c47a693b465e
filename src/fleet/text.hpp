#pragma once
// Small text helpers of the fleet. Pure.

#include "sql/quote.hpp"
#include "topology/topology.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::fleet {

/// The pieces of `text` between separators; empty pieces are left out.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string_view trim(std::string_view text);

/// A whole decimal number, nothing around it.
template <class Int>
[[nodiscard]] std::optional<Int> parse_number(std::string_view text) {
    Int value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
        return std::nullopt;
    }
    return value;
}

/// FNV-1a, 32 bits, as 8 hex digits: a short stable name, not a defence.
[[nodiscard]] std::string short_hash(std::string_view text);

/// `host:port`, an IPv6 host in brackets.
[[nodiscard]] std::string host_port(const topology::Address& address);

using sql::sql_identifier;
using sql::sql_literal;

}  // namespace domicile::fleet
