// Random predicates over the key: what their trees leave possible against the truth, id by id.

#include "sql/facts_text.hpp"

#include <bitset>
#include <optional>
#include <random>

namespace domicile::sql {
namespace {

using testing::one;
using testing::shop;

constexpr int ids = 51;
using Ids = std::bitset<ids>;

/// A predicate as text and as SQL's three values for each id: `yes`, `no`, otherwise unknown.
struct Predicate {
    std::string text;
    Ids yes;
    Ids no;
    bool on_key = true;  ///< says nothing but of the key and constants
};

class Inventor {
  public:
    explicit Inventor(std::uint64_t seed) : random_(seed) {}

    Predicate predicate(int depth) {
        switch (depth == 0 ? 2 + pick(9) : pick(11)) {
            case 0: return join(depth, true);
            case 1: return join(depth, false);
            case 2: return negated(depth);
            case 3: return in();
            case 4: return between();
            case 5: return array();
            case 6: return word();
            case 7: return other();
            default: return comparison();
        }
    }

  private:
    int pick(int below) { return static_cast<int>(random_() % static_cast<std::uint64_t>(below)); }
    /// A constant, maybe NULL, between -5 and 55.
    std::pair<std::string, std::optional<int>> constant() {
        const int number = pick(61) - 5;
        switch (pick(12)) {
            case 0: return {"NULL", std::nullopt};
            case 1: return {"'" + std::to_string(number) + "'", number};
            case 2: return {std::to_string(number) + "::bigint", number};
            case 3: return {"CAST('" + std::to_string(number) + "' AS int)", number};
            default: return {std::to_string(number), number};
        }
    }
    template <class Test>
    static Predicate of(std::string text, Test test) {
        Predicate made{std::move(text), {}, {}, true};
        for (int id = 0; id < ids; ++id) {
            const std::optional<bool> value = test(id);
            made.yes[static_cast<std::size_t>(id)] = value == true;
            made.no[static_cast<std::size_t>(id)] = value == false;
        }
        return made;
    }

    Predicate comparison() {
        constexpr std::string_view names[] = {"=", "<", "<=", ">", ">=", "<>", "!="};
        const int op = pick(7);
        const auto [text, value] = constant();
        const bool flipped = pick(3) == 0;
        const std::string sides = flipped ? text + " " + std::string(names[op]) + " user_id"
                                          : "user_id " + std::string(names[op]) + " " + text;
        return of(sides, [&](int id) -> std::optional<bool> {
            if (!value) {
                return std::nullopt;
            }
            const int left = flipped ? *value : id;
            const int right = flipped ? id : *value;
            switch (op) {
                case 0: return left == right;
                case 1: return left < right;
                case 2: return left <= right;
                case 3: return left > right;
                case 4: return left >= right;
                default: return left != right;
            }
        });
    }
    Predicate in() {
        std::string text;
        std::vector<std::optional<int>> values;
        for (int i = 1 + pick(4); i > 0; --i) {
            const auto [one_text, value] = constant();
            text += (text.empty() ? "" : ", ") + one_text;
            values.push_back(value);
        }
        const bool no = pick(2) == 0;
        const bool any = pick(3) == 0;
        const std::string list = any ? (no ? " <> ALL (ARRAY[" : " = ANY (ARRAY[") + text + "])"
                                     : (no ? " NOT IN (" : " IN (") + text + ")";
        return of("user_id" + list, [&](int id) -> std::optional<bool> {
            bool null = false;
            for (const auto& value : values) {
                null = null || !value;
                if (value == id) {
                    return !no;
                }
            }
            return null ? std::nullopt : std::optional(no);
        });
    }
    Predicate between() {
        const auto [low_text, low] = constant();
        const auto [high_text, high] = constant();
        const bool no = pick(2) == 0;
        const bool symmetric = pick(2) == 0;
        const std::string text = std::string("user_id ") + (no ? "NOT " : "") + "BETWEEN " +
                                 (symmetric ? "SYMMETRIC " : "") + low_text + " AND " + high_text;
        const auto range = [](int id, std::optional<int> from, std::optional<int> to) -> std::optional<bool> {
            const bool below = from && id < *from;
            const bool above = to && id > *to;
            return below || above ? std::optional(false) : from && to ? std::optional(true) : std::nullopt;
        };
        return of(text, [&](int id) -> std::optional<bool> {
            const auto forward = range(id, low, high);
            const auto backward = range(id, high, low);
            std::optional<bool> value = forward;
            if (symmetric) {
                value = forward == true || backward == true     ? std::optional(true)
                        : forward == false && backward == false ? std::optional(false)
                                                                : std::nullopt;
            }
            return value ? std::optional(*value != no) : value;
        });
    }
    Predicate array() {
        const int a = pick(ids);
        const int b = pick(ids);
        const bool no = pick(2) == 0;
        return of(std::string("user_id ") + (no ? "<> ALL" : "= ANY") + " ('{" + std::to_string(a) + "," +
                      std::to_string(b) + "}')",
                  [&](int id) -> std::optional<bool> { return (id == a || id == b) != no; });
    }
    Predicate word() {
        switch (pick(5)) {
            case 0: return of("TRUE", [](int) { return std::optional(true); });
            case 1: return of("FALSE", [](int) { return std::optional(false); });
            case 2: return of("NULL", [](int) { return std::optional<bool>(); });
            case 3: return of("user_id IS NULL", [](int) { return std::optional(false); });
            default: return of("user_id IS NOT NULL", [](int) { return std::optional(true); });
        }
    }
    /// About another column: true, false or unknown, whatever the rows hold. Taken as anything.
    Predicate other() {
        const int truth = pick(3);
        Predicate made = of("name = 'x'", [&](int) {
            return truth == 0 ? std::optional(true) : truth == 1 ? std::optional(false) : std::nullopt;
        });
        made.on_key = false;
        return made;
    }
    Predicate negated(int depth) {
        Predicate inner = predicate(depth > 0 ? depth - 1 : 0);
        return {"NOT (" + inner.text + ")", inner.no, inner.yes, inner.on_key};
    }
    Predicate join(int depth, bool both) {
        Predicate all = predicate(depth - 1);
        all.text = "(" + all.text + ")";
        for (int i = 1 + pick(2); i > 0; --i) {
            const Predicate next = predicate(depth - 1);
            all.text += (both ? " AND (" : " OR (") + next.text + ")";
            all.yes = both ? all.yes & next.yes : all.yes | next.yes;
            all.no = both ? all.no | next.no : all.no & next.no;
            all.on_key = all.on_key && next.on_key;
        }
        return all;
    }

    std::mt19937_64 random_;
};

std::optional<int> value_of(const Operand& operand, const Statement& statement) {
    return operand.source == Operand::Source::null
               ? std::nullopt
               : std::optional(std::stoi(testing::text_of(operand, statement)));
}

/// The ids a tree leaves possible, as routing evaluates it. `exact` if it is nothing but the key's own truth.
Ids evaluate(const KeyTree& tree, std::size_t index, const Statement& statement, bool& exact) {
    const KeyNode& node = tree[index];
    const auto where = [&](auto test) {
        Ids found;
        for (int id = 0; id < ids; ++id) {
            found[static_cast<std::size_t>(id)] = test(id);
        }
        return found;
    };
    const auto compare = [&](auto test) {
        const auto value = value_of(node.operands.front(), statement);
        return where([&](int id) { return value && test(id, *value); });
    };
    switch (node.op) {
        case KeyNode::Op::anything: exact = false; return Ids().set();
        case KeyNode::Op::nothing: return {};
        case KeyNode::Op::everything: return Ids().set();
        case KeyNode::Op::equal: return compare([](int id, int value) { return id == value; });
        case KeyNode::Op::less: return compare([](int id, int value) { return id < value; });
        case KeyNode::Op::less_equal: return compare([](int id, int value) { return id <= value; });
        case KeyNode::Op::greater: return compare([](int id, int value) { return id > value; });
        case KeyNode::Op::greater_equal: return compare([](int id, int value) { return id >= value; });
        case KeyNode::Op::in:
            return where([&](int id) {
                return std::ranges::any_of(node.operands, [&](const Operand& operand) {
                    return value_of(operand, statement) == id;
                });
            });
        case KeyNode::Op::any_of_array: {
            const std::string text = testing::text_of(node.operands.front(), statement);
            const auto comma = text.find(',');
            const int a = std::stoi(text.substr(1));
            const int b = std::stoi(text.substr(comma + 1));
            return where([&](int id) { return id == a || id == b; });
        }
        case KeyNode::Op::both: {
            Ids found = Ids().set();
            for (const auto child : node.children) {
                found &= evaluate(tree, child, statement, exact);
            }
            return found;
        }
        case KeyNode::Op::either: {
            Ids found;
            for (const auto child : node.children) {
                found |= evaluate(tree, child, statement, exact);
            }
            return found;
        }
        case KeyNode::Op::negated: {
            bool inner = true;
            const Ids found = evaluate(tree, node.children.front(), statement, inner);
            exact = exact && inner;
            return inner ? ~found : Ids().set();
        }
    }
    return Ids().set();
}

TEST(Predicates, LeaveNoIdOutAndNoIdTooManyWhereTheyAreOnTheKeyAlone) {
    constexpr std::uint64_t seed = 20'261'124;
    constexpr int rounds = 150'000;
    Inventor inventor(seed);
    Analyser analyser(shop());
    int exact_ones = 0;
    for (int round = 0; round < rounds; ++round) {
        const Predicate predicate = inventor.predicate(3);
        const std::string text = "SELECT 1 FROM users WHERE " + predicate.text;
        const Statement statement = one(analyser, text);
        const KeyTree& tree = statement.facts->groups.at(0).predicate;
        bool exact = true;
        const Ids possible = tree.empty() ? Ids().set() : evaluate(tree, tree.size() - 1, statement, exact);
        ASSERT_EQ(predicate.yes & ~possible, Ids()) << "round " << round << ": " << predicate.text;
        if (predicate.on_key && !(tree.empty() && predicate.yes.all())) {
            ASSERT_EQ(possible, predicate.yes) << "round " << round << ": " << predicate.text;
            ++exact_ones;
        }
    }
    EXPECT_GT(exact_ones, rounds / 4);
}

}  // namespace
}  // namespace domicile::sql
