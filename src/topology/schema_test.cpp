// docs/domicile.schema.json is what editors show; the reader is what counts. Neither may know a key the other
// does not.

#include "topology/keys.hpp"
#include "topology/parse.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile::topology {
namespace {

namespace json = boost::json;

json::value read_schema() {
    const auto path = std::filesystem::path(DOMICILE_SOURCE_DIR) / "docs/domicile.schema.json";
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return json::parse(text.str());
}

std::set<std::string> texts(const json::value* list) {
    std::set<std::string> result;
    if (list != nullptr) {
        for (const json::value& item : list->as_array()) {
            result.emplace(item.as_string());
        }
    }
    return result;
}

/// Follows one $ref.
const json::object& resolved(const json::value& schema, const json::object& property) {
    const json::value* reference = property.if_contains("$ref");
    if (reference == nullptr || property.contains("type")) {
        return property;
    }
    const std::string_view pointer = reference->as_string();
    return schema.at_pointer(pointer.substr(1)).as_object();
}

std::string_view json_type(keys::Type type) {
    switch (type) {
        case keys::Type::text: return "string";
        case keys::Type::flag: return "boolean";
        case keys::Type::integer: return "integer";
        case keys::Type::texts:
        case keys::Type::list: return "array";
        case keys::Type::table:
        case keys::Type::tables: return "object";
    }
    return "";
}

TEST(Schema, HoldsTheSameSectionsAsTheReader) {
    const json::value schema = read_schema();
    std::set<std::string> closed;
    for (const auto& [name, definition] : schema.at("$defs").as_object()) {
        if (definition.as_object().contains("properties")) {
            closed.emplace(name);
        }
    }
    std::set<std::string> known;
    for (const keys::Section& section : keys::all) {
        known.emplace(section.name);
    }
    EXPECT_EQ(closed, known);
}

TEST(Schema, HoldsTheSameKeysAsTheReader) {
    const json::value schema = read_schema();
    for (const keys::Section& section : keys::all) {
        const json::object& definition = schema.at("$defs").at(section.name).as_object();
        EXPECT_EQ(definition.at("additionalProperties"), json::value(false)) << section.name;
        std::set<std::string> in_schema;
        for (const auto& [name, property] : definition.at("properties").as_object()) {
            in_schema.emplace(name);
        }
        std::set<std::string> in_reader;
        std::set<std::string> required;
        for (const keys::Key& key : section.keys) {
            in_reader.emplace(key.name);
            if (key.required) {
                required.emplace(key.name);
            }
        }
        EXPECT_EQ(in_schema, in_reader) << section.name;
        EXPECT_EQ(texts(definition.if_contains("required")), required) << section.name;
    }
}

TEST(Schema, GivesEveryKeyTheReadersTypeAndADescription) {
    const json::value schema = read_schema();
    for (const keys::Section& section : keys::all) {
        for (const keys::Key& key : section.keys) {
            const json::object& property =
                schema.at("$defs").at(section.name).at("properties").at(key.name).as_object();
            const json::object& target = resolved(schema, property);
            if (target.contains("enum")) {
                EXPECT_EQ(key.type, keys::Type::text) << section.name << "." << key.name;
            } else {
                EXPECT_EQ(std::string_view(target.at("type").as_string()), json_type(key.type))
                    << section.name << "." << key.name;
            }
            EXPECT_TRUE(property.contains("description") || target.contains("description"))
                << section.name << "." << key.name;
        }
    }
}

TEST(Schema, HoldsTheReadersDefaultsAndBounds) {
    const json::value schema = read_schema();
    const auto number = [&](std::string_view pointer) {
        return static_cast<std::size_t>(schema.at_pointer("/$defs/" + std::string(pointer)).as_int64());
    };
    const Limits limits;
    EXPECT_EQ(number("limits/properties/body_bytes_max/default"), limits.body_bytes_max);
    EXPECT_EQ(number("limits/properties/page_rows_max/default"), limits.page_rows_max);
    EXPECT_EQ(number("limits/properties/statement_ms_max/default"), limits.statement_ms_max);
    EXPECT_EQ(number("limits/properties/node_connections_max/default"), limits.node_connections_max);
    EXPECT_EQ(number("limits/properties/client_connections_max/default"), limits.client_connections_max);
    EXPECT_EQ(number("limits/properties/gateway_threads/default"), limits.gateway_threads);
    EXPECT_EQ(schema.at_pointer("/$defs/embedded/properties/listen/default").as_string(), Embedded{}.listen);
    EXPECT_EQ(schema.at_pointer("/$defs/embedded/properties/durable/default").as_bool(), Embedded{}.durable);
    const Edge edge;
    for (const auto& [key, value] : {std::pair{"content_security_policy", &edge.content_security_policy},
                                     {"strict_transport_security", &edge.strict_transport_security},
                                     {"referrer_policy", &edge.referrer_policy},
                                     {"permissions_policy", &edge.permissions_policy},
                                     {"cross_origin_opener_policy", &edge.opener_policy},
                                     {"cross_origin_resource_policy", &edge.resource_policy}}) {
        EXPECT_EQ(schema.at_pointer("/$defs/edge/properties/" + std::string(key) + "/default").as_string(),
                  *value)
            << key;
    }
    EXPECT_EQ(number("topology/properties/jurisdictions/maxProperties"), jurisdictions_max);
    EXPECT_EQ(number("topology/properties/regions/maxProperties"), regions_max);
    EXPECT_EQ(number("topology/properties/shards/maxProperties"), shards_max);
    EXPECT_EQ(number("topology/properties/tables/maxProperties"), tables_max);
    EXPECT_EQ(number("shard/properties/ranges/maxItems"), ranges_max);
}

/// A file that is valid but for one limit.
std::string with_limit(std::string_view key, std::int64_t value) {
    return "[limits]\n" + std::string(key) + " = " + std::to_string(value) + "\n";
}

TEST(Schema, RefusesWhatTheReaderRefuses) {
    const json::value schema = read_schema();
    for (const keys::Key& key : keys::limits_keys) {
        const json::value& property = schema.at_pointer("/$defs/limits/properties/" + std::string(key.name));
        const std::int64_t least = property.at("minimum").as_int64();
        const std::int64_t most = property.at("maximum").as_int64();
        for (const std::int64_t value : {least - 1, least, most, most + 1}) {
            const Parsed parsed = parse(with_limit(key.name, value));
            const bool refused = std::ranges::any_of(parsed.findings, [](const Finding& finding) {
                return finding.what.find("out of range") != std::string::npos;
            });
            EXPECT_EQ(refused, value < least || value > most) << key.name << " = " << value;
        }
    }
    for (const json::value& rule : schema.at_pointer("/$defs/personal/properties/erase/enum").as_array()) {
        const Parsed parsed =
            parse("[tables.t]\npersonal.x = { erase = \"" + std::string(rule.as_string()) + "\" }\n");
        EXPECT_TRUE(std::ranges::none_of(parsed.findings, [](const Finding& finding) {
            return finding.what.find("erasure rule") != std::string::npos;
        })) << rule;
    }
}

}  // namespace
}  // namespace domicile::topology
