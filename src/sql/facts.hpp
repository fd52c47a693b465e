#pragma once
// What a statement's text says before its values are known: which tables, what it does to them, and what its
// predicates say about the user key. Made once per shape (analyser.hpp); joined with values, range map and
// principal by routing::admit. Plain values: no I/O, no clock.

#include "topology/topology.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::sql {

/// What the gateway must do with a statement.
enum class Kind : std::uint8_t {
    empty,     ///< no statement: blanks and comments
    read,      ///< SELECT, VALUES, TABLE
    write,     ///< INSERT, UPDATE, DELETE, MERGE, data-modifying WITH
    explain,   ///< EXPLAIN: routed as the statement in it (`writes` if it is ANALYZE of a write)
    route,     ///< EXPLAIN (ROUTE): answered by the gateway; the facts are those of the inner statement
    begin,     ///< BEGIN, START TRANSACTION
    commit,    ///< COMMIT, END
    rollback,  ///< ROLLBACK, ABORT
    savepoint,
    release,
    rollback_to,
    set,        ///< SET, SET LOCAL, SET TIME ZONE …: `setting`
    reset,      ///< RESET name, RESET ALL: `setting`
    show,       ///< SHOW name: `setting.name`
    discard,    ///< DISCARD ALL | PLANS | SEQUENCES | TEMP: `object` is the lower-case word
    copy_in,    ///< COPY t FROM STDIN
    copy_out,   ///< COPY … TO STDOUT
    copy_file,  ///< COPY with a file or a program of the server: a superuser's, on one shard
    ddl,  ///< CREATE, ALTER, DROP, COMMENT, GRANT …; SELECT INTO and CREATE TABLE AS, with their query's keys
    truncate,    ///< TRUNCATE
    prepare,     ///< SQL PREPARE: `object` is its name
    execute,     ///< SQL EXECUTE
    deallocate,  ///< SQL DEALLOCATE; `object` is the name, empty for ALL
    declare,     ///< DECLARE CURSOR: tables and keys are those of its query; `holds` WITH HOLD
    fetch,       ///< FETCH, MOVE: `object` is the cursor
    close,       ///< CLOSE; `object` is the cursor, empty for ALL
    listen,
    unlisten,  ///< `object` is the channel, empty for *
    notify,
    lock,         ///< LOCK TABLE
    maintenance,  ///< VACUUM, ANALYZE, CLUSTER, REINDEX, CHECKPOINT, REFRESH
    procedure,    ///< CALL, DO, LOAD: may do anything, so they are `opaque`, too
    two_phase,    ///< PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED: the gateway's own tool
    refused,      ///< understood and never allowed: `refusal` says why
};

/// Where a constant of the key stands.
struct Operand {
    enum class Source : std::uint8_t {
        literal,    ///< the index-th literal of the statement, counted by the tokenizer from 0
        parameter,  ///< $index (from 1)
        null,       ///< SQL NULL: compares with nothing
    };
    Source source = Source::null;
    bool negative = false;  ///< a minus sign stands before the literal
    std::uint32_t index = 0;
    friend bool operator==(const Operand&, const Operand&) = default;
};

/// A predicate on the key as a tree in one flat vector: the root is the last node, children stand before
/// their parents.
struct KeyNode {
    enum class Op : std::uint8_t {
        anything,       ///< says nothing about the key (all ids possible); not exact
        nothing,        ///< satisfied by no id (FALSE, comparison with NULL)
        everything,     ///< satisfied by every id (TRUE); exact
        equal,          ///< key = operand
        less,           ///< key < operand
        less_equal,     ///< key <= operand
        greater,        ///< key > operand
        greater_equal,  ///< key >= operand
        in,             ///< key IN (operands)
        any_of_array,   ///< key = ANY (operand), the operand is a whole array
        both,           ///< AND of the children
        either,         ///< OR of the children
        negated,        ///< NOT of its one child: exact only where the child is
    };
    Op op = Op::anything;
    std::vector<Operand> operands;
    std::vector<std::uint16_t> children;  ///< indices into the tree
    friend bool operator==(const KeyNode&, const KeyNode&) = default;
};
using KeyTree = std::vector<KeyNode>;

/// What is done to a table.
enum class Verb : std::uint8_t { select, insert, update, remove, truncate, lock, define, copy_in };

/// One mention of a table in the statement.
struct TableUse {
    const topology::Table* table = nullptr;  ///< null: not in the topology, see `schema` and `name`
    std::string schema;  ///< as written, folded; empty if not given; "pg_temp" for what CREATE TEMP makes
    std::string name;
    Verb verb = Verb::select;
    bool catalog = false;       ///< pg_catalog, information_schema
    bool also_updates = false;  ///< ON CONFLICT DO UPDATE
    bool merges = false;        ///< MERGE: may insert, update and delete
    bool returns = false;       ///< INSERT … RETURNING: gives back what it has put in, defaults too
    std::string alias = {};     ///< as written, folded; empty if it has none
    /// Personal columns of the topology that the statement may read here, if only by comparing with them. A
    /// superset: where it is not sure that a name means another column, it is in. Empty if none.
    std::vector<std::string> personal = {};
};

/// Sharded tables whose keys are proven equal by the statement (joins, correlated sub-selects): they may be
/// joined wherever they lie, since equal keys lie together. `predicate` bounds the ids of the whole group
/// (a superset is always right; empty tree = anything).
struct KeyGroup {
    std::vector<std::uint16_t> tables;  ///< indices into Facts::tables
    KeyTree predicate;
};

/// SET, RESET, SHOW.
struct Setting {
    std::string name;   ///< folded; "all" for RESET ALL and SHOW ALL; "time zone" becomes "timezone"
    std::string value;  ///< the text after TO or =, verbatim; empty for DEFAULT and for RESET
    bool local = false;
    bool transaction = false;  ///< SET TRANSACTION: passed on as it is
    bool literal = false;      ///< of set_config(): `value` is not SQL but the value itself
};

/// Why a node connection must stay with the session after the statement.
enum class Pin : std::uint8_t {
    none = 0,
    temp_table = 1,
    advisory_lock = 2,  ///< pg_advisory_lock…, without _xact_
    listen = 4,
    hold_cursor = 8,
    prepare = 16,     ///< SQL PREPARE
    set_config = 32,  ///< set_config(…, false) and SET of what the gateway cannot replay
    sequence = 64,    ///< currval, lastval, and nextval/setval that make them mean something
    load = 128,       ///< LOAD, and other state of the process
};

/// Where the key stands among the live columns of each sharded table, from 0. Only INSERT without a list of
/// columns needs it. Should it be old, the row meets the CHECK of the shard it is sent to, and is refused.
using KeyPlaces = std::map<std::string, std::size_t, std::less<>>;

struct Facts {
    /// Unlike that of any other facts of this process: what was decided about them is remembered under it. 0
    /// for facts that were changed after they were made.
    std::uint64_t id = 0;
    Kind kind = Kind::empty;
    std::vector<TableUse> tables;
    /// Every sharded table of the statement is in exactly one group.
    std::vector<KeyGroup> groups;
    /// For an INSERT into a sharded table: the key of each row of VALUES. Empty otherwise, and then the
    /// group's predicate counts (INSERT … SELECT).
    std::vector<Operand> inserted_keys;
    bool insert_values = false;     ///< INSERT … VALUES into a sharded table: `inserted_keys` holds all rows
    bool key_missing = false;       ///< INSERT into a sharded table whose key is no constant (or not given)
    bool updates_key = false;       ///< UPDATE … SET key = …, also in ON CONFLICT DO UPDATE and MERGE
    bool writes = false;            ///< changes rows, locks rows (FOR UPDATE …), or defines
    bool reader_may_serve = false;  ///< a plain read with only known immutable and stable functions
    bool opaque = false;  ///< calls functions we do not know, which may read any table: `opaque_name`
    std::string opaque_name;
    /// A read of one group whose answer is the answers of the group's shards one after another, in any order:
    /// no ORDER BY, LIMIT, aggregate, set operation or outer join that needs them together.
    bool concatenates = false;
    std::uint8_t pins = 0;     ///< of Pin
    bool holds = false;        ///< DECLARE … WITH HOLD
    bool read_only = false;    ///< BEGIN READ ONLY
    bool and_chain = false;    ///< COMMIT AND CHAIN, ROLLBACK AND CHAIN
    bool copy_binary = false;  ///< COPY … (FORMAT binary)
    /// What else stays set: SET SESSION CHARACTERISTICS, and set_config() with constants and without LOCAL.
    std::vector<Setting> sets;
    bool unlocks_all = false;  ///< pg_advisory_unlock_all(): no advisory lock of the session is left
    /// EXECUTE: the constants among its arguments, in their order; an argument that is none has no value.
    std::vector<std::optional<Operand>> arguments;
    Setting setting;
    std::string object;   ///< a name, see Kind
    std::string refusal;  ///< for Kind::refused: what and why, fit for a client
    std::string refusal_hint;
    std::uint16_t parameters = 0;  ///< highest $n

    [[nodiscard]] bool sharded() const noexcept { return !groups.empty(); }
};

}  // namespace domicile::sql
