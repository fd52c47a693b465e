#include "routing/statement.hpp"

#include "base/assert.hpp"
#include "routing/authority.hpp"

#include <algorithm>

namespace domicile::routing {
namespace {

using base::Code;
using sql::KeyNode;
using topology::TableKind;

/// What is known of the ids: the set, and whether nothing but the set satisfies the predicate.
struct Known {
    KeySet ids = KeySet::all();
    bool exact = false;
};

KeySet compare(KeyNode::Op op, const Constant& constant, bool& exact) {
    exact = true;
    const bool low = constant.kind == Constant::Kind::too_low;
    const bool high = constant.kind == Constant::Kind::too_high;
    if (constant.kind == Constant::Kind::null) {
        return {};  // a comparison with NULL is true for no row, and so is its negation: see evaluate_node
    }
    if (constant.kind == Constant::Kind::unknown) {
        exact = false;
        return KeySet::all();
    }
    switch (op) {
        case KeyNode::Op::equal: return low || high ? KeySet() : KeySet::one(constant.id);
        case KeyNode::Op::less: return low ? KeySet() : high ? KeySet::all() : KeySet::below(constant.id);
        case KeyNode::Op::less_equal:
            return low ? KeySet() : high ? KeySet::all() : KeySet::between(KeySet::lowest, constant.id);
        case KeyNode::Op::greater: return high ? KeySet() : low ? KeySet::all() : KeySet::above(constant.id);
        case KeyNode::Op::greater_equal:
            return high ? KeySet() : low ? KeySet::all() : KeySet::between(constant.id, KeySet::highest);
        default: break;
    }
    exact = false;
    return KeySet::all();
}

Known evaluate_node(const sql::KeyTree& tree, std::size_t index, const Constants& constants) {
    const KeyNode& node = tree[index];
    switch (node.op) {
        case KeyNode::Op::anything: return {};
        case KeyNode::Op::nothing: return {KeySet(), true};
        case KeyNode::Op::everything: return {KeySet::all(), true};
        case KeyNode::Op::equal:
        case KeyNode::Op::less:
        case KeyNode::Op::less_equal:
        case KeyNode::Op::greater:
        case KeyNode::Op::greater_equal: {
            Known known;
            const Constant constant = constants.at(node.operands.front());
            known.ids = compare(node.op, constant, known.exact);
            // NOT (key = NULL) is NULL, not true: its complement would be right, too, only larger.
            known.exact = known.exact && constant.kind != Constant::Kind::null;
            return known;
        }
        case KeyNode::Op::in: {
            std::vector<std::int64_t> ids;
            bool exact = true;
            for (const auto& operand : node.operands) {
                const Constant constant = constants.at(operand);
                if (constant.kind == Constant::Kind::unknown) {
                    return {};
                }
                exact = exact && constant.kind != Constant::Kind::null;
                if (constant.kind == Constant::Kind::id) {
                    ids.push_back(constant.id);
                }
            }
            return {KeySet::of(std::move(ids)), exact};
        }
        case KeyNode::Op::any_of_array: {
            std::vector<std::int64_t> ids;
            if (!constants.array(node.operands.front(), ids)) {
                return {};
            }
            return {KeySet::of(std::move(ids)), false};  // a NULL may have been in it
        }
        case KeyNode::Op::both: {
            Known known{KeySet::all(), true};
            for (const auto child : node.children) {
                const Known one = evaluate_node(tree, child, constants);
                known.ids = known.ids & one.ids;
                known.exact = known.exact && one.exact;
            }
            return known;
        }
        case KeyNode::Op::either: {
            Known known{KeySet(), true};
            for (const auto child : node.children) {
                const Known one = evaluate_node(tree, child, constants);
                known.ids = known.ids | one.ids;
                known.exact = known.exact && one.exact;
            }
            return known;
        }
        case KeyNode::Op::negated: {
            const Known one = evaluate_node(tree, node.children.front(), constants);
            return one.exact ? Known{~one.ids, true} : Known{};
        }
    }
    return {};
}

using Outcome = std::expected<void, Refusal>;

/// The shards of a route, each once, in the order they were found.
class Shards {
  public:
    void add(ShardIndex shard) {
        if (std::ranges::find(found_, shard) == found_.end()) {
            found_.push_back(shard);
        }
    }
    [[nodiscard]] std::span<const ShardIndex> all() const noexcept { return found_; }

  private:
    std::vector<ShardIndex> found_;
};

Outcome place_id(std::int64_t id, const Place& place, Shards& shards) {
    const auto shard = place.map.find(UserId{id});
    if (!shard) {
        return refuse(Code::no_range, rules::outside_ranges,
                      "A user id of the statement lies in no range of any jurisdiction.");
    }
    const auto home = place.topology.at(*shard).jurisdiction;
    if (home != place.gateway) {
        return refuse_foreign(Code::foreign_home, rules::home_by_id, place, home);
    }
    shards.add(*shard);
    return {};
}

void add_own(const Place& place, Shards& shards) {
    for (const auto& entry : place.map.entries()) {
        if (place.topology.at(entry.shard).jurisdiction == place.gateway) {
            shards.add(entry.shard);
        }
    }
}

/// Every id that is named must be at home here. An open end ("user_id >= 20000") names nobody abroad: it
/// means the rows this jurisdiction has.
Outcome place_set(const KeySet& ids, const Place& place, Shards& shards) {
    const auto intervals = ids.intervals();
    if (intervals.empty()) {
        Shards own;  // satisfied by no row: any one shard says so
        add_own(place, own);
        shards.add(own.all().front());
        return {};
    }
    const bool open = intervals.front().first == KeySet::lowest || intervals.back().last == KeySet::highest;
    std::optional<JurisdictionIndex> abroad;
    bool found = false;
    for (const auto& interval : intervals) {
        if (interval.first == interval.last) {
            if (auto placed = place_id(interval.first, place, shards); !placed) {
                return placed;
            }
            found = true;
            continue;
        }
        for (const auto& entry : place.map.entries()) {
            if (entry.to <= interval.first || entry.from > interval.last) {
                continue;
            }
            const auto home = place.topology.at(entry.shard).jurisdiction;
            if (home == place.gateway) {
                shards.add(entry.shard);
                found = true;
            } else {
                abroad = home;
            }
        }
    }
    if (abroad && (!open || !found)) {
        return refuse_foreign(Code::foreign_home, rules::home_by_id, place, *abroad);
    }
    if (!found) {
        return refuse(Code::no_range, rules::outside_ranges,
                      "The user ids of the statement lie in no range of any jurisdiction.");
    }
    return {};
}

Access access_of(const sql::Facts& facts, const Session& session) {
    return facts.reader_may_serve && !facts.writes && !session.only_writer ? Access::reader : Access::writer;
}

Route route_to(std::span<const ShardIndex> shards, Route::Kind kind, const sql::Facts& facts,
               const Session& session, const Place& place) {
    const Access access = access_of(facts, session);
    const auto plan = [&](ShardIndex shard) {
        return Authority::make(shard, place.gateway, access, place.map.epoch());
    };
    Route route{kind, plan(shards.front()), {}};
    for (const auto shard : shards.subspan(1)) {
        route.more.push_back(plan(shard));
    }
    return route;
}

Route one(ShardIndex shard, const sql::Facts& facts, const Session& session, const Place& place) {
    const std::array<ShardIndex, 1> shards = {shard};
    return route_to(shards, Route::Kind::one, facts, session, place);
}

Route any(const sql::Facts& facts, const Session& session, const Place& place) {
    Shards own;
    add_own(place, own);
    for (std::uint16_t i = 0; own.all().empty() && i < place.topology.shards.size(); ++i) {
        if (place.topology.shards[i].jurisdiction == place.gateway) {
            own.add(ShardIndex{i});
        }
    }
    DOMICILE_ASSERT(!own.all().empty());
    const std::array<ShardIndex, 1> shards = {own.all()[session.sticky % own.all().size()]};
    return route_to(shards, Route::Kind::any, facts, session, place);
}

/// The shards one group of joined tables needs.
Outcome place_group(const sql::Facts& facts, const sql::KeyGroup& group, const Constants& constants,
                    const Session& session, const Place& place, Shards& shards, bool& bounded) {
    const bool inserts = std::ranges::any_of(
        group.tables, [&](std::uint16_t use) { return facts.tables[use].verb == sql::Verb::insert; });
    if (inserts && facts.insert_values) {
        bounded = true;
        for (const auto& operand : facts.inserted_keys) {
            const Constant key = constants.at(operand);
            if (key.kind != Constant::Kind::id) {
                return refuse(Code::cannot_route, rules::key_missing,
                              "The user id of a new row is not a plain integer.",
                              "Give the user id as a number or a parameter.");
            }
            if (auto placed = place_id(key.id, place, shards); !placed) {
                return placed;
            }
        }
        return {};
    }
    const KeySet ids = group.predicate.empty() ? KeySet::all() : evaluate(group.predicate, constants);
    bounded = !(ids == KeySet::all());
    if (!bounded && session.user) {
        bounded = true;
        return place_id(session.user->value, place, shards);
    }
    if (!bounded) {
        add_own(place, shards);
        return {};
    }
    return place_set(ids, place, shards);
}

}  // namespace

Plan for_writer(const Plan& plan) {
    return Authority::make(plan.shard(), plan.jurisdiction(), Access::writer, plan.epoch());
}

KeySet evaluate(const sql::KeyTree& tree, const Constants& constants) {
    return tree.empty() ? KeySet::all() : evaluate_node(tree, tree.size() - 1, constants).ids;
}

bool only_about(const sql::Facts& facts, const Constants& constants, UserId user) {
    if (facts.groups.empty() || facts.opaque || facts.key_missing || facts.updates_key) {
        return false;
    }
    const KeySet alone = KeySet::one(user.value);
    for (const auto& operand : facts.inserted_keys) {
        const Constant key = constants.at(operand);
        if (key.kind != Constant::Kind::id || key.id != user.value) {
            return false;
        }
    }
    return std::ranges::all_of(facts.groups,
                               [&](const sql::KeyGroup& group) {
                                   const bool inserts =
                                       facts.insert_values &&
                                       std::ranges::any_of(group.tables, [&](std::uint16_t use) {
                                           return facts.tables[use].verb == sql::Verb::insert;
                                       });
                                   return inserts || evaluate(group.predicate, constants) == alone;
                               }) &&
           std::ranges::all_of(facts.tables, [](const sql::TableUse& use) {
               return use.table != nullptr &&
                      (use.table->kind == TableKind::sharded || use.table->kind == TableKind::reference);
           });
}

std::expected<Route, Refusal> admit(const sql::Facts& facts, const Constants& constants,
                                    const Session& session, const Principal& principal, const Place& place) {
    if (principal.jurisdiction != place.gateway && !principal.by_transfer) {
        return refuse(Code::not_permitted, rules::principal_abroad,
                      "The principal belongs to another jurisdiction than this gateway.");
    }
    if (facts.kind == sql::Kind::refused) {
        return refuse(Code::cannot_route, rules::not_supported, facts.refusal, facts.refusal_hint);
    }
    // The commonest shape first: one table, one id.
    if (facts.groups.size() == 1 && facts.tables.size() == 1 && facts.groups[0].predicate.size() == 1 &&
        facts.groups[0].predicate[0].op == KeyNode::Op::equal && !facts.insert_values && !facts.updates_key &&
        !facts.opaque) {
        const Constant id = constants.at(facts.groups[0].predicate[0].operands[0]);
        if (id.kind == Constant::Kind::id) {
            const auto shard = place.map.find(UserId{id.id});
            if (shard && place.topology.at(*shard).jurisdiction == place.gateway) {
                return one(*shard, facts, session, place);
            }
        }
    }
    if (facts.updates_key) {
        return refuse(Code::cannot_route, rules::key_update, "The user id of a row cannot be updated.",
                      "Insert the row under the new id and delete the old one.");
    }
    Shards shards;
    bool any_reference_write = false;
    bool any_sharded_write = false;
    bool any_bounded = true;
    for (const auto& use : facts.tables) {
        const bool changes = use.verb != sql::Verb::select;
        if (use.table == nullptr) {
            if (use.catalog) {
                continue;
            }
            return refuse(Code::unknown_table, rules::unknown_table,
                          "The topology does not name the table " + use.name + ".",
                          "Add it to [tables] in domicile.toml, with its key or as reference.");
        }
        if (use.table->kind == TableKind::single) {
            const auto shard = *use.table->shard;
            if (place.topology.at(shard).jurisdiction != place.gateway) {
                return refuse(Code::not_permitted, rules::shard_abroad,
                              "The table " + use.name + " lives in another jurisdiction.", {},
                              place.topology.at(shard).jurisdiction);
            }
            shards.add(shard);
        } else if (use.table->kind == TableKind::reference) {
            any_reference_write = any_reference_write || changes;
        } else {
            any_sharded_write = any_sharded_write || changes;
        }
    }
    const bool single = !shards.all().empty();
    if (facts.key_missing && !facts.groups.empty()) {
        return refuse(Code::cannot_route, rules::key_missing,
                      "The INSERT does not give the user id of its rows as a constant.",
                      "Name the columns, and give the key as a number or a parameter.");
    }
    for (const auto& group : facts.groups) {
        Shards of_group;
        bool bounded = true;
        if (auto placed = place_group(facts, group, constants, session, place, of_group, bounded); !placed) {
            return std::unexpected(placed.error());
        }
        any_bounded = any_bounded && bounded;
        // Tables that nothing joins by key may stand in one statement only where all lie on one shard.
        if ((single || facts.groups.size() > 1) && of_group.all().size() > 1) {
            return refuse(
                Code::cannot_route, rules::not_joined,
                "The statement reads several shards of tables that it does not join by the user id.",
                "Join them on the user id, or name one user for each.");
        }
        for (const auto shard : of_group.all()) {
            shards.add(shard);
        }
    }
    if ((single || facts.groups.size() > 1) && shards.all().size() > 1) {
        return refuse(Code::cannot_route, rules::not_joined,
                      "The tables of the statement lie on different shards.",
                      "Read them in two statements, or join them on the user id.");
    }
    const bool defines = facts.kind == sql::Kind::ddl || facts.kind == sql::Kind::truncate ||
                         facts.kind == sql::Kind::maintenance;
    if (any_sharded_write && !any_bounded && !defines && facts.kind != sql::Kind::copy_in &&
        shards.all().size() > 1) {
        return refuse(Code::cannot_route, rules::broadcast_write,
                      "The write does not say whose rows it changes.",
                      "Bound the user id in WHERE, or SET domicile.user_id.");
    }
    if (facts.opaque) {
        if (shards.all().empty() && session.user) {
            if (auto placed = place_id(session.user->value, place, shards); !placed) {
                return std::unexpected(placed.error());
            }
        }
        if (shards.all().empty()) {
            // A jurisdiction of one shard: whatever it reads is there.
            Shards own;
            add_own(place, own);
            if (own.all().size() == 1) {
                shards.add(own.all().front());
            }
        }
        if (shards.all().size() != 1) {
            return refuse(Code::cannot_route, rules::opaque_function,
                          "The function " + facts.opaque_name + " may read any table.",
                          "Say on which shard it shall run: SET domicile.user_id.");
        }
    }
    if (shards.all().empty() && (any_reference_write || (defines && !(facts.pins & 1U)))) {
        add_own(place, shards);
        if (shards.all().size() > 1) {
            return route_to(shards.all(), Route::Kind::several, facts, session, place);
        }
    } else if (any_reference_write && shards.all().size() == 1) {
        Shards own;
        add_own(place, own);
        if (own.all().size() > 1) {
            return refuse(
                Code::cannot_route, rules::several_shards,
                "A reference table is written on every shard, and the statement reads one shard's rows.",
                "Write the reference table in a statement of its own.");
        }
    }
    if (shards.all().empty()) {
        if (session.user) {
            if (auto placed = place_id(session.user->value, place, shards); !placed) {
                return std::unexpected(placed.error());
            }
            return one(shards.all().front(), facts, session, place);
        }
        return any(facts, session, place);
    }
    return route_to(shards.all(), shards.all().size() == 1 ? Route::Kind::one : Route::Kind::several, facts,
                    session, place);
}

}  // namespace domicile::routing
