#include "http/target.hpp"

#include "base/limits.hpp"

#include <charconv>

namespace domicile::http {
namespace {

using base::Code;

std::unexpected<base::Error> unknown() {
    return base::fail(Code::unknown_resource, "There is no such resource.",
                      "GET /openapi.json lists them all.");
}

std::unexpected<base::Error> bad_escape() {
    return base::fail(Code::malformed_request, "The request target holds a malformed percent-encoding.");
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

base::Status parse_query(std::string_view text, Target& into) {
    while (!text.empty()) {
        const auto end = text.find('&');
        const std::string_view part = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (part.empty()) {
            continue;
        }
        const auto equals = part.find('=');
        auto name = percent_decode(part.substr(0, equals), true);
        auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                      : percent_decode(part.substr(equals + 1), true);
        if (!name || !value) {
            return bad_escape();
        }
        if (into.query.size() >= base::limits::http_filters_max + 4) {
            return base::fail(Code::malformed_request, "Too many query parameters.");
        }
        into.query.emplace_back(std::move(*name), std::move(*value));
    }
    return {};
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[i] == '%') {
            if (i + 2 >= text.size()) {
                return std::nullopt;
            }
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return std::nullopt;
            }
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                c == '-' || c == '.' || c == '_' || c == '~';
        if (unreserved) {
            out += c;
        } else {
            out += '%';
            out += digits[static_cast<unsigned char>(c) >> 4U];
            out += digits[static_cast<unsigned char>(c) & 15U];
        }
    }
    return out;
}

base::Result<Target> parse_target(std::string_view text) {
    Target target;
    const auto question = text.find('?');
    std::string_view path = text.substr(0, question);
    if (question != std::string_view::npos) {
        if (auto parsed = parse_query(text.substr(question + 1), target); !parsed) {
            return std::unexpected(parsed.error());
        }
    }
    static constexpr std::pair<std::string_view, Endpoint> fixed[] = {
        {"/healthz", Endpoint::health},  {"/readyz", Endpoint::ready},
        {"/metrics", Endpoint::metrics}, {"/openapi.json", Endpoint::openapi},
        {"/v1/users", Endpoint::people}, {"/v1/stats", Endpoint::metrics_list},
        {"/", Endpoint::front},
    };
    for (const auto& [name, endpoint] : fixed) {
        if (path == name) {
            target.endpoint = endpoint;
            return target;
        }
    }
    constexpr std::string_view figures = "/v1/stats/";
    if (path.starts_with(figures)) {
        auto metric = percent_decode(path.substr(figures.size()), false);
        if (!metric) {
            return bad_escape();
        }
        target.endpoint = Endpoint::figures;
        target.table = std::move(*metric);
        return target;
    }
    for (const auto& [folder, endpoint] :
         {std::pair{std::string_view("/v1/ops/"), Endpoint::operations}, {"/console/", Endpoint::console}}) {
        if (path.starts_with(folder)) {
            target.endpoint = endpoint;
            target.table = path.substr(folder.size());
            return target;
        }
    }
    constexpr std::string_view prefix = "/v1/users/";
    if (!path.starts_with(prefix)) {
        return unknown();
    }
    path.remove_prefix(prefix.size());
    std::string_view segments[3];
    std::size_t count = 0;
    for (;;) {
        const auto slash = path.find('/');
        if (count == std::size(segments)) {
            return unknown();
        }
        segments[count++] = path.substr(0, slash);
        if (slash == std::string_view::npos) {
            break;
        }
        path.remove_prefix(slash + 1);
    }
    const char* last = segments[0].data() + segments[0].size();
    const auto id = std::from_chars(segments[0].data(), last, target.user.value);
    if (segments[0].empty() || id.ec != std::errc{} || id.ptr != last) {
        return base::fail(Code::malformed_request, "The user id is not a 64-bit integer.");
    }
    target.endpoint = Endpoint::person;
    if (count == 1) {
        return target;
    }
    auto table = percent_decode(segments[1], false);
    if (!table) {
        return bad_escape();
    }
    if (*table == "home" && count == 2) {
        target.endpoint = Endpoint::person_home;
        return target;
    }
    // No table's name has a hyphen; "export" and "consents" go before tables of these names.
    static constexpr std::pair<std::string_view, Endpoint> of_person[] = {
        {"personal-data", Endpoint::personal_data},
        {"privacy-requests", Endpoint::privacy_requests},
        {"export", Endpoint::person_export},
        {"consents", Endpoint::person_consents},
    };
    for (const auto& [name, endpoint] : of_person) {
        if (count == 2 && *table == name) {
            target.endpoint = endpoint;
            return target;
        }
    }
    if (table->empty()) {
        return unknown();
    }
    target.table = std::move(*table);
    target.endpoint = Endpoint::rows;
    if (count == 2) {
        return target;
    }
    target.endpoint = Endpoint::row;
    // The parts of a composite key stand between commas; a comma inside a part is written %2C.
    std::string_view rest = segments[2];
    for (;;) {
        const auto comma = rest.find(',');
        auto part = percent_decode(rest.substr(0, comma), false);
        if (!part) {
            return bad_escape();
        }
        target.key.push_back(std::move(*part));
        if (comma == std::string_view::npos) {
            break;
        }
        rest.remove_prefix(comma + 1);
    }
    return target;
}

}  // namespace domicile::http
