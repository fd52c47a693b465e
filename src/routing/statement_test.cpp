#include "routing/statement.hpp"

#include <gtest/gtest.h>

namespace domicile::routing {
namespace {

using base::Code;
using sql::KeyNode;
using sql::Operand;
using topology::TableKind;

/// Operand n of source parameter is the n-th number here.
class Numbers final : public Constants {
  public:
    explicit Numbers(std::vector<std::int64_t> numbers) : numbers_(std::move(numbers)) {}
    Constant at(const Operand& operand) const override {
        return operand.source == Operand::Source::null ? Constant{Constant::Kind::null, 0}
               : operand.index <= numbers_.size() ? Constant{Constant::Kind::id, numbers_[operand.index - 1U]}
                                                  : Constant{};
    }
    bool array(const Operand& /*operand*/, std::vector<std::int64_t>& ids) const override {
        ids = numbers_;
        return true;
    }

  private:
    std::vector<std::int64_t> numbers_;
};

Operand parameter(std::uint16_t index) {
    return {Operand::Source::parameter, false, index};
}
KeyNode compare(KeyNode::Op op, std::uint16_t index) {
    return {op, {parameter(index)}, {}};
}

/// eu: eu-1 [0, 100), eu-2 [100, 200); uk: uk-1 [500, 600).
topology::Topology world() {
    topology::Topology made;
    made.jurisdictions.resize(2);
    made.jurisdictions[0].name = "eu";
    made.jurisdictions[1].name = "uk";
    for (std::uint16_t i = 0; i < 3; ++i) {
        topology::Shard shard;
        shard.name = "s" + std::to_string(i);
        shard.jurisdiction = base::JurisdictionIndex{static_cast<std::uint16_t>(i / 2)};
        const std::int64_t from = i == 2 ? 500 : i * 100;
        shard.ranges = {{from, from + 100}};
        made.shards.push_back(shard);
    }
    topology::Table users;
    users.name = "users";
    users.key = "user_id";
    topology::Table countries;
    countries.name = "countries";
    countries.kind = TableKind::reference;
    topology::Table settings;
    settings.name = "settings";
    settings.kind = TableKind::single;
    settings.shard = base::ShardIndex{1};
    made.tables = {users, countries, settings};
    return made;
}

class AdmitStatement : public testing::Test {
  protected:
    std::expected<Route, Refusal> admit_it(const sql::Facts& facts, std::vector<std::int64_t> numbers = {}) {
        return admit(facts, Numbers(std::move(numbers)), session_, Principal{base::JurisdictionIndex{0}},
                     Place{world_, map_, base::JurisdictionIndex{0}});
    }
    /// "eu-1+eu-2"-like text of the shards, or the rule of the refusal.
    std::string routed(const sql::Facts& facts, std::vector<std::int64_t> numbers = {}) {
        const auto route = admit_it(facts, std::move(numbers));
        if (!route) {
            return route.error().error.rule;
        }
        std::string text = world_.at(route->plan.shard()).name;
        for (const auto& plan : route->more) {
            text += "+" + world_.at(plan.shard()).name;
        }
        return route->kind == Route::Kind::any ? "any" : text;
    }
    sql::Facts on_users(sql::KeyTree tree, sql::Verb verb = sql::Verb::select) {
        sql::Facts facts;
        facts.kind = verb == sql::Verb::select ? sql::Kind::read : sql::Kind::write;
        facts.reader_may_serve = verb == sql::Verb::select;
        facts.writes = verb != sql::Verb::select;
        facts.tables = {{&world_.tables[0], {}, "users", verb, false}};
        facts.groups = {{{0}, std::move(tree)}};
        return facts;
    }
    topology::Topology world_ = world();
    topology::RangeMap map_ = topology::RangeMap::of(world_);
    Session session_;
};

TEST_F(AdmitStatement, FindsTheExactShards) {
    using Op = KeyNode::Op;
    EXPECT_EQ(routed(on_users({compare(Op::equal, 1)}), {5}), "s0");
    EXPECT_EQ(routed(on_users({compare(Op::equal, 1)}), {105}), "s1");
    EXPECT_EQ(routed(on_users({compare(Op::greater_equal, 1)}), {100}), "s1") << "SPQR reads >= as =";
    EXPECT_EQ(routed(on_users({compare(Op::greater_equal, 1)}), {99}), "s0+s1");
    EXPECT_EQ(routed(on_users({compare(Op::less, 1)}), {100}), "s0");
    EXPECT_EQ(routed(on_users({compare(Op::less_equal, 1)}), {100}), "s0+s1");
    EXPECT_EQ(routed(on_users({{Op::in, {parameter(1), parameter(2)}, {}}}), {1, 150}), "s0+s1");
    EXPECT_EQ(routed(on_users({{Op::in, {parameter(1), parameter(2)}, {}}}), {1, 2}), "s0");
    EXPECT_EQ(routed(on_users({{Op::any_of_array, {parameter(1)}, {}}}), {150, 151}), "s1");
    EXPECT_EQ(
        routed(on_users({compare(Op::greater_equal, 1), compare(Op::less_equal, 2), {Op::both, {}, {0, 1}}}),
               {10, 20}),
        "s0");
    EXPECT_EQ(
        routed(on_users({compare(Op::equal, 1), compare(Op::equal, 2), {Op::either, {}, {0, 1}}}), {1, 199}),
        "s0+s1");
    EXPECT_EQ(routed(on_users({compare(Op::less, 1), {Op::negated, {}, {0}}}), {100}), "s1");
    EXPECT_EQ(routed(on_users({{Op::anything, {}, {}}, {Op::negated, {}, {0}}})), "s0+s1");
    EXPECT_EQ(routed(on_users({{Op::equal, {Operand{}}, {}}})), "s0")
        << "= NULL: no row, and any shard says so";
    EXPECT_EQ(routed(on_users({})), "s0+s1");
}

TEST_F(AdmitStatement, RefusesWhatIsAbroadOrNowhere) {
    using Op = KeyNode::Op;
    EXPECT_EQ(routed(on_users({compare(Op::equal, 1)}), {555}), "residency/home-by-id");
    EXPECT_EQ(routed(on_users({compare(Op::equal, 1)}), {300}), "ranges/outside") << "PgDog asks every shard";
    EXPECT_EQ(routed(on_users({{Op::in, {parameter(1), parameter(2)}, {}}}), {1, 555}),
              "residency/home-by-id");
    EXPECT_EQ(routed(on_users({{Op::in, {parameter(1), parameter(2)}, {}}}), {1, 300}), "ranges/outside");
    EXPECT_EQ(routed(on_users({compare(Op::greater_equal, 1)}), {500}), "residency/home-by-id");
    EXPECT_EQ(routed(on_users({compare(Op::greater_equal, 1)}), {700}), "ranges/outside");
    EXPECT_EQ(
        routed(on_users({compare(Op::greater_equal, 1), compare(Op::less_equal, 2), {Op::both, {}, {0, 1}}}),
               {50, 550}),
        "residency/home-by-id")
        << "named from both sides";
    const auto refused = admit_it(on_users({compare(Op::equal, 1)}), {555});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().home, base::JurisdictionIndex{1});
    EXPECT_EQ(refused.error().error.code, Code::foreign_home);
}

TEST_F(AdmitStatement, NeverBroadcastsAWrite) {
    using Op = KeyNode::Op;
    EXPECT_EQ(routed(on_users({}, sql::Verb::update)), "routing/broadcast-write");
    EXPECT_EQ(routed(on_users({{Op::anything, {}, {}}}, sql::Verb::remove)), "routing/broadcast-write");
    EXPECT_EQ(routed(on_users({compare(Op::less, 1)}, sql::Verb::update), {150}), "s0+s1");
    session_.user = base::UserId{150};
    EXPECT_EQ(routed(on_users({}, sql::Verb::update)), "s1");
    session_.user.reset();
    auto facts = on_users({compare(Op::equal, 1)}, sql::Verb::update);
    facts.updates_key = true;
    EXPECT_EQ(routed(facts, {1}), "routing/key-update");
}

TEST_F(AdmitStatement, PutsEachNewRowWhereItLives) {
    auto facts = on_users({}, sql::Verb::insert);
    facts.insert_values = true;
    facts.inserted_keys = {parameter(1), parameter(2)};
    EXPECT_EQ(routed(facts, {1, 2}), "s0");
    EXPECT_EQ(routed(facts, {1, 102}), "s0+s1");
    EXPECT_EQ(routed(facts, {1, 502}), "residency/home-by-id");
    EXPECT_EQ(routed(facts, {1}), "routing/key-missing");
    facts.key_missing = true;
    EXPECT_EQ(routed(facts, {1, 2}), "routing/key-missing");
}

TEST_F(AdmitStatement, RoutesOtherTablesAndNoTable) {
    sql::Facts facts;
    facts.kind = sql::Kind::read;
    EXPECT_EQ(routed(facts), "any");
    facts.opaque = true;
    facts.opaque_name = "f";
    EXPECT_EQ(routed(facts), "routing/opaque-function");
    facts.opaque = false;
    facts.tables = {{nullptr, {}, "strange", sql::Verb::select, false}};
    EXPECT_EQ(routed(facts), "routing/unknown-table");
    facts.tables = {{nullptr, {}, "pg_class", sql::Verb::select, true}};
    EXPECT_EQ(routed(facts), "any");
    facts.tables = {{&world_.tables[1], {}, "countries", sql::Verb::select, false}};
    EXPECT_EQ(routed(facts), "any");
    facts.tables[0].verb = sql::Verb::update;
    facts.writes = true;
    EXPECT_EQ(routed(facts), "s0+s1");
    facts.tables = {{&world_.tables[2], {}, "settings", sql::Verb::update, false}};
    EXPECT_EQ(routed(facts), "s1");
}

TEST_F(AdmitStatement, JoinsOnlyWhatLiesTogether) {
    using Op = KeyNode::Op;
    auto facts = on_users({compare(Op::equal, 1)});
    facts.tables.push_back(facts.tables[0]);
    facts.groups.push_back({{1}, {compare(Op::equal, 2)}});
    EXPECT_EQ(routed(facts, {1, 2}), "s0");
    EXPECT_EQ(routed(facts, {1, 150}), "routing/not-joined-by-key");
    facts.groups[1].predicate.clear();
    EXPECT_EQ(routed(facts, {1}), "routing/not-joined-by-key");
    facts.groups.resize(1);
    facts.groups[0].tables = {0, 1};
    EXPECT_EQ(routed(facts, {1}), "s0");
}

TEST_F(AdmitStatement, LetsReadersServePlainReadsOnly) {
    using Op = KeyNode::Op;
    EXPECT_EQ(admit_it(on_users({compare(Op::equal, 1)}), {1})->plan.access(), Access::reader);
    EXPECT_EQ(admit_it(on_users({compare(Op::equal, 1)}, sql::Verb::update), {1})->plan.access(),
              Access::writer);
    session_.only_writer = true;
    EXPECT_EQ(admit_it(on_users({compare(Op::equal, 1)}), {1})->plan.access(), Access::writer);
}

}  // namespace
}  // namespace domicile::routing
