#pragma once
// What to load, from a TOML file: who the people are, and how each table's columns come from the source's.

#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::load {

/// Where a column's value comes from.
struct ColumnSource {
    enum class Kind : std::uint8_t {
        field,         ///< a field of the source record
        constant,      ///< `text`
        country,       ///< a field that names a country, as ISO code
        prefixed,      ///< true if field `from` begins with `text`
        person_key,    ///< what names the person in the source; null for a counter
        person_kind,   ///< "customer" or "counter"
        home_country,  ///< the person's country, as ISO code
        name,          ///< an invented name
        email,         ///< an invented address
    };
    std::string column;
    Kind kind = Kind::field;
    std::string from;
    std::string text;
    bool empty_is_null = true;
};

/// Records of one file become rows of one table.
struct TableLoad {
    std::string table;
    std::filesystem::path file;
    std::string person;   ///< source column that names the person; empty value: the country's counter
    std::string country;  ///< source column for rows without a person
    std::vector<ColumnSource> columns;
    /// Columns whose product is summed on both sides, to prove that nothing was lost: one or two.
    std::vector<std::string> proof;
};

/// A file whose records tell, in order of time, which country a person was in; the last one decides the home.
struct PeopleLoad {
    std::filesystem::path file;
    std::string person;
    std::string country;
    std::vector<ColumnSource> columns;
};

struct Spec {
    std::string name;  ///< progress is kept under it
    PeopleLoad people;
    std::vector<TableLoad> tables;
    std::map<std::string, std::string, std::less<>> countries;  ///< the source's name → ISO 3166-1 alpha-2
};

/// Paths are taken relative to `folder`. Errors: configuration, naming line and key.
[[nodiscard]] base::Result<Spec> parse_spec(std::string_view toml, const std::filesystem::path& folder);

}  // namespace domicile::load
