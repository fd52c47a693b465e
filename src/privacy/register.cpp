#include "privacy/register.hpp"

#include <algorithm>

namespace domicile::privacy {
namespace {

using topology::Erasure;
using topology::Table;
using topology::TransferBasis;

std::string_view rule_name(Erasure erasure) {
    switch (erasure) {
        case Erasure::delete_row: return "the row is deleted";
        case Erasure::set_null: return "set to null";
        case Erasure::generalise: return "generalised";
        case Erasure::tokenise: return "replaced by a random token";
        case Erasure::keyed_hash: return "replaced by a hash whose key is destroyed";
        case Erasure::shred: return "overwritten with random bytes";
    }
    return "";
}

std::string_view basis_name(TransferBasis basis) {
    switch (basis) {
        case TransferBasis::adequacy: return "adequacy decision (Art. 45)";
        case TransferBasis::contract_clauses: return "standard contractual clauses (Art. 46(2)(c))";
        case TransferBasis::consent: return "explicit consent (Art. 49(1)(a))";
    }
    return "";
}

std::string joined(const std::vector<std::string>& all) {
    std::string text;
    for (const auto& one : all) {
        text += (text.empty() ? "" : ", ") + one;
    }
    return text.empty() ? "none" : text;
}

std::string_view or_missing(const std::string& text) {
    return text.empty() ? std::string_view("**not said**") : std::string_view(text);
}

void describe(std::string& out, const Table& table, const LiveSchema& live) {
    out += "\n### " + table.name + "\n\npurpose: " + std::string(or_missing(table.purpose)) +
           "; retention: " + std::string(or_missing(table.retention)) +
           "\n\n| column | type | personal | from | at erasure |\n| --- | --- | --- | --- | --- |\n";
    const LiveTable* there = live.table(table.name);
    if (there == nullptr) {
        out += "| **the table is not there** | | | | |\n";
        return;
    }
    for (const LiveColumn& column : there->columns) {
        out += "| " + column.name + " | " + column.type + " | ";
        const auto rule = std::ranges::find(table.personal, column.name, &topology::PersonalColumn::name);
        if (rule != table.personal.end()) {
            out += std::string(or_missing(rule->klass)) + " | " + std::string(name(rule->origin)) + " | " +
                   std::string(rule_name(rule->erasure)) + (rule->to.empty() ? "" : " (" + rule->to + ")") +
                   " |\n";
        } else {
            out +=
                std::string(column.name == table.key ? "the user's id | | stays" : "no | | stays") + " |\n";
        }
    }
}

}  // namespace

std::string register_text(const topology::Topology& topology, const LiveSchema& live) {
    std::string out = "# Record of processing activities: " + topology.name +
                      "\n\nGDPR Art. 30(1), made by `domicile privacy register` from the topology and the "
                      "live schema.\n\n## Where\n\n";
    for (const auto& jurisdiction : topology.jurisdictions) {
        out += "- **" + jurisdiction.name + "**" +
               (jurisdiction.law.empty() ? "" : " (" + jurisdiction.law + ")") + ": people of " +
               (jurisdiction.countries.empty() ? "" : joined(jurisdiction.countries)) +
               (jurisdiction.rest_of_world
                    ? std::string(jurisdiction.countries.empty() ? "" : " and ") + "every other country"
                    : "") +
               "; their rows are in ";
        std::vector<std::string> regions;
        for (std::size_t i = 0; i < topology.regions.size(); ++i) {
            if (&topology.at(topology.regions[i].jurisdiction) == &jurisdiction) {
                regions.push_back(topology.regions[i].name);
            }
        }
        out += joined(regions) + " and nowhere else\n";
    }
    out += "\n## What, why and how long\n";
    for (const Table& table : topology.tables) {
        if (table.kind == topology::TableKind::sharded) {
            describe(out, table, live);
        }
    }
    out += "\n## Recipients\n\n";
    for (const auto& institution : topology.institutions) {
        out += "- " + institution.name + " (" + topology.at(institution.jurisdiction).name +
               "): a document for each audited event of " + joined(institution.documents) + "\n";
    }
    out += topology.institutions.empty() ? "none\n" : "";
    out += "\n## Transfers to other jurisdictions\n\n";
    for (const auto& transfer : topology.transfers) {
        out += "- from " + topology.at(transfer.from).name + " to " + topology.at(transfer.to).name +
               ", by " + std::string(basis_name(transfer.basis)) + ": " + joined(transfer.actions) + "\n";
    }
    out += topology.transfers.empty() ? "none\n" : "";
    for (const auto& statistic : topology.statistics) {
        out += "- figures of " + statistic.table + " (" + statistic.name + "), of at least " +
               std::to_string(statistic.persons_min) + " people each: anonymous, to central\n";
    }
    const auto& promises = topology.privacy;
    out += "\n## Time limits and security\n\n- erased values: overwritten at once, their pages within " +
           std::to_string(promises.rewrite_h) + " hours, write-ahead log within " +
           std::to_string(promises.wal_days) + " days, backups " +
           (promises.backup_days == 0 ? std::string("are not made")
                                      : "within " + std::to_string(promises.backup_days) + " days") +
           "\n- rows stay in their home's databases (a CHECK on each table); doors ask for identity and "
           "policy; documents are sealed under a key of "
           "their person; secrets and keys are sealed per region; regions talk by mutual TLS\n";
    return out;
}

std::vector<std::string> differences(std::string_view before, std::string_view now) {
    const auto lines_of = [](std::string_view text) {
        std::vector<std::string> lines;
        while (!text.empty()) {
            const auto end = std::min(text.find('\n'), text.size());
            lines.emplace_back(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        return lines;
    };
    const auto old_lines = lines_of(before);
    const auto new_lines = lines_of(now);
    // The longest common subsequence: both are some hundred lines.
    std::vector<std::vector<std::size_t>> common(old_lines.size() + 1,
                                                 std::vector<std::size_t>(new_lines.size() + 1, 0));
    for (std::size_t i = old_lines.size(); i-- > 0;) {
        for (std::size_t k = new_lines.size(); k-- > 0;) {
            common[i][k] = old_lines[i] == new_lines[k] ? common[i + 1][k + 1] + 1
                                                        : std::max(common[i + 1][k], common[i][k + 1]);
        }
    }
    std::vector<std::string> out;
    std::size_t i = 0;
    std::size_t k = 0;
    while (i < old_lines.size() || k < new_lines.size()) {
        if (i < old_lines.size() && k < new_lines.size() && old_lines[i] == new_lines[k]) {
            ++i;
            ++k;
        } else if (k == new_lines.size() || (i < old_lines.size() && common[i + 1][k] >= common[i][k + 1])) {
            out.push_back("- " + old_lines[i++]);
        } else {
            out.push_back("+ " + new_lines[k++]);
        }
    }
    return out;
}

}  // namespace domicile::privacy
