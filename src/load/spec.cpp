#include "load/spec.hpp"

#include <toml++/toml.h>

namespace domicile::load {
namespace {

using base::Code;

std::unexpected<base::Error> wrong(const toml::node* node, const std::string& what) {
    std::string place;
    if (node != nullptr) {
        place = "Line " + std::to_string(node->source().begin.line) + ": ";
    }
    return base::fail(Code::configuration, place + what + ".", "docs/load.md describes the file.");
}

base::Result<std::string> text_of(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    if (node == nullptr || !node->is_string() || node->as_string()->get().empty()) {
        return wrong(node == nullptr ? static_cast<const toml::node*>(&table) : node,
                     "\"" + std::string(key) + "\" must be a text");
    }
    return node->as_string()->get();
}

base::Status check_keys(const toml::table& table, std::initializer_list<std::string_view> known) {
    for (const auto& [key, node] : table) {
        bool found = false;
        for (const std::string_view name : known) {
            found = found || key.str() == name;
        }
        if (!found) {
            return wrong(&node, "unknown key \"" + std::string(key.str()) + "\"");
        }
    }
    return {};
}

base::Result<ColumnSource> column_of(std::string_view name, const toml::node& node) {
    ColumnSource source;
    source.column = name;
    if (const auto* from = node.as_string()) {
        source.from = from->get();
        return source;
    }
    const toml::table* table = node.as_table();
    if (table == nullptr) {
        return wrong(&node, "column \"" + source.column + "\" takes a source column or a table");
    }
    using Kind = ColumnSource::Kind;
    if (auto keys = check_keys(*table, {"from", "constant", "country", "begins_with", "empty", "person"});
        !keys) {
        return std::unexpected(keys.error());
    }
    const auto from = (*table)["from"].value<std::string>();
    source.from = from.value_or("");
    if (const auto constant = (*table)["constant"].value<std::string>()) {
        source.kind = Kind::constant;
        source.text = *constant;
    } else if (const auto person = (*table)["person"].value<std::string>()) {
        static const std::map<std::string, Kind> kinds = {{"key", Kind::person_key},
                                                          {"kind", Kind::person_kind},
                                                          {"country", Kind::home_country},
                                                          {"invented name", Kind::name},
                                                          {"invented email", Kind::email}};
        const auto found = kinds.find(*person);
        if (found == kinds.end()) {
            return wrong(&node, "\"person\" takes key, kind, country, invented name or invented email");
        }
        source.kind = found->second;
    } else if (const auto country = (*table)["country"].value<std::string>()) {
        source.kind = Kind::country;
        source.from = *country;
    } else if (const auto prefix = (*table)["begins_with"].value<std::string>()) {
        source.kind = Kind::prefixed;
        source.text = *prefix;
    } else if (!from) {
        return wrong(&node, "column \"" + source.column + "\" says nowhere where its value comes from");
    }
    if (const auto empty = (*table)["empty"].value<std::string>()) {
        source.empty_is_null = false;
        source.text = *empty;
    }
    return source;
}

base::Result<std::vector<ColumnSource>> columns_of(const toml::table& table) {
    const toml::table* columns = table["columns"].as_table();
    if (columns == nullptr || columns->empty()) {
        return wrong(&table, "\"columns\" must be a table");
    }
    std::vector<ColumnSource> sources;
    for (const auto& [key, node] : *columns) {
        auto source = column_of(key.str(), node);
        if (!source) {
            return std::unexpected(source.error());
        }
        sources.push_back(std::move(*source));
    }
    return sources;
}

}  // namespace

base::Result<Spec> parse_spec(std::string_view text, const std::filesystem::path& folder) {
    toml::table root;
    try {
        root = toml::parse(text);
    } catch (const toml::parse_error& error) {
        return base::fail(Code::configuration, "Line " + std::to_string(error.source().begin.line) + ": " +
                                                   std::string(error.description()) + ".");
    }
    if (auto keys = check_keys(root, {"name", "people", "tables", "countries"}); !keys) {
        return std::unexpected(keys.error());
    }
    Spec spec;
    auto name = text_of(root, "name");
    if (!name) {
        return std::unexpected(name.error());
    }
    spec.name = *name;
    if (const toml::table* countries = root["countries"].as_table()) {
        for (const auto& [key, node] : *countries) {
            const auto code = node.value<std::string>();
            if (!code || code->size() != 2) {
                return wrong(&node, "a country takes an ISO 3166-1 alpha-2 code");
            }
            spec.countries.emplace(key.str(), *code);
        }
    }
    const toml::table* people = root["people"].as_table();
    if (people == nullptr) {
        return wrong(nullptr, "\"people\" is missing");
    }
    if (auto keys = check_keys(*people, {"file", "person", "country", "columns"}); !keys) {
        return std::unexpected(keys.error());
    }
    for (const auto& [key, target] :
         {std::pair{"person", &spec.people.person}, {"country", &spec.people.country}}) {
        auto value = text_of(*people, key);
        if (!value) {
            return std::unexpected(value.error());
        }
        *target = *value;
    }
    auto file = text_of(*people, "file");
    if (!file) {
        return std::unexpected(file.error());
    }
    spec.people.file = folder / *file;
    auto columns = columns_of(*people);
    if (!columns) {
        return std::unexpected(columns.error());
    }
    spec.people.columns = std::move(*columns);
    const toml::array* tables = root["tables"].as_array();
    for (std::size_t i = 0; tables != nullptr && i < tables->size(); ++i) {
        const toml::table* table = tables->get(i)->as_table();
        if (table == nullptr) {
            return wrong(tables->get(i), "\"tables\" takes tables");
        }
        if (auto keys = check_keys(*table, {"table", "file", "person", "country", "columns", "proof"});
            !keys) {
            return std::unexpected(keys.error());
        }
        TableLoad one;
        auto source = text_of(*table, "file");
        if (!source) {
            return std::unexpected(source.error());
        }
        one.file = folder / *source;
        for (const auto& [key, target] :
             {std::pair{"table", &one.table}, {"person", &one.person}, {"country", &one.country}}) {
            auto value = text_of(*table, key);
            if (!value) {
                return std::unexpected(value.error());
            }
            *target = *value;
        }
        auto mapped = columns_of(*table);
        if (!mapped) {
            return std::unexpected(mapped.error());
        }
        one.columns = std::move(*mapped);
        if (const toml::array* proof = (*table)["proof"].as_array()) {
            for (const toml::node& node : *proof) {
                one.proof.push_back(node.value_or(std::string()));
            }
            if (one.proof.empty() || one.proof.size() > 2) {
                return wrong(proof, "\"proof\" takes one or two columns");
            }
        }
        spec.tables.push_back(std::move(one));
    }
    return spec;
}

}  // namespace domicile::load
