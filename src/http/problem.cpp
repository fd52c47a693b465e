#include "http/problem.hpp"

#include "http/json.hpp"

#include <charconv>

namespace domicile::http {
namespace {

using base::Code;
using base::Error;

std::string joined(const std::vector<std::string>& columns) {
    std::string text;
    for (const std::string& column : columns) {
        text += (text.empty() ? "\"" : ", \"") + column + "\"";
    }
    return text;
}

/// The columns PostgreSQL's error points at: by its column field, or through the constraint.
std::string columns_of(const wire::ServerError& error, const TableShape& shape) {
    if (!error.column.empty()) {
        return "\"" + std::string(error.column) + "\"";
    }
    const Constraint* constraint = shape.constraint(error.constraint);
    return constraint == nullptr ? std::string() : joined(constraint->columns);
}

/// The parameter number in a context like "unnamed portal parameter $2"; 0 if there is none.
std::size_t parameter_of(std::string_view context) {
    constexpr std::string_view mark = "parameter $";
    const auto at = context.find(mark);
    std::size_t number = 0;
    if (at != std::string_view::npos) {
        std::from_chars(context.data() + at + mark.size(), context.data() + context.size(), number);
    }
    return number;
}

Error make(Code code, std::string text, std::string hint, std::string_view sqlstate) {
    return Error{code, std::move(text), std::move(hint), {}, "SQLSTATE " + std::string(sqlstate)};
}

Error violated(Code code, const wire::ServerError& error, const TableShape& shape, std::string_view what) {
    const std::string columns = columns_of(error, shape);
    std::string text = columns.empty() ? "The row" : "Column " + columns;
    text += " ";
    text += what;
    if (!error.constraint.empty()) {
        text += " (constraint \"" + std::string(error.constraint) + "\")";
    }
    return make(code, text + ".", {}, error.sqlstate);
}

}  // namespace

std::string problem_type(Code code) {
    return "urn:domicile:problem:" + std::string(base::info(code).slug);
}

void append_problem(base::Buffer& out, const Error& error, std::string_view home, std::string_view home_url) {
    const base::CodeInfo& info = base::info(error.code);
    const auto member = [&](std::string_view name, std::string_view value) {
        out.append(",\"");
        out.append(name);
        out.append("\":");
        append_json_string(out, value);
    };
    out.append("{\"type\":");
    append_json_string(out, problem_type(error.code));
    member("title", info.title);
    out.append(",\"status\":");
    out.append(std::to_string(info.http_status));
    if (!error.text.empty()) {
        member("detail", error.text);
    }
    if (!error.hint.empty()) {
        member("hint", error.hint);
    }
    if (!error.rule.empty()) {
        member("rule", error.rule);
    }
    if (!home.empty()) {
        out.append(",\"home\":{\"jurisdiction\":");
        append_json_string(out, home);
        member("url", home_url);
        out.append("}");
    }
    out.append("}\n");
}

bool schema_changed(std::string_view sqlstate) {
    return sqlstate == "42703" || sqlstate == "42P01" || sqlstate == "0A000" || sqlstate == "26000";
}

Error from_server(const wire::ServerError& error, const TableShape& shape,
                  std::span<const std::string> parameters) {
    const std::string_view state = error.sqlstate;
    if (state == "23505" || state == "23P01") {
        return violated(Code::unique_violation, error, shape, "must be unique and the value is taken");
    }
    if (state == "23502") {
        return violated(Code::constraint_violation, error, shape, "must not be null");
    }
    if (state == "23503") {
        return violated(Code::constraint_violation, error, shape, "breaks a reference between tables");
    }
    if (state == "23514" && error.constraint == "domicile_range") {
        // The shard's own fence: the range has moved since this gateway read the map.
        return make(Code::stale_route, "The range of this user has just moved.", "Try again.", state);
    }
    if (state.starts_with("23")) {
        return violated(Code::constraint_violation, error, shape, "is refused by a check of the table");
    }
    if (state == "2200H") {
        return make(Code::range_full, "No open range has ids left.", "Open another range in the topology.",
                    state);
    }
    if (state.starts_with("22")) {
        const std::size_t number = parameter_of(error.context);
        if (number >= 1 && number <= parameters.size() && !parameters[number - 1].empty()) {
            const Column* column = shape.column(parameters[number - 1]);
            return make(Code::invalid_value,
                        "Column \"" + parameters[number - 1] + "\" cannot hold the value" +
                            (column == nullptr ? std::string() : "; its type is " + column->type) + ".",
                        {}, state);
        }
        return make(Code::invalid_value, "A value does not fit the type of its column.", {}, state);
    }
    if (schema_changed(state)) {
        return make(Code::stale_route, "The table's columns have just changed.", "Try again.", state);
    }
    if (state == "42883" || state == "42804" || state == "42P18" || state == "42725" || state == "54001" ||
        state == "54011") {
        return make(Code::invalid_value,
                    "A column's type knows no such comparison or order, or there are too many.", {}, state);
    }
    if (state == "42501") {
        return make(Code::not_permitted, "The gateway's database role may not do this.", {}, state);
    }
    if (state == "40001" || state == "40P01" || state == "55P03" || state.starts_with("53")) {
        return make(Code::overloaded, "The row is contended, or the node is short of resources.",
                    "Try again.", state);
    }
    if (state == "57014") {
        return make(Code::node_timeout, "The statement took longer than it may.", {}, state);
    }
    if (state.starts_with("57P") || state.starts_with("08") || state == "25006") {
        return make(Code::node_unavailable, "The database node cannot serve this now.", "Try again.", state);
    }
    return make(Code::internal, {}, {}, state);
}

}  // namespace domicile::http
