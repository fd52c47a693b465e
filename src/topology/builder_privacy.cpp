// [privacy] and [consents.*]: what is promised about people's data.

#include "topology/builder.hpp"
#include "topology/words.hpp"

namespace domicile::topology {
namespace {

constexpr std::size_t consents_max = 256;

}  // namespace

void Builder::privacy() {
    const Entry* entry = root_.get("privacy");
    if (entry == nullptr) {
        return;
    }
    const Reader reader = open(*entry, "", keys::privacy);
    Privacy& privacy = topology_.privacy;
    privacy.strict = reader.flag("strict", true);
    bounded(reader, "rewrite_h", 0, 720, privacy.rewrite_h);
    bounded(reader, "wal_days", 0, 3'650, privacy.wal_days);
    bounded(reader, "backup_days", 0, 3'650, privacy.backup_days);
    bounded(reader, "package_days", 1, 365, privacy.package_days);
    bounded(reader, "package_mb_max", 1, 65'536, privacy.package_mb_max);
    if (!privacy.strict) {
        return;
    }
    for (const Table& table : topology_.tables) {
        if (table.kind != TableKind::sharded) {
            continue;
        }
        for (const auto& [key, value] :
             {std::pair{"purpose", &table.purpose}, {"retention", &table.retention}}) {
            if (value->empty()) {
                report_.add(entry->place,
                            "the table " + quoted(table.name) + " holds people's rows without " + quoted(key),
                            "say it in [tables." + table.name + "], or write strict = false in [privacy]");
            }
        }
        for (const PersonalColumn& column : table.personal) {
            if (column.klass.empty()) {
                report_.add(
                    entry->place,
                    "the personal column " + quoted(table.name + "." + column.name) + " has no `class`",
                    "add class = \"contact\", or whatever it is, to its rule");
            }
        }
    }
}

void Builder::consents() {
    Names names;
    for (const Entry* entry : named("consents", consents_max, names)) {
        check_name(entry->key, entry->place, "consent");
        const Reader reader = open(*entry, "consents", keys::consent);
        Consent consent;
        consent.purpose = entry->key;
        if (const Value* version = reader.text("version")) {
            check_name(version->text, version->place, "version");
            consent.version = version->text;
        }
        if (const Value* text = reader.text("text")) {
            consent.text = text->text;
            if (text->text.empty()) {
                report_.add(text->place, "`text` in " + reader.label() + " is empty",
                            "write the words that people see");
            }
        }
        topology_.consents.push_back(std::move(consent));
    }
}

}  // namespace domicile::topology
