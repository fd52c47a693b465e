#pragma once
// Walks one statement's parse tree and fills in its facts. Private to this room.
//
// Soundness. A group's predicate may be wider than the truth, never narrower, and two keys are in one group
// only if every row that the statement makes of both has them equal (or makes none of it where they differ).
// So a predicate counts for a group only if the group lies wholly inside the part of the statement it
// restricts (Region), and keys are united under the rule of the join that equates them (Equates).

#include "base/error.hpp"
#include "sql/facts.hpp"
#include "sql/scope.hpp"
#include "sql/tokenizer.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// PostgreSQL's nodes, see sql/pg_nodes.hpp.
struct Node;
struct List;
struct Alias;
struct A_Const;
struct A_Expr;
struct BoolExpr;
struct ColumnRef;
struct CommonTableExpr;
struct CopyStmt;
struct CreateTableAsStmt;
struct DeleteStmt;
struct DropStmt;
struct ExplainStmt;
struct FuncCall;
struct InsertStmt;
struct IntoClause;
struct JoinExpr;
struct MergeStmt;
struct OnConflictClause;
struct RangeVar;
struct SelectStmt;
struct SubLink;
struct TransactionStmt;
struct TypeCast;
struct UpdateStmt;
struct VariableSetStmt;
struct WindowDef;
struct WithClause;

namespace domicile::sql {

/// A query of WITH, as far as names see it: this one, and through `parent` those before it.
struct CteFrame {
    enum class State : std::uint8_t { unused, entered, done };
    const CommonTableExpr* node = nullptr;
    const CteFrame* parent = nullptr;
    const CteFrame* inside = nullptr;     ///< what its own body sees
    const Scope* scope_parent = nullptr;  ///< the levels around its WITH
    std::uint32_t depth = 0;              ///< of the level with the WITH
    /// Analysed where it is defined, on its own: it is used twice or modifies rows, so that nothing around
    /// one of its uses may restrict it.
    bool alone = false;
    mutable State state = State::unused;
};

class Walker {
  public:
    struct Source {
        const topology::Topology& topology;
        const KeyPlaces& places;
        std::string_view text;  ///< of this statement
        std::size_t begin = 0;  ///< its place in the text the parser saw
        const Tokens& tokens;   ///< of this statement
    };
    struct Result {
        Facts facts;
        bool cacheable = false;  ///< the facts follow from the shape alone
    };

    /// `statement` is the node inside a RawStmt. Errors: statement_too_complex.
    static base::Result<Result> run(const Source& source, const Node* statement);

  private:
    explicit Walker(const Source& source) : source_(source) {}

    /// A part of the statement and what its conditions restrict.
    struct Region {
        Span uses;
        std::optional<std::uint32_t> lifts_to;  ///< a derived table's conditions hold for the level around it
    };
    struct Predicate {
        std::uint32_t root;  ///< in terms_
        std::uint32_t region;
    };
    /// A node of a predicate over the keys of any uses.
    struct Term {
        KeyNode::Op op;
        std::uint32_t use = no_use;
        std::vector<Operand> operands;
        std::vector<std::uint32_t> children;
    };
    static constexpr std::uint32_t anything = 0;
    static constexpr std::uint32_t nothing = 1;
    static constexpr std::uint32_t everything = 2;

    /// Which keys an equality may unite.
    struct Equates {
        enum class Join : std::uint8_t { inner, outer, full } join = Join::inner;
        Span nullable;  ///< of an outer join; of a full join the left side
        Span other;     ///< of a full join the right side
    };
    /// What a query gives to the level around it.
    struct Query {
        Item item;
        Span uses;
        std::vector<std::uint32_t> drivers;
        bool nonlocal = false;
        bool liftable = false;
        bool sorted = false;
        std::uint32_t region = 0;
    };
    struct Arm {
        std::size_t first_item = 0;
        std::size_t last_item = 0;
        Span uses;
        std::size_t first_driver = 0;
        std::size_t last_driver = 0;
    };
    struct Around {
        const Scope* parent = nullptr;
        const CteFrame* ctes = nullptr;
        std::uint32_t depth = 0;
    };
    struct LiteralPlace {
        std::uint32_t index = 0;
        bool negative = false;
    };
    class Deeper;

    // walker.cpp
    void spend(std::size_t steps) { work_ -= std::min(work_, steps); }
    [[nodiscard]] bool failed() const { return too_deep_ || work_ == 0; }
    std::uint32_t new_region();
    std::uint32_t end_region(std::uint32_t region);
    std::optional<LiteralPlace> literal_of(const A_Const* constant) const;
    void note_constant(const A_Const* constant);
    std::uint32_t add_use(const RangeVar* range, Verb verb, std::uint32_t depth);
    std::uint32_t add_use(std::string_view schema, std::string_view name, Verb verb, std::uint32_t depth);
    void add_names(const List* parts, Verb verb);
    void set_opaque(std::string name);
    void pin(Pin which) {
        facts_.pins = static_cast<std::uint8_t>(facts_.pins | static_cast<unsigned>(which));
    }
    [[nodiscard]] bool sharded(std::uint32_t use) const;

    // expressions.cpp
    void walk(const Node* node, Scope& scope);
    void walk(const List* list, Scope& scope);
    void call(const FuncCall* call, Scope& scope);
    void aggregate(const FuncCall* call, Scope& scope);
    void window(const WindowDef* window, Scope& scope);
    void sublink(const SubLink* link, Scope& scope);

    // predicates.cpp
    std::uint32_t key_of(const Node* node, const Scope& scope);
    std::optional<Operand> operand(const Node* node);
    void characteristics(const List* modes);
    [[nodiscard]] std::optional<Setting> config_of(const FuncCall* call) const;
    std::optional<Operand> cast_operand(const TypeCast* cast);
    std::uint32_t add_term(Term term);
    std::uint32_t join_terms(KeyNode::Op op, std::vector<std::uint32_t> children);
    std::uint32_t negate(std::uint32_t term);
    std::uint32_t leaf(KeyNode::Op op, std::uint32_t use, const Operand& operand);
    std::uint32_t comparison(const A_Expr* expr, const Scope& scope, bool negated);
    std::uint32_t membership(std::uint32_t key, const List* values, bool negated);
    std::uint32_t any_of(std::uint32_t key, const Node* array, bool negated);
    std::uint32_t between(const A_Expr* expr, const Scope& scope, bool negated);
    std::uint32_t condition(const Node* node, const Scope& scope, bool negated);
    void equate(std::uint32_t a, std::uint32_t b, const Equates& rule, std::uint32_t depth);
    /// WHERE or ON: unites keys, restricts `region` if one is given, and walks the expression.
    void conditions(const Node* node, Scope& scope, const Equates& rule, std::optional<std::uint32_t> region);
    void conjuncts(const Node* node, std::vector<const Node*>& out);

    // from.cpp
    Arm from_item(const Node* node, Scope& scope, std::uint32_t region);
    void table(const RangeVar* range, Scope& scope, std::uint32_t region);
    bool cte(const RangeVar* range, Scope& scope, std::uint32_t region);
    void import(Query& query, const Alias* alias, std::string_view name, Scope& scope, std::uint32_t region);
    void unknown_item(const Alias* alias, std::string_view name, Scope& scope);
    static void apply_alias(const Alias* alias, Item& item);
    Arm join(const JoinExpr* join, Scope& scope, std::uint32_t region);
    void using_columns(const JoinExpr* join, Scope& scope, const Arm& left, const Arm& right,
                       const Equates& rule);
    void check_outer_join(const JoinExpr* join, Scope& scope, const Arm& left, const Arm& right);
    Item joined_item(const JoinExpr* join, const Scope& scope, const Arm& left, const Arm& right) const;

    // query.cpp
    Query select(const SelectStmt* stmt, const Around& around, std::uint32_t region);
    Query set_operation(const SelectStmt* stmt, const Around& around, std::uint32_t region);
    void select_body(const SelectStmt* stmt, Scope& scope, std::uint32_t region);
    void group_by(const SelectStmt* stmt, Scope& scope);
    [[nodiscard]] bool local_for(const Scope& scope, std::uint32_t use);
    void distinct(const SelectStmt* stmt, Scope& scope);
    void columns(const SelectStmt* stmt, const Scope& scope, Item& item);
    void star(const ColumnRef* ref, const Scope& scope, Item& item);
    void into(const IntoClause* into, std::uint32_t depth);
    const CteFrame* with(const WithClause* with, const Around& around);
    void finish_with(const CteFrame* last, const CteFrame* outside);
    void cte_alone(const CteFrame& frame);
    Query query_of(const Node* stmt, const Around& around, std::uint32_t region);

    // modify.cpp
    void modify(const Node* stmt, const Around& around);
    void insert(const InsertStmt* stmt, const Around& around);
    void insert_rows(const List* rows, std::optional<std::size_t> key, Scope& scope);
    void insert_query(const InsertStmt* stmt, std::uint32_t target, std::optional<std::size_t> key,
                      Scope& scope, std::uint32_t region);
    void on_conflict(const OnConflictClause* clause, std::uint32_t target, const Item& item, Scope& scope);
    void update(const UpdateStmt* stmt, const Around& around);
    void remove(const DeleteStmt* stmt, const Around& around);
    void merge(const MergeStmt* stmt, const Around& around);
    void merge_insert(const List* names, const List* values, std::uint32_t target, const Scope& scope,
                      std::vector<Operand>& constants);
    void assignments(const List* targets, std::uint32_t target, Scope& scope);
    Item target_item(const RangeVar* range, std::uint32_t use) const;
    std::string_view key_name(std::uint32_t use) const;

    // utility.cpp
    void statement(const Node* node);
    void transaction(const TransactionStmt* stmt);
    void setting(const VariableSetStmt* stmt);
    void copy(const CopyStmt* stmt);
    void explain(const ExplainStmt* stmt);
    void drop(const DropStmt* stmt);
    void create_as(const CreateTableAsStmt* stmt);
    void definition(const Node* node);
    void tables_of(const List* ranges, Kind kind, Verb verb);
    void refuse(std::string what, std::string hint = {});
    bool other_kinds(const Node* node);

    // columns.cpp: which personal columns may be read
    void note_column(const ColumnRef* ref, const Scope& scope);
    void note_written(const List* targets);
    void personal_columns();

    // groups.cpp
    void make_groups();
    std::uint32_t project(std::uint32_t term, std::uint32_t root, KeyTree& tree, std::size_t depth);
    KeyTree predicate_of(std::uint32_t root);

    Source source_;
    Facts facts_;
    KeyClasses classes_;
    std::vector<bool> nullable_;  ///< by use: an outer join may fill its columns with NULL
    std::vector<Region> regions_;
    std::vector<Predicate> predicates_;
    std::vector<Term> terms_;
    std::deque<CteFrame> frames_;
    std::vector<const void*> shared_;  ///< WITH queries used twice: known after the first run
    bool rerun_ = false;
    std::vector<std::uint32_t> matched_;                   ///< literals that stand for a constant of the tree
    std::vector<const ColumnRef*>* references_ = nullptr;  ///< where set, walk() notes columns
    bool reads_all_ = false;                               ///< *, NATURAL JOIN: all columns of all tables
    std::vector<std::string_view> reads_all_of_;           ///< x.*, or a whole row x
    std::vector<std::string_view> written_;  ///< columns that stand as targets of INSERT and SET
    std::size_t work_ = 0;
    std::size_t depth_ = 0;
    bool too_deep_ = false;
    bool cacheable_ = true;
    bool modifies_ = false;
    bool defines_ = false;  ///< SELECT INTO
    bool volatile_ = false;
    bool one_group_ = false;             ///< of definitions: every shard is meant
    std::uint32_t inserts_ = 0;          ///< into sharded tables …
    std::uint32_t inserts_of_rows_ = 0;  ///< … of them with VALUES
};

/// One level deeper in the tree; false beyond the limit.
class Walker::Deeper {
  public:
    explicit Deeper(Walker& walker);
    ~Deeper() { --walker_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    explicit operator bool() const { return !walker_.failed(); }

  private:
    Walker& walker_;
};

}  // namespace domicile::sql
