#include "session/sort_keys.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

namespace domicile::session {
namespace {

// pg_type.dat
enum Oid : std::uint32_t {
    oid_bool = 16,
    oid_bytea = 17,
    oid_char = 18,
    oid_name = 19,
    oid_int8 = 20,
    oid_int2 = 21,
    oid_int4 = 23,
    oid_text = 25,
    oid_oid = 26,
    oid_json = 114,
    oid_float4 = 700,
    oid_float8 = 701,
    oid_inet = 869,
    oid_bpchar = 1042,
    oid_varchar = 1043,
    oid_date = 1082,
    oid_time = 1083,
    oid_timestamp = 1114,
    oid_timestamptz = 1184,
    oid_interval = 1186,
    oid_timetz = 1266,
    oid_numeric = 1700,
    oid_uuid = 2950,
    oid_jsonb = 3802,
};

struct Named {
    std::uint32_t oid;
    std::string_view name;
};
constexpr std::array names = {
    Named{oid_bool, "bool"},           Named{oid_bytea, "bytea"},
    Named{oid_name, "name"},           Named{oid_int8, "int8"},
    Named{oid_int2, "int2"},           Named{oid_int4, "int4"},
    Named{oid_text, "text"},           Named{oid_oid, "oid"},
    Named{oid_json, "json"},           Named{oid_float4, "float4"},
    Named{oid_float8, "float8"},       Named{oid_inet, "inet"},
    Named{oid_bpchar, "bpchar"},       Named{oid_varchar, "varchar"},
    Named{oid_date, "date"},           Named{oid_time, "time"},
    Named{oid_timestamp, "timestamp"}, Named{oid_timestamptz, "timestamptz"},
    Named{oid_interval, "interval"},   Named{oid_timetz, "timetz"},
    Named{oid_numeric, "numeric"},     Named{oid_uuid, "uuid"},
    Named{oid_jsonb, "jsonb"},
};

std::uint64_t unsigned_of(std::string_view bytes) noexcept {
    std::uint64_t value = 0;
    for (const char byte : bytes) {
        value = value << 8U | static_cast<unsigned char>(byte);
    }
    return value;
}

std::int64_t signed_of(std::string_view bytes) noexcept {
    std::uint64_t value = unsigned_of(bytes);
    const auto bits = 8 * bytes.size();
    if (bits < 64 && !bytes.empty() && (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0) {
        value |= ~std::uint64_t{0} << bits;
    }
    return static_cast<std::int64_t>(value);
}

template <class T>
int three_way(T one, T other) noexcept {
    return one < other ? -1 : other < one ? 1 : 0;
}

/// NaN is above everything and equal to itself (float8_cmp_internal).
int compare_floats(double one, double other) noexcept {
    if (std::isnan(one) || std::isnan(other)) {
        return three_way(std::isnan(one), std::isnan(other));
    }
    return three_way(one, other);
}

/// numeric_send: count of base-10000 digits, weight of the first, sign, scale, digits.
struct Numeric {
    std::uint16_t sign = 0;
    std::int16_t weight = 0;
    std::string_view digits;

    explicit Numeric(std::string_view bytes) noexcept {
        if (bytes.size() >= 8) {
            weight = static_cast<std::int16_t>(unsigned_of(bytes.substr(2, 2)));
            sign = static_cast<std::uint16_t>(unsigned_of(bytes.substr(4, 2)));
            digits = bytes.substr(8);
        }
    }
    /// -infinity, finite, +infinity, NaN, in that order.
    [[nodiscard]] int rank() const noexcept {
        return sign == 0xF000 ? -1 : sign == 0xD000 ? 1 : sign == 0xC000 ? 2 : 0;
    }
    [[nodiscard]] bool negative() const noexcept { return sign == 0x4000; }
};

int compare_magnitudes(const Numeric& one, const Numeric& other) noexcept {
    if (one.digits.empty() || other.digits.empty()) {
        return three_way(!one.digits.empty(), !other.digits.empty());
    }
    if (one.weight != other.weight) {
        return three_way(one.weight, other.weight);
    }
    const std::size_t common = std::min(one.digits.size(), other.digits.size());
    const int head = std::memcmp(one.digits.data(), other.digits.data(), common);
    // numeric_send strips trailing zero digits, so the longer one is the larger.
    return head != 0 ? head : three_way(one.digits.size(), other.digits.size());
}

int compare_numerics(std::string_view one, std::string_view other) noexcept {
    const Numeric a(one);
    const Numeric b(other);
    if (a.rank() != 0 || b.rank() != 0) {
        return three_way(a.rank(), b.rank());
    }
    if (a.negative() != b.negative()) {
        return a.negative() ? -1 : 1;
    }
    const int magnitude = compare_magnitudes(a, b);
    return a.negative() ? -magnitude : magnitude;
}

/// interval_cmp_value: a month has thirty days, a day twenty-four hours.
__int128 span_of(std::string_view bytes) noexcept {
    if (bytes.size() != 16) {
        return 0;
    }
    const auto microseconds = signed_of(bytes.substr(0, 8));
    const auto days = signed_of(bytes.substr(8, 4));
    const auto months = signed_of(bytes.substr(12, 4));
    return static_cast<__int128>(microseconds) + (static_cast<__int128>(days) + months * 30) * 86'400'000'000;
}

int compare_bytes(std::string_view one, std::string_view other) noexcept {
    const int head = std::memcmp(one.data(), other.data(), std::min(one.size(), other.size()));
    return head != 0 ? head : three_way(one.size(), other.size());
}

std::string_view without_blanks(std::string_view text) noexcept {
    const auto last = text.find_last_not_of(' ');
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

bool collatable(std::uint32_t type_oid) noexcept {
    return type_oid == oid_text || type_oid == oid_varchar || type_oid == oid_bpchar;
}

bool sortable(std::uint32_t type_oid, bool c_collation) noexcept {
    switch (type_oid) {
        case oid_bool:
        case oid_bytea:
        case oid_name:  // always the C collation
        case oid_int8:
        case oid_int2:
        case oid_int4:
        case oid_oid:
        case oid_float4:
        case oid_float8:
        case oid_date:
        case oid_time:
        case oid_timestamp:
        case oid_timestamptz:
        case oid_interval:
        case oid_numeric:
        case oid_uuid: return true;
        default: return collatable(type_oid) && c_collation;
    }
}

int compare_keys(std::uint32_t type_oid, std::string_view one, std::string_view other) noexcept {
    switch (type_oid) {
        case oid_int2:
        case oid_int4:
        case oid_int8:
        case oid_date:
        case oid_time:
        case oid_timestamp:
        case oid_timestamptz: return three_way(signed_of(one), signed_of(other));
        case oid_bool:
        case oid_oid: return three_way(unsigned_of(one), unsigned_of(other));
        case oid_float4:
            return compare_floats(std::bit_cast<float>(static_cast<std::uint32_t>(unsigned_of(one))),
                                  std::bit_cast<float>(static_cast<std::uint32_t>(unsigned_of(other))));
        case oid_float8:
            return compare_floats(std::bit_cast<double>(unsigned_of(one)),
                                  std::bit_cast<double>(unsigned_of(other)));
        case oid_numeric: return compare_numerics(one, other);
        case oid_interval: return three_way(span_of(one), span_of(other));
        case oid_bpchar: return compare_bytes(without_blanks(one), without_blanks(other));
        default: return compare_bytes(one, other);
    }
}

std::string_view type_name(std::uint32_t type_oid) noexcept {
    const auto found = std::ranges::find(names, type_oid, &Named::oid);
    return found == names.end() ? std::string_view() : found->name;
}

}  // namespace domicile::session
