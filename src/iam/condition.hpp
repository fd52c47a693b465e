#pragma once
// Condition operators of the IAM policy language (AWS IAM User Guide, "IAM JSON policy elements: Condition
// operators"), compiled once. Private to this room.

#include "iam/pattern.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::iam {

enum class Compare : std::uint8_t {
    string_equals,
    string_equals_ignore_case,
    string_like,
    numeric_equals,
    numeric_less,
    numeric_less_equal,
    numeric_greater,
    numeric_greater_equal,
    date_equals,
    date_less,
    date_less_equal,
    date_greater,
    date_greater_equal,
    boolean,
    binary,
    ip_address,
    arn,
    null,
};

struct Operator {
    enum class Set : std::uint8_t { none, all, any };  ///< ForAllValues, ForAnyValue
    Compare compare = Compare::string_equals;
    bool negated = false;
    bool if_exists = false;
    Set set = Set::none;
};
/// "ForAnyValue:StringNotEqualsIfExists". Names are compared as AWS does: exactly.
[[nodiscard]] std::optional<Operator> parse_operator(std::string_view name);

/// An IPv4 or IPv6 network; IPv4 as ::ffff:0:0/96.
struct Network {
    std::array<std::uint8_t, 16> bytes{};
    unsigned bits = 128;
    [[nodiscard]] bool holds(const Network& address) const;
};
[[nodiscard]] std::optional<Network> parse_network(std::string_view text);
/// ISO 8601 (date, or date and time with zone) or seconds since 1970: milliseconds since 1970.
[[nodiscard]] std::optional<std::int64_t> parse_date(std::string_view text);
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// One operator with one key and its values.
struct Condition {
    struct Value {
        Pattern pattern;             ///< strings
        std::vector<Pattern> parts;  ///< ARN: six
        double number = 0;
        std::int64_t date = 0;
        Network network;
        std::string bytes;  ///< binary, and the truth of booleans: "true"
    };
    Operator op;
    std::uint16_t key = 0;
    std::string op_name;
    std::string key_name;
    std::vector<Value> values;
    std::vector<std::uint16_t> variables;  ///< keys its values stand on

    /// The operator's name and the key, for people.
    [[nodiscard]] std::string text() const { return op_name + " " + key_name; }
};

/// The values of one key in a request; no span: the key is absent.
using Values = std::optional<std::span<const std::string_view>>;

struct Outcome {
    enum class Kind : std::uint8_t {
        no,
        yes,
        unresolved,  ///< a variable stands for nothing
    };
    Kind kind = Kind::no;
    bool on_absence = false;  ///< `no` only because the key is absent
};
[[nodiscard]] Outcome evaluate(const Condition& condition, const Values& values, const Lookup& lookup);

}  // namespace domicile::iam
