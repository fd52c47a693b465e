#pragma once
// PostgreSQL's parse nodes for C++, read only. The server's headers define macros with common names, and a
// global NodeTag: what else a file of this room needs is included here before them. No function of the server
// is called from C++, since its errors leave by longjmp.

#include "topology/topology.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" {
// clang-format off
#include <postgres.h>
#include <nodes/parsenodes.h>
// clang-format on
}

namespace domicile::sql::pg {

static_assert(PG_VERSION_NUM / 10'000 == 15);

/// The cells of a list; an absent list is an empty one.
inline std::span<const ListCell> cells(const List* list) {
    return list == nullptr ? std::span<const ListCell>()
                           : std::span(list->elements, static_cast<std::size_t>(list->length));
}
inline const Node* node(const ListCell& cell) {
    return static_cast<const Node*>(cell.ptr_value);
}

inline constexpr char temporary = 't';  // PostgreSQL: RELPERSISTENCE_TEMP

inline bool is(const void* any, NodeTag tag) {
    return any != nullptr && static_cast<const Node*>(any)->type == tag;
}
/// REQUIRES: the node is a T.
template <class T>
const T* as(const void* any) {
    return static_cast<const T*>(any);
}
/// The node if it has that tag, otherwise null.
template <class T>
const T* as_if(const void* any, NodeTag tag) {
    return is(any, tag) ? static_cast<const T*>(any) : nullptr;
}

inline std::string_view text(const char* bytes) {
    return bytes == nullptr ? std::string_view() : std::string_view(bytes);
}
/// The text of a String node; empty for any other.
inline std::string_view text(const Node* string) {
    return is(string, T_String) ? text(as<String>(string)->sval) : std::string_view();
}
inline std::size_t size(const List* list) {
    return cells(list).size();
}
/// The n-th node of a list, null beyond its end.
inline const Node* nth(const List* list, std::size_t index) {
    const auto all = cells(list);
    return index < all.size() ? node(all[index]) : nullptr;
}
inline const Node* last(const List* list) {
    const auto all = cells(list);
    return all.empty() ? nullptr : node(all.back());
}

}  // namespace domicile::sql::pg
