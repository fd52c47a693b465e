// Checks of what the topology file and the policies declare.

#include "ops/advisor.hpp"

#include <algorithm>
#include <array>

namespace domicile::ops {
namespace {

using Found = std::vector<std::pair<std::string, std::string>>;
using enum Pillar;
using topology::Severity;
using topology::TableKind;

bool sharded(const topology::Table& table) {
    return table.kind == TableKind::sharded;
}

bool loopback(const topology::Address& address) {
    return address.host.starts_with("127.") || address.host == "::1" || address.host == "localhost";
}

/// Regions of the own jurisdiction.
std::size_t own_regions(const Evidence& evidence) {
    const auto own = evidence.topology.at(evidence.region).jurisdiction;
    return static_cast<std::size_t>(
        std::ranges::count(evidence.topology.regions, own, &topology::Region::jurisdiction));
}

void secret_abroad(const Evidence& e, Found& found) {
    for (const auto& secret : e.topology.secrets) {
        if (secret.jurisdictions.size() > 1) {
            found.emplace_back("secret " + secret.name,
                               "kept in " + std::to_string(secret.jurisdictions.size()) + " jurisdictions");
        }
    }
}

void transfer_wide(const Evidence& e, Found& found) {
    for (const auto& transfer : e.topology.transfers) {
        if (transfer.columns.empty()) {
            found.emplace_back(
                "transfer " + e.topology.at(transfer.from).name + " to " + e.topology.at(transfer.to).name,
                "opens every personal column of " + std::to_string(transfer.tables.size()) + " tables");
        }
    }
}

/// A role of another jurisdiction that policies let read personal columns here, whether or not a transfer
/// would let it through.
void readers_abroad(const Evidence& e, Found& found) {
    if (e.policies == nullptr) {
        return;
    }
    const auto own = e.topology.at(e.region).jurisdiction;
    const std::string& home = e.topology.at(own).name;
    iam::Context context;
    const std::string_view homes[] = {home};
    const std::string_view secure[] = {"true"};
    context.set("domicile:HomeJurisdiction", std::span<const std::string_view>(homes));
    context.set("domicile:GatewayJurisdiction", std::span<const std::string_view>(homes));
    context.set("aws:SecureTransport", std::span<const std::string_view>(secure));
    for (const auto& jurisdiction : e.topology.jurisdictions) {
        if (jurisdiction.name == home) {
            continue;
        }
        for (const auto& table : e.topology.tables) {
            if (!sharded(table) || table.personal.empty()) {
                continue;
            }
            for (const auto& holder :
                 e.policies->who_can(jurisdiction.name, "data:ReadPersonal",
                                     "arn:domicile:data::" + home + ":table/" + table.name, home, context)) {
                found.emplace_back("role " + holder.role + "@" + jurisdiction.name,
                                   "may read personal columns of " + table.name + " of " + home);
            }
        }
    }
}

void table_without_rule(const Evidence& e, Found& found) {
    for (const auto& table : e.topology.tables) {
        if (sharded(table) && table.personal.empty()) {
            found.emplace_back("table " + table.name, "no column is declared personal");
        }
    }
}

void column_without_class(const Evidence& e, Found& found) {
    for (const auto& table : e.topology.tables) {
        for (const auto& column : table.personal) {
            if (column.klass.empty()) {
                found.emplace_back("column " + table.name + "." + column.name, "has no class");
            }
        }
    }
}

void table_without_retention(const Evidence& e, Found& found) {
    for (const auto& table : e.topology.tables) {
        if (sharded(table) && table.retention.empty()) {
            found.emplace_back("table " + table.name, "says nothing about how long rows are kept");
        }
    }
}

void retention_idle(const Evidence& e, Found& found) {
    for (const auto& table : e.topology.tables) {
        if (sharded(table) && !table.retention.empty() && table.retained_from.empty() && !table.person) {
            found.emplace_back("table " + table.name, "kept " + table.retention + ", counted from nothing");
        }
    }
}

void table_without_purpose(const Evidence& e, Found& found) {
    for (const auto& table : e.topology.tables) {
        if (sharded(table) && table.purpose.empty()) {
            found.emplace_back("table " + table.name, "has no purpose");
        }
    }
}

void no_holidays(const Evidence& e, Found& found) {
    const auto& own = e.topology.at(e.topology.at(e.region).jurisdiction);
    if (e.topology.at(e.region).writer && own.holidays.empty()) {
        found.emplace_back("jurisdiction " + own.name, "no holiday is declared");
    }
}

void not_strict(const Evidence& e, Found& found) {
    if (!e.topology.privacy.strict) {
        found.emplace_back("[privacy]", "strict = false");
    }
}

void no_country(const Evidence& e, Found& found) {
    if (e.topology.person_table().country.empty() && e.topology.jurisdictions.size() > 1) {
        found.emplace_back("table " + e.topology.person_table().name, "has no `country`");
    }
}

void shard_without_reader(const Evidence& e, Found& found) {
    for (const auto& shard : e.topology.shards) {
        if (shard.writer == e.region && shard.nodes.size() < 2) {
            found.emplace_back("shard " + shard.name, "one node");
        }
    }
}

void reader_not_elsewhere(const Evidence& e, Found& found) {
    if (own_regions(e) < 2) {
        return;
    }
    for (const auto& shard : e.topology.shards) {
        const bool elsewhere = std::ranges::any_of(
            shard.nodes, [&](auto node) { return !(e.topology.at(node).region == shard.writer); });
        if (shard.writer == e.region && shard.nodes.size() > 1 && !elsewhere) {
            found.emplace_back("shard " + shard.name, "all " + std::to_string(shard.nodes.size()) +
                                                          " nodes stand in " +
                                                          e.topology.at(shard.writer).name);
        }
    }
}

void one_region(const Evidence& e, Found& found) {
    if (own_regions(e) < 2) {
        found.emplace_back("jurisdiction " + e.topology.at(e.topology.at(e.region).jurisdiction).name,
                           "one region");
    }
}

void no_backups(const Evidence& e, Found& found) {
    if (e.topology.privacy.backup_days == 0) {
        found.emplace_back("[privacy]", "backup_days = 0");
    }
}

void not_durable(const Evidence& e, Found& found) {
    const bool embedded =
        std::ranges::any_of(e.topology.nodes, [](const auto& node) { return node.embedded; });
    if (embedded && !e.topology.embedded.durable) {
        found.emplace_back("[embedded]", "durable = false");
    }
}

void no_mesh(const Evidence& e, Found& found) {
    if (own_regions(e) > 1 && e.topology.at(e.region).mesh.port == 0) {
        found.emplace_back("region " + e.topology.at(e.region).name, "is not in the mesh");
    }
}

void superuser_login(const Evidence& e, Found& found) {
    if (e.topology.database.superuser_login) {
        found.emplace_back("[database]", "superuser_login = true");
    }
}

void sql_without_tls(const Evidence& e, Found& found) {
    const auto& region = e.topology.at(e.region);
    if (!loopback(region.sql) && region.tls_certificate.empty()) {
        found.emplace_back("gateway." + region.name, "the SQL door listens on " + region.sql.host);
    }
}

void nodes_without_tls(const Evidence& e, Found& found) {
    for (const auto& node : e.topology.nodes) {
        const bool tls = node.embedded ? e.topology.embedded.tls : !e.topology.database.node_tls_ca.empty();
        if (node.region == e.region && !tls && !loopback(node.address)) {
            found.emplace_back("node " + node.name, "is reached in clear");
        }
    }
}

void local_vault(const Evidence& e, Found& found) {
    const bool outside = std::ranges::any_of(e.topology.regions, [](const auto& region) {
        return !loopback(region.http) || !loopback(region.sql);
    });
    if (outside && e.topology.vault.driver == topology::Vault::Driver::local) {
        found.emplace_back("[vault]", "driver = \"local\" while doors are open to other machines");
    }
}

void issuer_any_algorithm(const Evidence& e, Found& found) {
    for (const auto& issuer : e.topology.identity.issuers) {
        if (issuer.algorithms.empty()) {
            found.emplace_back("issuer " + issuer.name, "every algorithm is taken");
        }
    }
}

void issuer_everywhere(const Evidence& e, Found& found) {
    for (const auto& issuer : e.topology.identity.issuers) {
        if (issuer.jurisdictions.size() > 1) {
            found.emplace_back(
                "issuer " + issuer.name,
                "speaks for " + std::to_string(issuer.jurisdictions.size()) + " jurisdictions");
        }
    }
}

void no_channel(const Evidence& e, Found& found) {
    if (e.topology.channels.empty()) {
        found.emplace_back("[notify]", "no channel is declared");
    }
}

void alarm_off(const Evidence& e, Found& found) {
    for (const auto& rule : e.topology.alarms) {
        if (rule.off) {
            found.emplace_back("alarm " + rule.name, "off = true");
        }
    }
}

void maintenance_over(const Evidence& e, Found& found) {
    for (const auto& work : e.topology.maintenance) {
        if (work.until_s * 1'000 < e.now_ms) {
            found.emplace_back("maintenance " + work.name, "ended");
        }
    }
}

void closed_shards(const Evidence& e, Found& found) {
    const auto own = e.topology.at(e.region).jurisdiction;
    std::size_t shards = 0;
    std::size_t open = 0;
    for (const auto& shard : e.topology.shards) {
        shards += shard.jurisdiction == own;
        open += shard.jurisdiction == own && shard.open;
    }
    if (e.topology.at(e.region).writer && shards > 0 && open == 0) {
        found.emplace_back("jurisdiction " + e.topology.at(own).name, "none of its shards is open");
    }
}

void audit_without_institution(const Evidence& e, Found& found) {
    for (const auto& table : e.topology.tables) {
        const bool sent = std::ranges::any_of(e.topology.institutions, [&](const auto& institution) {
            return std::ranges::count(institution.documents, table.name) != 0;
        });
        if (!table.audited.empty() && !sent) {
            found.emplace_back("table " + table.name, "is audited, and its documents go to nobody");
        }
    }
}

void packages_long(const Evidence& e, Found& found) {
    if (e.topology.privacy.package_days > 30) {
        found.emplace_back("[privacy]", "package_days = " + std::to_string(e.topology.privacy.package_days));
    }
}

constexpr std::array checks = {
    Check{"secret-abroad", residency, Severity::high, "A secret is kept in several jurisdictions",
          "Whoever can force one of them has the secret of all.",
          "Give each jurisdiction its own: [secrets.NAME] with one jurisdiction", secret_abroad, true},
    Check{"transfer-wide", residency, Severity::high, "A transfer opens every personal column",
          "GDPR Art. 5(1)(c): no more than is needed, and Art. 46 asks for each transfer.",
          "Name the columns: columns = [\"users.email\"]", transfer_wide, true},
    Check{
        "readers-abroad", residency, Severity::high, "Somebody abroad may read personal columns",
        "The guard rail is what keeps a role's own policy from doing this; another one stands in its place.",
        "domicile policy who-can --action data:ReadPersonal --resource "
        "arn:domicile:data::JURISDICTION:table/TABLE",
        readers_abroad},
    Check{"table-without-erasure-rule", residency, Severity::medium, "A table of people has no erasure rule",
          "Its rows go with the person, but what may have to stay cannot be said apart.",
          "Declare personal.COLUMN = { erase = \"…\" } in [tables.…]", table_without_rule, true},
    Check{"column-without-class", residency, Severity::low, "A personal column has no class",
          "The record of processing names classes of data (GDPR Art. 30(1)(c)).",
          "Add class = \"contact\" to its rule", column_without_class, true},
    Check{"table-without-retention", residency, Severity::medium, "Nobody says how long rows are kept",
          "GDPR Art. 5(1)(e) and Art. 30(1)(f).", "Add retention = \"10 years\" to the table",
          table_without_retention, true},
    Check{"retention-idle", residency, Severity::low, "A retention that removes nothing",
          "Rows stay beyond what is promised unless somebody removes them.",
          "Add retained_from = \"COLUMN\" to the table", retention_idle, true},
    Check{"table-without-purpose", residency, Severity::medium, "A table of people has no purpose",
          "GDPR Art. 5(1)(b) and Art. 30(1)(b).", "Add purpose = \"…\" to the table", table_without_purpose,
          true},
    Check{"no-holidays", residency, Severity::low, "Due dates ignore public holidays",
          "Regulation 1182/71 Art. 3(4): a period that ends on one ends on the next working day; without "
          "them an answer is due too early, never too late.",
          "Add holidays = [\"12-25\", \"easter+1\"] to [jurisdictions.…]", no_holidays},
    Check{"privacy-not-strict", residency, Severity::medium,
          "Tables and columns may be declared incompletely",
          "A definition that no erasure would reach is not refused.", "Write strict = true in [privacy]",
          not_strict, true},
    Check{"home-unknown", residency, Severity::medium, "New people's homes do not follow from their country",
          "Whoever creates a person decides alone where the rows go.",
          "Add country = \"COLUMN\" to the table of people", no_country, true},
    Check{"shard-without-reader", resilience, Severity::high, "A shard stands on one node",
          "When the node is lost, so is everything since the last backup.",
          "Add readers = [\"REGION\"] to [shards.…]", shard_without_reader},
    Check{"reader-not-elsewhere", resilience, Severity::medium, "A shard stands in one region",
          "When the region is lost nobody of its people can be served.",
          "Add a reader in the jurisdiction's other region", reader_not_elsewhere},
    Check{"one-region", resilience, Severity::low, "A jurisdiction has one region",
          "Residency goes before availability: nothing outside may take over.",
          "Add a region to the jurisdiction", one_region},
    Check{"no-backups", resilience, Severity::high, "No backups are promised", "Replicas copy mistakes, too.",
          "Make base backups and say backup_days in [privacy]", no_backups, true},
    Check{"not-durable", resilience, Severity::high, "Nodes do not wait for their disks",
          "A crash of the machine loses what was committed, and may damage the rest.",
          "Remove durable = false from [embedded]", not_durable, true},
    Check{"no-mesh", resilience, Severity::medium, "A region does not speak to the others",
          "Maps, facts and alarms of other regions do not reach it.",
          "Add mesh = \"HOST:PORT\" to [regions.…] and [mesh]", no_mesh},
    Check{"superuser-login", security, Severity::high, "The SQL door lets a superuser in",
          "A superuser can disable every guard of a shard.", "Remove superuser_login from [database]",
          superuser_login, true},
    Check{"sql-without-tls", security, Severity::high, "The SQL door is open to other machines without TLS",
          "Rows and passwords' proofs travel in clear.", "Add tls_certificate and tls_key to [regions.…]",
          sql_without_tls},
    Check{"nodes-without-tls", security, Severity::high, "A node on another machine is reached in clear",
          "Rows travel in clear between gateway and node.",
          "Add node_tls_ca to [database], or tls = true to [embedded]", nodes_without_tls},
    Check{"local-vault", security, Severity::medium, "Secrets are sealed by a key on the same machine",
          "Whoever reads the disk reads both.", "[vault] driver = \"aws\"", local_vault, true},
    Check{"issuer-any-algorithm", security, Severity::low, "An issuer's tokens may use any algorithm",
          "The day one is broken, it is believed.", "Add algorithms = [\"ES256\"] to the issuer",
          issuer_any_algorithm, true},
    Check{"issuer-everywhere", security, Severity::medium, "One issuer speaks for several jurisdictions",
          "Whoever takes it over is at home everywhere.", "One [[identity.issuers]] for each jurisdiction",
          issuer_everywhere, true},
    Check{"nobody-told", operations, Severity::medium, "Nobody is told of alarms",
          "Somebody must look at the page to know.", "Declare [notify.oncall] with webhook, mail or command",
          no_channel, true},
    Check{"alarm-off", operations, Severity::low, "An alarm is switched off",
          "What it watches, nobody watches.", "Remove off = true", alarm_off, true},
    Check{"maintenance-over", operations, Severity::low, "A maintenance window is over",
          "Old windows hide that a new one is wrong.", "Remove it from the file", maintenance_over, true},
    Check{"documents-to-nobody", operations, Severity::low, "Documents are made and sent to nobody",
          "They cost time and space; or an institution was forgotten.",
          "Name the table in [institutions.…] documents", audit_without_institution, true},
    Check{"no-open-shard", limits, Severity::high, "No shard takes new people",
          "People who sign up are refused.", "Set open = true on a shard, or add one", closed_shards},
    Check{"packages-long", cost, Severity::low, "Packages are kept long",
          "Each is a copy of everything of a person, in the database.", "Lower package_days in [privacy]",
          packages_long, true},
};

}  // namespace

std::span<const Check> declared_checks() {
    return checks;
}

}  // namespace domicile::ops
