#include "privacy/erasure_plan.hpp"

#include <gtest/gtest.h>

namespace domicile::privacy {
namespace {

using topology::Erasure;
using topology::PersonalColumn;
using topology::Table;

Table people(std::string name, std::vector<PersonalColumn> personal) {
    Table table;
    table.name = std::move(name);
    table.key = "user_id";
    table.personal = std::move(personal);
    return table;
}

/// users, orders and carts; carts' rows go.
struct World {
    topology::Topology topology;
    LiveSchema live;
    World() {
        topology.tables = {people("users", {{"name", Erasure::set_null}}), people("orders", {}),
                           people("carts", {{"item", Erasure::delete_row}})};
        topology.tables[0].person = true;
        live.tables = {
            {"users", {{"user_id", "bigint", false}, {"name", "text"}}},
            {"orders", {{"user_id", "bigint", false}, {"no", "integer", false}, {"cart", "integer"}}},
            {"carts",
             {{"user_id", "bigint", false},
              {"no", "integer", false},
              {"item", "text"},
              {"next", "integer"}}}};
        live.foreign_keys = {{"orders_user", "orders", {"user_id"}, "users", {"user_id"}},
                             {"carts_user", "carts", {"user_id"}, "users", {"user_id"}},
                             {"carts_next", "carts", {"user_id", "next"}, "carts", {"user_id", "no"}, 'r'}};
    }
    [[nodiscard]] std::string first() const {
        const auto findings = plan_erasure(topology, live).findings;
        return findings.empty() ? "" : findings.front().what;
    }
    void key(ForeignKey one) { live.foreign_keys.push_back(std::move(one)); }
};

TEST(ErasurePlan, SaysWhatIsDone) {
    const World world;
    const auto [plan, findings] = plan_erasure(world.topology, world.live);
    ASSERT_TRUE(findings.empty()) << findings.front().what;
    ASSERT_EQ(plan.steps.size(), 2U);
    EXPECT_EQ(plan.steps[0].table, "users");
    EXPECT_EQ(plan.steps[0].how[0], "set to null");
    EXPECT_TRUE(plan.steps[1].rows_go);
    EXPECT_EQ(plan.stays, std::vector<std::string>{"orders"});
    EXPECT_NE(
        plan.overwrite_sql.find("UPDATE public.\"users\" SET \"name\" = NULL WHERE \"user_id\" = $1::bigint"),
        std::string::npos)
        << plan.overwrite_sql;
    EXPECT_NE(plan.remove_sql.find("DELETE FROM public.\"carts\""), std::string::npos);
}

TEST(ErasurePlan, RefusesWhatWouldBeHalf) {
    struct Case {
        const char* what;
        void (*change)(World&);
        const char* said;
    };
    for (const auto& [what, change, said] : std::initializer_list<Case>{
             {"kept rows point at rows that go",
              [](World& w) { w.key({"k", "orders", {"user_id", "cart"}, "carts", {"user_id", "no"}, 'r'}); },
              "forbid it"},
             {"… without a word",
              [](World& w) { w.key({"k", "orders", {"user_id", "cart"}, "carts", {"user_id", "no"}, 'a'}); },
              "forbid it"},
             {"kept rows would go with them",
              [](World& w) { w.key({"k", "orders", {"user_id", "cart"}, "carts", {"user_id", "no"}, 'c'}); },
              "are to stay"},
             {"they would lose their key",
              [](World& w) { w.key({"k", "orders", {"user_id", "cart"}, "carts", {"user_id", "no"}, 'n'}); },
              "would lose user_id"},
             {"SET NULL of the other column",
              [](World& w) {
                  w.key({"k", "orders", {"user_id", "cart"}, "carts", {"user_id", "no"}, 'n', 'a', {"cart"}});
              },
              ""},
             {"SET NULL of what is never null",
              [](World& w) { w.key({"k", "orders", {"no"}, "carts", {"no"}, 'n'}); }, "would lose no"},
             {"other people's rows point at them",
              [](World& w) { w.key({"k", "carts", {"next"}, "carts", {"no"}, 'r'}); }, "forbid it"},
             {"a table that nobody declares",
              [](World& w) { w.key({"k", "notes", {"who"}, "users", {"user_id"}}); }, "is declared nowhere"},
             {"a second column with a person's id",
              [](World& w) {
                  w.live.tables[1].columns.push_back({"referrer", "bigint"});
                  w.key({"k", "orders", {"referrer"}, "users", {"user_id"}});
              },
              "holds the id of a person"},
             {"… which has a rule",
              [](World& w) {
                  w.live.tables[1].columns.push_back({"referrer", "bigint"});
                  w.topology.tables[1].personal = {{"referrer", Erasure::set_null}};
                  w.key({"k", "orders", {"referrer"}, "users", {"user_id"}});
              },
              ""},
             {"null where it may not be", [](World& w) { w.live.tables[0].columns[1].nullable = false; },
              "cannot be carried out"},
             {"a token that does not fit",
              [](World& w) {
                  w.topology.tables[0].personal = {{"name", Erasure::tokenise}};
                  w.live.tables[0].columns[1] = {"name", "character varying", true, 20};
              },
              "cannot be carried out"},
             {"a hash of a number",
              [](World& w) {
                  w.topology.tables[0].personal = {{"name", Erasure::keyed_hash}};
                  w.live.tables[0].columns[1].type = "integer";
              },
              "cannot be carried out"},
             {"the year of a text",
              [](World& w) { w.topology.tables[0].personal = {{"name", Erasure::generalise, "year"}}; },
              "cannot be carried out"},
             {"a generated column", [](World& w) { w.live.tables[0].columns[1].generated = true; },
              "which is generated"},
             {"a foreign key on the value",
              [](World& w) {
                  w.topology.tables[0].personal = {{"name", Erasure::tokenise}};
                  w.key({"k", "orders", {"cart"}, "users", {"name"}});
              },
              "part of the foreign key"},
             {"a column that is not there",
              [](World& w) { w.topology.tables[0].personal.push_back({"email", Erasure::set_null}); },
              "is not there"},
             {"a table that is not there",
              [](World& w) { w.topology.tables.push_back(people("gone", {{"x", Erasure::set_null}})); },
              "is not there"},
             {"a materialized view", [](World& w) { w.live.copies = {"public.totals"}; },
              "materialized view"},
         }) {
        World world;
        change(world);
        if (*said == '\0') {
            EXPECT_EQ(world.first(), "") << what;
        } else {
            EXPECT_NE(world.first().find(said), std::string::npos) << what << ": " << world.first();
        }
    }
}

}  // namespace
}  // namespace domicile::privacy
