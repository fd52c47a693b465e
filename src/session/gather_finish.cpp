// The second way of a gathered read: the shards' partial rows are collected as arrays, and one shard's
// PostgreSQL finishes over them.

#include "session/gather_run.hpp"
#include "session/node_call.hpp"
#include "session/sort_keys.hpp"
#include "wire/backend.hpp"

#include <algorithm>
#include <cstdlib>

namespace domicile::session {
namespace {

using base::Code;
using net::Task;

constexpr std::size_t partial_bytes_max = 64U << 20U;
constexpr std::uint32_t int8_oid = 20;
constexpr std::uint32_t text_oid = 25;
constexpr std::uint32_t float8_oid = 701;
constexpr std::uint32_t numeric_oid = 1700;

std::unexpected<base::Error> refuse(std::string text, std::string hint) {
    return std::unexpected(
        base::Error{Code::cannot_route, std::move(text), std::move(hint), "routing/several-shards", {}});
}

/// An element of an array literal, quoted.
void append_element(std::string& array, const std::optional<std::string_view>& value) {
    array += array.size() > 1 ? "," : "";
    if (!value) {
        array += "NULL";
        return;
    }
    array += '"';
    for (const char byte : *value) {
        if (byte == '"' || byte == '\\') {
            array += '\\';
        }
        array += byte;
    }
    array += '"';
}

/// Fills the marks of sql::Gather::final_head and final_tail; nothing if avg is of a type we do not divide.
std::optional<std::string> filled(std::string text, const std::vector<std::uint32_t>& types) {
    const auto type_at = [&](std::string_view number) {
        return types.at(static_cast<std::size_t>(std::atoi(std::string(number).c_str())) - 1);
    };
    for (auto at = text.find(sql::Gather::mark); at != std::string::npos;
         at = text.find(sql::Gather::mark, at)) {
        const auto end = text.find(sql::Gather::mark, at + 1);
        if (end == std::string::npos) {
            break;
        }
        const std::string mark = text.substr(at + 1, end - at - 1);
        std::string with;
        if (mark.starts_with("avg ")) {
            const auto space = mark.find(' ', 4);
            const std::string sum = mark.substr(4, space - 4);
            const std::uint32_t type = type_at(sum);
            if (type != int8_oid && type != numeric_oid && type != float8_oid) {
                return std::nullopt;
            }
            const bool real = type == float8_oid;
            with = "(pg_catalog.sum(_domicile_p" + sum + ")" + (real ? "" : "::numeric") +
                   " / nullif(pg_catalog.sum(_domicile_p" + mark.substr(space + 1) + "), 0)" +
                   (real ? "::float8" : "") + ")";
        } else if (!mark.empty() && std::ranges::all_of(mark, [](char c) { return c >= '0' && c <= '9'; })) {
            with = "pg_catalog." + std::string(type_name(type_at(mark)));
        } else {
            at = end;
            continue;
        }
        text.replace(at, end - at + 1, with);
        at += with.size();
    }
    return text;
}

}  // namespace

/// The finishing statement: the original's parameters, then one array for each partial column.
base::Result<std::string> GatherRun::final_sql(std::string& types) const {
    types = u16(types_.size() + arrays_.size());
    for (const auto type : types_) {
        types += u32(type);
    }
    std::string rows = "unnest(";
    std::string names;
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
        const auto name = type_name(partial_types_[i]);
        if (name.empty()) {
            return refuse("Merging values of this type over several shards is not supported.",
                          "Cast it to text, or name one user.");
        }
        types += u32(text_oid);
        rows += (i == 0 ? "$" : ", $") + std::to_string(types_.size() + i + 1) + "::pg_catalog." +
                std::string(name) + "[]";
        names += (i == 0 ? "_domicile_p" : ", _domicile_p") + std::to_string(i + 1);
    }
    rows += ") AS _domicile_partial(" + names + ")";
    const auto head = filled(plan_.final_head, partial_types_);
    const auto tail = filled(plan_.final_tail, partial_types_);
    if (!head || !tail) {
        return refuse("avg of this type over several shards is not supported.",
                      "Cast it to numeric or double precision.");
    }
    return *head + rows + *tail;
}

/// Formats and values of the original, one format each, then the arrays as text.
std::string GatherRun::final_values() const {
    wire::Reader reader(request_.formats_and_values);
    const auto count = reader.u16();
    std::string formats;
    for (std::uint16_t i = 0; i < count; ++i) {
        formats += reader.bytes(2);
    }
    std::string text = u16(request_.parameters + arrays_.size());
    for (std::uint16_t i = 0; i < request_.parameters; ++i) {
        text += count == 0 ? u16(0) : count == 1 ? formats : formats.substr(2U * i, 2);
    }
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
        text += u16(0);
    }
    std::ignore = reader.u16();
    text += u16(request_.parameters + arrays_.size());
    text += reader.rest();
    for (const auto& array : arrays_) {
        text += u32(array.size());
        text += array;
    }
    return text;
}

Task<base::Status> GatherRun::collect() {
    std::size_t bytes = 0;
    for (Leg& leg : legs_) {
        if (!leg.has_row && !leg.ended) {
            if (auto read = co_await next(leg); !read) {
                co_return read;
            }
        }
        while (leg.has_row) {
            arrays_.resize(std::max(arrays_.size(), leg.fields.size()), "{");
            for (std::size_t i = 0; i < leg.fields.size(); ++i) {
                append_element(arrays_[i], leg.fields[i]);
            }
            bytes += leg.row_bytes;
            if (bytes > partial_bytes_max) {
                co_return refuse("The groups of the statement are too many to merge.",
                                 "Group by the user id, or ask for fewer rows.");
            }
            if (auto read = co_await next(leg); !read) {
                co_return read;
            }
        }
    }
    arrays_.resize(partial_types_.size(), "{");
    for (auto& array : arrays_) {
        array += '}';
    }
    std::string types;
    const auto sql = final_sql(types);
    if (!sql) {
        co_return std::unexpected(sql.error());
    }
    std::string formats = u16(request_.result_formats.size());
    for (std::size_t i = 0; i < request_.result_formats.size(); ++i) {
        formats += u16(static_cast<std::uint16_t>(request_.result_formats[i]));
    }
    Leg& leg = legs_.front();
    leg.ended = false;
    leg.phase = leg.phase_count = 0;
    leg.expect(Phase::rows);
    add_execution(*leg.connection, *sql, types, final_values(), formats);
    arrays_.clear();
    if (auto sent = co_await send(leg); !sent) {
        co_return sent;
    }
    auto read = co_await next(leg);
    wire::ServerError error;
    if (!read && wire::decode(node_error_, error) &&
        (error.sqlstate == "42703" || error.sqlstate == "42P01")) {
        node_error_.clear();
        co_return refuse("A column of the statement is neither grouped nor in an aggregate.",
                         "Repeat in GROUP BY, word for word, what stands beside aggregates.");
    }
    co_return read;
}

}  // namespace domicile::session
