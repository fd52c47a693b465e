// Query strings of a page of rows. Whatever they hold, the SQL is made of our words, quoted names of the
// schema and placeholders; values travel as parameters. The first byte chooses: the query string as it
// stands, or the bytes as the inside of a cursor.

#include "base/limits.hpp"
#include "crypto/base64.hpp"
#include "fuzz.hpp"
#include "http/page.hpp"
#include "http/target.hpp"

#include <algorithm>
#include <string>

namespace {

using namespace domicile;
using http::ColumnKind;

constexpr std::uint32_t rows_max = 500;

http::Column column(std::string name, ColumnKind kind, bool not_null) {
    http::Column made;
    made.name = std::move(name);
    made.type = "t";
    made.kind = kind;
    made.not_null = not_null;
    return made;
}

const http::TableShape& shape() {
    static const topology::Table table = [] {
        topology::Table made;
        made.name = "li\"nes";
        made.key = "user_id";
        return made;
    }();
    static const http::TableShape made = [] {
        http::TableShape one;
        one.table = &table;
        one.columns.push_back(column("user_id", ColumnKind::int8, true));
        one.columns.push_back(column("id", ColumnKind::int8, true));
        one.columns.push_back(column("a", ColumnKind::text, false));
        one.columns.push_back(column("we\"ird; --", ColumnKind::numeric, false));
        one.primary_key = {"user_id", "id"};
        return one;
    }();
    return made;
}

/// Every quoted name is of the schema; outside of quotes stand only our words and placeholders that have a
/// parameter.
void check_sql(const http::Sql& sql) {
    DOMICILE_ASSERT(sql.columns.size() == sql.parameters.size());
    std::vector<bool> used(sql.parameters.size());
    const std::string_view text = sql.text;
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 (),.:<>=";
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') {
            std::string name;
            for (++i;; ++i) {
                DOMICILE_ASSERT(i < text.size());
                if (text[i] == '"') {
                    if (i + 1 >= text.size() || text[i + 1] != '"') {
                        break;
                    }
                    ++i;
                }
                name += text[i];
            }
            DOMICILE_ASSERT(name == shape().table->name || shape().column(name) != nullptr);
        } else if (text[i] == '$') {
            std::size_t number = 0;
            while (i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') {
                number = number * 10 + static_cast<std::size_t>(text[++i] - '0');
            }
            DOMICILE_ASSERT(number >= 1 && number <= used.size());
            used[number - 1] = true;
        } else {
            DOMICILE_ASSERT(plain.find(text[i]) != std::string_view::npos);
        }
    }
    DOMICILE_ASSERT(std::ranges::all_of(used, [](bool one) { return one; }));
    for (const auto& parameter : sql.parameters) {
        DOMICILE_ASSERT(!parameter || parameter->find('\0') == std::string::npos);
    }
    DOMICILE_ASSERT(text.find(" WHERE \"user_id\" = $1") != std::string_view::npos);
    DOMICILE_ASSERT(sql.parameters[0] == "7");
}

using Query = std::vector<std::pair<std::string, std::string>>;

base::Result<http::Page> page_of(const Query& query) {
    auto page = http::page_of_rows(shape(), base::UserId{7}, query, rows_max);
    if (page) {
        DOMICILE_ASSERT(page->limit >= 1 && page->limit <= rows_max);
        DOMICILE_ASSERT(!page->select.empty() && !page->order.empty());
        check_sql(page->sql);
    } else {
        DOMICILE_ASSERT(page.error().code == base::Code::invalid_value ||
                        page.error().code == base::Code::unknown_column);
    }
    return page;
}

/// The cursor of a page leads to its next page, with any values, and to no page in another order.
void check_cursor(const http::Page& page, Query query, std::string_view bytes) {
    std::vector<std::optional<std::string>> values;
    for (std::size_t i = 0; i < page.order.size(); ++i) {
        const std::size_t size = bytes.size() / page.order.size();
        std::string value(bytes.substr(i * size, size));
        std::erase(value, '\0');
        values.push_back(value.starts_with('n') ? std::nullopt : std::optional(value));
    }
    std::erase_if(query, [](const auto& one) { return one.first == "after"; });
    query.emplace_back("after", http::make_cursor(page, values));
    const auto next = page_of(query);
    DOMICILE_ASSERT(next.has_value());
    for (std::size_t i = 0; i < values.size(); ++i) {
        DOMICILE_ASSERT(!values[i] ||
                        std::ranges::find(next->sql.parameters, values[i]) != next->sql.parameters.end());
    }
    query.emplace_back("order",
                       page.order[0].descending ? "a.asc,id.desc,user_id" : "a.desc,id.desc,user_id.desc");
    const auto other = page_of(query);
    DOMICILE_ASSERT(!other || other->seal == page.seal);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const bool inside_cursor = input.choice() % 2 != 0;
    const std::string_view text = input.rest();
    if (inside_cursor) {
        const auto first = page_of({});
        DOMICILE_ASSERT(first.has_value());
        static_cast<void>(page_of({{"after", crypto::base64url(first->seal + std::string(text))}}));
        return 0;
    }
    if (!fuzz::target_bytes(text)) {
        return 0;
    }
    const auto target = http::parse_target("/v1/users/7/lines?" + std::string(text));
    if (!target) {
        DOMICILE_ASSERT(target.error().code == base::Code::malformed_request);
        return 0;
    }
    const auto page = page_of(target->query);
    if (page) {
        check_cursor(*page, target->query, text);
    }
    return 0;
}
