// SHOW domicile.* and EXPLAIN (ROUTE): tables that the gateway answers from what it knows.

#include "session/session.hpp"
#include "wire/server.hpp"

#include <array>

namespace domicile::session {
namespace {

using base::Code;
using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

struct Table {
    std::vector<std::string_view> columns;
    Rows rows;
    std::string_view tag = "SHOW";
};

std::string_view to_text(ReadMode mode) {
    switch (mode) {
        case ReadMode::writer: return "writer";
        case ReadMode::session: return "session";
        case ReadMode::any: return "any";
    }
    return "";
}

std::string pins_text(std::uint8_t pins) {
    constexpr std::array<std::string_view, 8> names = {"temporary table",
                                                       "session advisory lock",
                                                       "LISTEN",
                                                       "cursor WITH HOLD",
                                                       "PREPARE",
                                                       "setting that cannot be replayed",
                                                       "sequence (currval, lastval)",
                                                       "loaded library"};
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if ((pins >> i & 1U) != 0) {
            text.append(text.empty() ? "" : ", ").append(names[i]);
        }
    }
    return text;
}

Table map_table(const Shared& shared) {
    Table table{{"from", "to", "shard", "jurisdiction", "here"}, {}};
    for (const auto& entry : shared.map().entries()) {
        const auto& shard = shared.topology.at(entry.shard);
        table.rows.push_back({std::to_string(entry.from), std::to_string(entry.to), shard.name,
                              shared.topology.at(shard.jurisdiction).name,
                              shard.jurisdiction == shared.own() ? "yes" : "no"});
    }
    return table;
}

Table nodes_table(const Shared& shared, const std::vector<pool::Pool::NodeView>& nodes, bool pools) {
    Table table{{"node", "shard", "region"}, {}};
    const std::vector<std::string_view> rest =
        pools ? std::vector<std::string_view>{"open", "idle", "waiting"}
              : std::vector<std::string_view>{"role", "up", "timeline", "lsn", "lag_ms"};
    table.columns.insert(table.columns.end(), rest.begin(), rest.end());
    for (const auto& view : nodes) {
        const auto& node = shared.topology.at(view.node);
        Row row = {node.name, shared.topology.at(node.shard).name, shared.topology.at(node.region).name};
        if (pools) {
            row.push_back(std::to_string(view.open));
            row.push_back(std::to_string(view.idle));
            row.push_back(std::to_string(view.waiting));
        } else {
            row.emplace_back(view.state.in_recovery ? "reader" : "writer");
            row.emplace_back(view.state.up ? "yes" : "no");
            row.push_back(std::to_string(view.state.timeline));
            row.push_back(routing::to_text(routing::Position{view.state.timeline, view.state.lsn}));
            row.push_back(std::to_string(view.state.lag_ms));
        }
        table.rows.push_back(std::move(row));
    }
    return table;
}

std::string rules_of(const sql::Facts& facts, const routing::Route& route) {
    std::string text = route.kind == routing::Route::Kind::one   ? "one shard by the user id"
                       : route.kind == routing::Route::Kind::any ? "any shard of the jurisdiction"
                       : facts.writes || !facts.reader_may_serve ? "several shards, two-phase commit"
                                                                 : "several shards, gathered";
    return text;
}

}  // namespace

base::Status Session::answer_show(const Prepared& prepared, bool describe, bool rows) {
    const LiteralConstants constants(prepared.text(), prepared.literals);
    return answer(*prepared.facts, constants, describe, rows);
}

base::Status Session::answer(const sql::Facts& facts, const routing::Constants& constants, bool describe,
                             bool rows) {
    const Shared& shared = door_.shared();
    Table table;
    if (facts.kind == sql::Kind::route) {
        table.columns = {"shard", "access", "node", "rule", "policy"};
        table.tag = "EXPLAIN";
        if (rows) {
            const auto routed = route(facts, constants);
            if (!routed) {
                return std::unexpected(worded(routed.error()));
            }
            const auto wanted = access::wanted_by(facts, shared.topology);
            const std::string policy = shared.judge.reasons(profile_->caller, wanted, place());
            const auto add = [&](const routing::Plan& plan) {
                const auto states = pool_->states(plan.shard());
                const auto chosen =
                    routing::choose_node(states, plan.access(), required_position(plan),
                                         base::limits::reader_lag_max / std::chrono::milliseconds{1}, 0);
                const auto& shard = shared.topology.at(plan.shard());
                table.rows.push_back({shard.name,
                                      plan.access() == routing::Access::reader ? "reader" : "writer",
                                      chosen ? shared.topology.at(shard.nodes[*chosen]).name : "none",
                                      rules_of(facts, *routed), policy});
            };
            add(routed->plan);
            for (const auto& plan : routed->more) {
                add(plan);
            }
        }
    } else if (facts.setting.name == "domicile.map") {
        table = map_table(shared);
    } else if (facts.setting.name == "domicile.pools" || facts.setting.name == "domicile.nodes") {
        table = nodes_table(shared, pool_->nodes(), facts.setting.name == "domicile.pools");
    } else if (facts.setting.name == "domicile.clients") {
        table.columns = {"id", "user", "application", "state", "bound", "pinned_by"};
        for (const Session* session : door_.sessions()) {
            table.rows.push_back({std::to_string(session->id()), session->user(), session->application(),
                                  std::string(1, session->state()), session->busy() ? "yes" : "no",
                                  pins_text(session->pins())});
        }
    } else if (facts.setting.name == "domicile.stats") {
        table.columns = {"name", "value"};
        const auto& cache = door_.analyser().stats();
        const SqlMetrics& metrics = shared.metrics;
        for (const auto& [name, value] : std::initializer_list<std::pair<std::string_view, std::uint64_t>>{
                 {"clients", static_cast<std::uint64_t>(metrics.clients.value())},
                 {"logins", metrics.logins.value()},
                 {"login_failures", metrics.login_failures.value()},
                 {"statements", metrics.statements.value()},
                 {"gathered", metrics.gathered.value()},
                 {"distributed", metrics.distributed.value()},
                 {"cancels", metrics.cancels.value()},
                 {"plan_cache_hits", cache.hits},
                 {"plan_cache_misses", cache.misses},
                 {"plan_cache_uncached", cache.uncached},
                 {"prepared_statements", door_.prepared().size()}}) {
            table.rows.push_back({std::string(name), std::to_string(value)});
        }
    } else if (facts.setting.name == "domicile.session") {
        table.columns = {"name", "value"};
        table.rows = {
            {"user", user_},
            {"jurisdiction", shared.topology.at(shared.own()).name},
            {"region", shared.topology.at(shared.region).name},
            {"read", std::string(to_text(read_))},
            {"user_id", session_user_ ? std::to_string(session_user_->value) : ""},
            {"multi_shard", multi_shard_ ? "on" : "off"},
            {"transaction", status() == 'I'   ? "none"
                            : status() == 'T' ? "open"
                                              : "failed"},
            {"shard", plan_ ? shared.topology.at(plan_->shard()).name : ""},
            {"node", lease_ ? shared.topology.at(lease_->node()).name : ""},
            {"pinned_by", pins_text(pins_)},
        };
    } else if (facts.setting.name == "domicile.user_id" || facts.setting.name == "domicile.read" ||
               facts.setting.name == "domicile.multi_shard") {
        table.columns = {facts.setting.name};
        table.rows = {{facts.setting.name == "domicile.read" ? std::string(to_text(read_))
                       : facts.setting.name == "domicile.user_id"
                           ? (session_user_ ? std::to_string(session_user_->value) : std::string())
                           : (multi_shard_ ? std::string("on") : std::string("off"))}};
    } else {
        return base::fail(
            Code::unknown_resource, "There is no setting " + facts.setting.name + ".",
            "SHOW domicile.map, pools, clients, nodes, stats, session, user_id, read, multi_shard");
    }
    if (describe) {
        std::vector<wire::Column> columns;
        for (const auto name : table.columns) {
            columns.push_back({name, 25, -1});
        }
        wire::append_row_description(out_, columns);
    }
    if (rows) {
        for (const Row& row : table.rows) {
            std::vector<std::optional<std::string_view>> values(row.begin(), row.end());
            wire::append_data_row(out_, values);
        }
        wire::append_command_complete(out_, table.tag);
    }
    return {};
}

}  // namespace domicile::session
