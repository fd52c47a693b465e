#include "topology/reader.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace domicile::topology {
namespace {

using keys::Key;
using keys::Type;

bool fits(Type type, const Value& value) {
    switch (type) {
        case Type::text: return value.kind == Value::Kind::text;
        case Type::flag: return value.kind == Value::Kind::flag;
        case Type::integer: return value.kind == Value::Kind::integer;
        case Type::texts:
        case Type::list: return value.kind == Value::Kind::list;
        case Type::table:
        case Type::tables: return value.kind == Value::Kind::table;
    }
    return false;
}

std::string_view wanted(Type type) {
    switch (type) {
        case Type::text: return "text in quotes";
        case Type::flag: return "true or false";
        case Type::integer: return "an integer";
        case Type::texts: return "a list of texts";
        case Type::list: return "a list";
        case Type::table:
        case Type::tables: return "a table";
    }
    return "something else";
}

std::string like(const Key& key) {
    return "write it like: " + std::string(key.example);
}

}  // namespace

std::string_view describe(Value::Kind kind) {
    switch (kind) {
        case Value::Kind::text: return "text";
        case Value::Kind::integer: return "an integer";
        case Value::Kind::flag: return "true or false";
        case Value::Kind::real: return "a number with a fraction";
        case Value::Kind::moment: return "a date or time";
        case Value::Kind::list: return "a list";
        case Value::Kind::table: return "a table";
    }
    return "something else";
}

Reader::Reader(const Value& value, Place place, std::string label, const keys::Section& section,
               Report& report)
    : value_(value), place_(place), label_(std::move(label)), section_(section) {
    if (value.kind != Value::Kind::table) {
        report.add(value.place, label_ + " must be a table, not " + std::string(describe(value.kind)),
                   "write it as a section: " + label_);
        return;
    }
    for (const Entry& entry : value.entries) {
        check_entry(entry, report);
    }
    for (const Key& key : section.keys) {
        if (key.required && !given(key.name) && std::ranges::count(meant_, key.name) == 0) {
            report.add(place_, label_ + " lacks " + quoted(key.name), "add: " + std::string(key.example));
        }
    }
}

void Reader::check_entry(const Entry& entry, Report& report) {
    const auto key = std::ranges::find(section_.keys, std::string_view(entry.key), &Key::name);
    if (key == section_.keys.end()) {
        std::vector<std::string_view> names;
        std::ranges::transform(section_.keys, std::back_inserter(names), &Key::name);
        meant_.push_back(closest(entry.key, names));
        report.add(entry.place, "unknown key " + quoted(entry.key) + " in " + label_,
                   suggest(entry.key, names, "remove it; the keys here are " + listed(names)));
        return;
    }
    if (!fits(key->type, entry.value)) {
        report.add(entry.value.place,
                   quoted(entry.key) + " in " + label_ + " must be " + std::string(wanted(key->type)) +
                       ", not " + std::string(describe(entry.value.kind)),
                   like(*key));
        return;
    }
    if (key->type == Type::texts) {
        for (const Value& item : entry.value.items) {
            if (item.kind != Value::Kind::text) {
                report.add(item.place,
                           quoted(entry.key) + " in " + label_ + " must hold only texts, not " +
                               std::string(describe(item.kind)),
                           like(*key));
            }
        }
    }
}

const Entry* Reader::get(std::string_view key) const {
    const auto known = std::ranges::find(section_.keys, key, &Key::name);
    DOMICILE_ASSERT(known != section_.keys.end());
    const Entry* entry = value_.find(key);
    return entry != nullptr && fits(known->type, entry->value) ? entry : nullptr;
}

const Value* Reader::text(std::string_view key) const {
    const Entry* entry = get(key);
    return entry == nullptr ? nullptr : &entry->value;
}

bool Reader::flag(std::string_view key, bool otherwise) const {
    const Entry* entry = get(key);
    return entry == nullptr ? otherwise : entry->value.flag;
}

std::vector<Word> Reader::texts(std::string_view key) const {
    std::vector<Word> words;
    if (const Entry* entry = get(key)) {
        for (const Value& item : entry->value.items) {
            if (item.kind == Value::Kind::text) {
                words.push_back({item.text, item.place});
            }
        }
    }
    return words;
}

Place Reader::place(std::string_view key) const {
    const Entry* entry = value_.find(key);
    return entry == nullptr ? place_ : entry->place;
}

}  // namespace domicile::topology
