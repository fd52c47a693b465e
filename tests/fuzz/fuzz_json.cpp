// Bodies of writes: what is accepted is read again, from what we would write, as the same.

#include "base/limits.hpp"
#include "fuzz.hpp"
#include "http/json.hpp"

#include <string>

namespace {

using namespace domicile;
using http::ColumnKind;
using http::Field;

std::string quoted(std::string_view text) {
    base::Buffer out;
    http::append_json_string(out, text);
    return std::string(out.view());
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t size = lead < 0x80                   ? 1
                                 : lead >= 0xC2 && lead < 0xE0 ? 2
                                 : lead >= 0xE0 && lead < 0xF0 ? 3
                                 : lead >= 0xF0 && lead < 0xF5 ? 4
                                                               : 0;
        if (size == 0 || i + size > text.size()) {
            return false;
        }
        std::uint32_t code = size == 1 ? lead : lead & (0x7FU >> size);
        for (std::size_t k = 1; k < size; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xC0U) != 0x80U) {
                return false;
            }
            code = code << 6U | (next & 0x3FU);
        }
        constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x1'0000};
        if (code < smallest[size] || code > 0x10'FFFF || (code >= 0xD800 && code < 0xE000)) {
            return false;
        }
        i += size;
    }
    return true;
}

void check_again(const Field& field) {
    const std::string value = field.kind == Field::Kind::null     ? "null"
                              : field.kind == Field::Kind::string ? quoted(field.text)
                                                                  : field.text;
    const auto again = http::parse_object("{" + quoted(field.name) + ":" + value + "}");
    DOMICILE_ASSERT(again.has_value());
    DOMICILE_ASSERT(again->size() == 1);
    DOMICILE_ASSERT((*again)[0].name == field.name);
    DOMICILE_ASSERT((*again)[0].kind == field.kind);
    DOMICILE_ASSERT((*again)[0].text == field.text);
}

http::Column column(ColumnKind kind, std::int32_t bound) {
    http::Column made;
    made.name = "c";
    made.type = "t";
    made.kind = kind;
    made.length_max = kind == ColumnKind::text ? bound : 0;
    made.precision = kind == ColumnKind::numeric ? bound : 0;
    made.scale = kind == ColumnKind::numeric ? bound / 2 : 0;
    return made;
}

void check_parameters(const Field& field) {
    for (int kind = 0; kind <= static_cast<int>(ColumnKind::other); ++kind) {
        for (const std::int32_t bound : {0, 6}) {
            Field fitted = field;
            const auto fits = http::fit(fitted, column(static_cast<ColumnKind>(kind), bound));
            if (!fits) {
                DOMICILE_ASSERT(fits.error().code == base::Code::invalid_value);
                // The column is named; the value is not told.
                DOMICILE_ASSERT(fits.error().text.find("\"c\"") != std::string::npos);
                continue;
            }
            const auto value = http::parameter(fitted);
            DOMICILE_ASSERT(value.has_value() == (field.kind != Field::Kind::null));
            if (value) {
                DOMICILE_ASSERT(value->find('\0') == std::string_view::npos);
                DOMICILE_ASSERT(is_utf8(*value));
                const bool is_json = static_cast<ColumnKind>(kind) == ColumnKind::json;
                DOMICILE_ASSERT(!is_json ||
                                http::parse_object("{\"a\":" + std::string(*value) + "}").has_value());
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::Input(data, size).rest();
    const auto fields = http::parse_object(text);
    if (!fields) {
        DOMICILE_ASSERT(fields.error().code == base::Code::malformed_request);
        return 0;
    }
    for (std::size_t i = 0; i < fields->size(); ++i) {
        const Field& field = (*fields)[i];
        for (std::size_t k = 0; k < i; ++k) {
            DOMICILE_ASSERT((*fields)[k].name != field.name);
        }
        DOMICILE_ASSERT(is_utf8(field.name) && is_utf8(field.text));
        check_again(field);
        check_parameters(field);
    }
    return 0;
}
