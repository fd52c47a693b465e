#include "sql/functions.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::sql {
namespace {

#include "sql/function_names.inc"

using Named = std::pair<std::string_view, FunctionClass>;

std::vector<Named> make_table() {
    std::vector<Named> table;
    const auto add = [&](std::string_view names, FunctionClass which) {
        while (!names.empty()) {
            const auto end = names.find(' ');
            table.emplace_back(names.substr(0, end), which);
            names.remove_prefix(end + 1);
        }
    };
    add(plain_names, FunctionClass::plain);
    add(aggregates_names, FunctionClass::aggregates);
    add(volatile_names, FunctionClass::volatile_);
    add(sequences_names, FunctionClass::sequences);
    add(session_locks_names, FunctionClass::session_locks);
    add(opaque_names, FunctionClass::opaque);
    std::ranges::sort(table);
    return table;
}

}  // namespace

FunctionClass function_class(std::string_view name) {
    static const std::vector<Named> table = make_table();
    const auto found = std::ranges::lower_bound(table, name, {}, &Named::first);
    return found != table.end() && found->first == name ? found->second : FunctionClass::opaque;
}

}  // namespace domicile::sql
