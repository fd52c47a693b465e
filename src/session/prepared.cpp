#include "session/prepared.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace domicile::session {
namespace {

using routing::Constant;

// pg_type.dat
constexpr std::uint32_t oid_int8 = 20;
constexpr std::uint32_t oid_int2 = 21;
constexpr std::uint32_t oid_int4 = 23;
constexpr std::uint32_t oid_int2_array = 1005;
constexpr std::uint32_t oid_int4_array = 1007;
constexpr std::uint32_t oid_int8_array = 1016;

base::Status fill(sql::Analyser& analyser, std::string_view sql, std::string_view types,
                  bool standard_strings, Prepared& into) {
    into.sql.assign(sql);
    into.types.assign(types);
    const auto analysed = analyser.analyse(into.sql, standard_strings);
    if (!analysed) {
        return std::unexpected(analysed.error());
    }
    if (analysed->size() != 1) {
        return base::fail(base::Code::syntax_error,
                          "cannot insert multiple commands into a prepared statement");
    }
    const sql::Statement& one = analysed->front();
    into.facts = one.facts;
    into.literals.assign(one.literals.begin(), one.literals.end());
    into.text_offset = one.text.empty() ? 0 : static_cast<std::uint32_t>(one.text.data() - into.sql.data());
    into.text_length = static_cast<std::uint32_t>(one.text.size());
    return {};
}

/// A big-endian two's complement integer of 2, 4 or 8 bytes.
bool parse_binary(std::string_view bytes, std::int64_t& value) {
    if (bytes.size() != 2 && bytes.size() != 4 && bytes.size() != 8) {
        return false;
    }
    std::uint64_t bits = (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
    for (const char byte : bytes) {
        bits = bits << 8U | static_cast<unsigned char>(byte);
    }
    value = static_cast<std::int64_t>(bits);
    return true;
}

bool parse_text_array(std::string_view text, std::vector<std::int64_t>& ids) {
    if (text.size() < 2 || text.front() != '{' || text.back() != '}') {
        return false;
    }
    text = text.substr(1, text.size() - 2);
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        std::string_view element = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
        if (element.size() >= 2 && element.front() == '"' && element.back() == '"') {
            element = element.substr(1, element.size() - 2);
        }
        if (element == "NULL" || element == "null") {
            continue;
        }
        const Constant one = parse_integer(element);
        if (one.kind == Constant::Kind::unknown) {
            return false;
        }
        if (one.kind == Constant::Kind::id) {
            ids.push_back(one.id);
        }
    }
    return true;
}

/// PostgreSQL: array_send. Dimensions, flags, element type, then size and lower bound of each dimension.
bool parse_binary_array(std::string_view bytes, std::vector<std::int64_t>& ids) {
    wire::Reader reader(bytes);
    const auto dimensions = reader.u32();
    [[maybe_unused]] const auto flags = reader.u32();
    const auto type = reader.u32();
    if (!reader.ok() || dimensions > 1 || (type != oid_int2 && type != oid_int4 && type != oid_int8)) {
        return false;
    }
    if (dimensions == 0) {
        return reader.done();
    }
    const auto count = reader.u32();
    [[maybe_unused]] const auto lower = reader.u32();
    for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
        const auto length = reader.i32();
        if (length < 0) {
            continue;
        }
        std::int64_t value = 0;
        if (!parse_binary(reader.bytes(static_cast<std::size_t>(length)), value)) {
            return false;
        }
        ids.push_back(value);
    }
    return reader.done();
}

}  // namespace

Constant parse_integer(std::string_view text, bool negative) {
    constexpr std::string_view blanks = " \t\n\r\v\f";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    text = text.substr(first, text.find_last_not_of(blanks) - first + 1);
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
        negative = negative != (text.front() == '-');
        text.remove_prefix(1);
    }
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
        return {};
    }
    std::uint64_t magnitude = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), magnitude);
    constexpr std::uint64_t top = 1ULL << 63U;
    if (failed != std::errc{} || magnitude > top || (magnitude == top && !negative)) {
        return {negative ? Constant::Kind::too_low : Constant::Kind::too_high, 0};
    }
    return {Constant::Kind::id, static_cast<std::int64_t>(negative ? ~magnitude + 1 : magnitude)};
}

base::Result<PreparedPtr> PreparedStore::named(sql::Analyser& analyser, std::string_view sql,
                                               std::string_view types, bool standard_strings) {
    std::string key;
    key.reserve(sql.size() + types.size() + 2);
    key.append(types).append(standard_strings ? "s" : "n").append(sql);
    if (const auto found = by_text_.find(key); found != by_text_.end()) {
        if (auto known = found->second.lock()) {
            return known;
        }
    }
    auto made = std::make_shared<Prepared>();
    if (auto filled = fill(analyser, sql, types, standard_strings, *made); !filled) {
        return std::unexpected(filled.error());
    }
    made->id = ++last_id_;
    by_text_[std::move(key)] = made;
    sweep();
    return made;
}

base::Status PreparedStore::unnamed(sql::Analyser& analyser, std::string_view sql, std::string_view types,
                                    bool standard_strings, Prepared& into) {
    return fill(analyser, sql, types, standard_strings, into);
}

void PreparedStore::sweep() {
    if (by_text_.size() >= sweep_at_) {
        std::erase_if(by_text_, [](const auto& entry) { return entry.second.expired(); });
        sweep_at_ = std::max<std::size_t>(1'024, 2 * by_text_.size());
    }
}

std::string_view node_name(std::uint64_t id, std::span<char, 24> storage) {
    storage[0] = '_';
    storage[1] = 'd';
    const auto end = std::to_chars(storage.data() + 2, storage.data() + storage.size(), id).ptr;
    return {storage.data(), end};
}

Constant LiteralConstants::at(const sql::Operand& operand) const {
    switch (operand.source) {
        case sql::Operand::Source::null: return {Constant::Kind::null, 0};
        case sql::Operand::Source::literal:
            if (operand.index < literals_.size()) {
                return parse_integer(sql::plain_value(text_, literals_[operand.index]), operand.negative);
            }
            break;
        case sql::Operand::Source::parameter: break;
    }
    return {};
}

bool LiteralConstants::array(const sql::Operand& operand, std::vector<std::int64_t>& ids) const {
    return operand.source == sql::Operand::Source::literal && operand.index < literals_.size() &&
           parse_text_array(sql::plain_value(text_, literals_[operand.index]), ids);
}

bool BoundConstants::parameter(std::uint32_t number, bool& binary,
                               std::optional<std::string_view>& value) const {
    if (number == 0 || number > bind_.parameter_count) {
        return false;
    }
    wire::ParameterReader reader = bind_.parameters();
    for (std::uint32_t i = 0; i + 1 < number; ++i) {
        std::ignore = reader.next();
    }
    value = reader.next();
    binary = bind_.is_binary(number - 1U);
    return true;
}

std::uint32_t BoundConstants::type(std::uint32_t number) const {
    wire::Reader reader(prepared_.types);
    const auto count = reader.u16();
    if (number > count) {
        return 0;
    }
    const wire::Oids types(std::string_view(prepared_.types).substr(2));
    return types[number - 1U];
}

Constant BoundConstants::at(const sql::Operand& operand) const {
    if (operand.source != sql::Operand::Source::parameter) {
        return LiteralConstants::at(operand);
    }
    bool binary = false;
    std::optional<std::string_view> value;
    if (!parameter(operand.index, binary, value)) {
        return {};
    }
    if (!value) {
        return {Constant::Kind::null, 0};
    }
    if (!binary) {
        return parse_integer(*value, operand.negative);
    }
    // Left to the node, the type is that of the key it is compared with: an integer.
    const auto declared = type(operand.index);
    std::int64_t id = 0;
    if ((declared != 0 && declared != oid_int2 && declared != oid_int4 && declared != oid_int8) ||
        operand.negative || !parse_binary(*value, id)) {
        return {};
    }
    return {Constant::Kind::id, id};
}

bool BoundConstants::array(const sql::Operand& operand, std::vector<std::int64_t>& ids) const {
    if (operand.source != sql::Operand::Source::parameter) {
        return LiteralConstants::array(operand, ids);
    }
    bool binary = false;
    std::optional<std::string_view> value;
    if (!parameter(operand.index, binary, value)) {
        return false;
    }
    if (!value) {
        return true;  // = ANY (NULL): no row
    }
    if (!binary) {
        return parse_text_array(*value, ids);
    }
    const auto declared = type(operand.index);
    return (declared == 0 || declared == oid_int2_array || declared == oid_int4_array ||
            declared == oid_int8_array) &&
           parse_binary_array(*value, ids);
}

}  // namespace domicile::session
