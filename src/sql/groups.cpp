// The end of the walk: classes of equal keys become groups, with the predicates that hold for all of each.

#include "base/limits.hpp"
#include "sql/walker.hpp"

#include <algorithm>
#include <map>

namespace domicile::sql {
namespace {

using Op = KeyNode::Op;

std::uint16_t push(KeyTree& tree, KeyNode node) {
    tree.push_back(std::move(node));
    return static_cast<std::uint16_t>(tree.size() - 1);
}

}  // namespace

/// The term as far as it is about the keys of the class `root`, appended to `tree`. The index there, or
/// no_use if it says nothing.
std::uint32_t Walker::project(std::uint32_t term, std::uint32_t root, KeyTree& tree, std::size_t depth) {
    spend(1);
    const Term& from = terms_[term];
    if (term == anything || failed() || depth > base::limits::sql_depth_max ||
        tree.size() >= base::limits::sql_key_nodes_max) {
        return no_use;
    }
    switch (from.op) {
        case Op::nothing:
        case Op::everything: return push(tree, {from.op, {}, {}});
        case Op::both:
        case Op::either: {
            const std::size_t size = tree.size();
            KeyNode node{from.op, {}, {}};
            for (const std::uint32_t child : from.children) {
                const std::uint32_t index = project(child, root, tree, depth + 1);
                if (index != no_use) {
                    node.children.push_back(static_cast<std::uint16_t>(index));
                } else if (from.op == Op::either) {
                    tree.resize(size);
                    return no_use;
                }
            }
            if (node.children.size() == 1) {
                return node.children.front();
            }
            if (node.children.empty() || tree.size() >= base::limits::sql_key_nodes_max) {
                tree.resize(size);
                return no_use;
            }
            return push(tree, std::move(node));
        }
        case Op::negated: {
            const std::uint32_t index = project(from.children.front(), root, tree, depth + 1);
            if (index == no_use) {
                return no_use;
            }
            return push(tree, {Op::negated, {}, {static_cast<std::uint16_t>(index)}});
        }
        default:
            if (from.use == no_use || classes_.root(from.use) != root) {
                return no_use;
            }
            spend(from.operands.size());
            return push(tree, {from.op, from.operands, {}});
    }
}

/// REQUIRES: `root` is the root of its class.
KeyTree Walker::predicate_of(std::uint32_t root) {
    KeyTree tree;
    KeyNode all{Op::both, {}, {}};
    const Span extent = classes_.extent(root);
    for (const Predicate& predicate : predicates_) {
        const Span& region = regions_[predicate.region].uses;
        spend(1);
        if (extent.first < region.first || extent.last > region.last) {
            continue;
        }
        const std::uint32_t index = project(predicate.root, root, tree, 0);
        if (index != no_use) {
            all.children.push_back(static_cast<std::uint16_t>(index));
        }
    }
    if (all.children.size() > 1) {
        tree.push_back(std::move(all));
    }
    return tree;
}

void Walker::make_groups() {
    // From the inner regions, which come later, to the outer ones.
    for (Region& region : regions_) {
        const Region* top = &region;
        while (top->lifts_to) {
            top = &regions_[*top->lifts_to];
            spend(1);
        }
        if (region.lifts_to) {
            region.uses = top->uses;
        }
    }
    std::map<std::uint32_t, KeyGroup> groups;
    for (std::uint32_t use = 0; use < classes_.size(); ++use) {
        if (sharded(use)) {
            groups[one_group_ ? 0 : classes_.root(use)].tables.push_back(static_cast<std::uint16_t>(use));
        }
    }
    for (auto& [root, group] : groups) {
        if (failed()) {
            return;
        }
        if (!one_group_) {
            group.predicate = predicate_of(root);
        }
        facts_.groups.push_back(std::move(group));
    }
    facts_.concatenates = facts_.concatenates && facts_.groups.size() == 1;
    // Rows of one INSERT have their keys in `inserted_keys`; another INSERT beside it must have, too.
    if (facts_.insert_values && inserts_of_rows_ != inserts_) {
        facts_.key_missing = true;
    }
}

}  // namespace domicile::sql
