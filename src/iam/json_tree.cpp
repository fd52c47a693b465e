#include "iam/json_tree.hpp"

#include <algorithm>

#include <boost/json/basic_parser_impl.hpp>

namespace domicile::iam {
namespace {

namespace json = boost::json;

/// Takes the parser's events and grows the tree.
struct Handler {
    static constexpr std::size_t max_object_size = 4'096;
    static constexpr std::size_t max_array_size = 65'536;
    static constexpr std::size_t max_key_size = 4'096;
    static constexpr std::size_t max_string_size = 65'536;

    JsonResult result;
    std::vector<Json> open;          // lists and objects under way
    std::vector<std::string> names;  // the name under way of each open object; "" in lists
    std::string text;

    [[nodiscard]] std::string pointer() const {
        std::string path;
        for (std::size_t i = 0; i < open.size(); ++i) {
            path = step(path,
                        open[i].kind == Json::Kind::list ? std::to_string(open[i].items.size()) : names[i]);
        }
        return path;
    }
    void put(Json value) {
        if (open.empty()) {
            result.root = std::move(value);
        } else if (open.back().kind == Json::Kind::list) {
            open.back().items.push_back(std::move(value));
        } else {
            open.back().members.push_back({names.back(), std::move(value)});
        }
    }
    void begin(Json::Kind kind) {
        Json value;
        value.kind = kind;
        open.push_back(std::move(value));
        names.emplace_back();
    }
    void end() {
        Json value = std::move(open.back());
        open.pop_back();
        names.pop_back();
        put(std::move(value));
    }
    void scalar(Json::Kind kind, std::string_view as_written) {
        Json value;
        value.kind = kind;
        value.text = as_written;
        put(std::move(value));
    }

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code&) {
        begin(Json::Kind::object);
        return true;
    }
    bool on_object_end(std::size_t, json::error_code&) {
        end();
        return true;
    }
    bool on_array_begin(json::error_code&) {
        begin(Json::Kind::list);
        return true;
    }
    bool on_array_end(std::size_t, json::error_code&) {
        end();
        return true;
    }
    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        text.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view part, std::size_t, json::error_code&) {
        text.append(part.data(), part.size());
        names.back() = std::exchange(text, {});
        if (open.back().find(names.back()) != nullptr) {
            result.twice.push_back(pointer());
        }
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        text.append(part.data(), part.size());
        return true;
    }
    bool on_string(json::string_view part, std::size_t, json::error_code&) {
        text.append(part.data(), part.size());
        scalar(Json::Kind::text, std::exchange(text, {}));
        return true;
    }
    bool on_number_part(json::string_view part, json::error_code&) {
        text.append(part.data(), part.size());
        return true;
    }
    bool number(json::string_view part) {
        text.append(part.data(), part.size());
        scalar(Json::Kind::number, std::exchange(text, {}));
        return true;
    }
    bool on_int64(std::int64_t, json::string_view part, json::error_code&) { return number(part); }
    bool on_uint64(std::uint64_t, json::string_view part, json::error_code&) { return number(part); }
    bool on_double(double, json::string_view part, json::error_code&) { return number(part); }
    bool on_bool(bool value, json::error_code&) {
        scalar(Json::Kind::boolean, value ? "true" : "false");
        return true;
    }
    bool on_null(json::error_code&) {
        scalar(Json::Kind::null, "null");
        return true;
    }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }
};

}  // namespace

Json::Json() = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

const Json* Json::find(std::string_view name) const {
    const auto found = std::ranges::find(members, name, &Member::name);
    return found == members.end() ? nullptr : &found->value;
}

std::string step(std::string_view pointer, std::string_view name) {
    std::string text(pointer);
    text += '/';
    for (const char c : name) {
        if (c == '~') {
            text += "~0";
        } else if (c == '/') {
            text += "~1";
        } else {
            text += c;
        }
    }
    return text;
}

JsonResult parse_json(std::string_view text) {
    json::parse_options options;
    options.max_depth = 16;
    json::basic_parser<Handler> parser(options);
    json::error_code failed;
    const auto used = parser.write_some(false, text.data(), text.size(), failed);
    JsonResult result = std::move(parser.handler().result);
    const auto rest = text.substr(std::min(used, text.size()));
    if (!failed && rest.find_first_not_of(" \t\r\n") != std::string_view::npos) {
        failed = json::error::extra_data;
    }
    if (failed || !result.root) {
        result.root.reset();
        result.problem = failed ? failed.message() : "incomplete JSON";
        result.offset = used;
    }
    return result;
}

}  // namespace domicile::iam
