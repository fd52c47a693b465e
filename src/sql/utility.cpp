// The kind of a statement, and everything that is no query.

#include "sql/pg_nodes.hpp"
#include "sql/walker.hpp"

#include <algorithm>

namespace domicile::sql {
namespace {

std::string text_of(const char* bytes) {
    return std::string(pg::text(bytes));
}

/// Whether an option is given and not switched off.
bool flag(const List* options, std::string_view name) {
    bool on = false;
    for (const ListCell& cell : pg::cells(options)) {
        const auto* option = pg::as<DefElem>(pg::node(cell));
        if (pg::text(option->defname) != name) {
            continue;
        }
        const std::string_view word = pg::text(option->arg);
        const auto* number = pg::as_if<Integer>(option->arg, T_Integer);
        on = !(word == "false" || word == "off" || (number != nullptr && number->ival == 0));
    }
    return on;
}

bool given(const List* options, std::string_view name) {
    return std::ranges::any_of(pg::cells(options), [&](const ListCell& cell) {
        return pg::text(pg::as<DefElem>(pg::node(cell))->defname) == name;
    });
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\n\r\f");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

}  // namespace

void Walker::refuse(std::string what, std::string hint) {
    facts_.kind = Kind::refused;
    facts_.refusal = std::move(what);
    facts_.refusal_hint = std::move(hint);
}

void Walker::statement(const Node* node) {
    switch (nodeTag(node)) {
        case T_SelectStmt:
        case T_InsertStmt:
        case T_UpdateStmt:
        case T_DeleteStmt:
        case T_MergeStmt: {
            const Query query = query_of(node, {}, new_region());
            facts_.kind = defines_ ? Kind::ddl : modifies_ ? Kind::write : Kind::read;
            facts_.concatenates =
                facts_.kind == Kind::read && !query.nonlocal && !query.sorted && !query.drivers.empty();
            break;
        }
        case T_ExplainStmt: explain(pg::as<ExplainStmt>(node)); break;
        case T_CopyStmt: copy(pg::as<CopyStmt>(node)); break;
        case T_DeclareCursorStmt: {
            const auto* stmt = pg::as<DeclareCursorStmt>(node);
            query_of(stmt->query, {}, new_region());
            facts_.kind = Kind::declare;
            facts_.object = text_of(stmt->portalname);
            facts_.holds = (stmt->options & CURSOR_OPT_HOLD) != 0;
            if (facts_.holds) {
                pin(Pin::hold_cursor);
            }
            break;
        }
        case T_PrepareStmt: {
            const auto* stmt = pg::as<PrepareStmt>(node);
            query_of(stmt->query, {}, new_region());
            facts_.kind = Kind::prepare;
            facts_.object = text_of(stmt->name);
            pin(Pin::prepare);
            break;
        }
        case T_CreateTableAsStmt: create_as(pg::as<CreateTableAsStmt>(node)); break;
        default:
            cacheable_ = false;
            if (!other_kinds(node)) {
                definition(node);
            }
    }
    if (!facts_.refusal.empty()) {
        facts_.kind = Kind::refused;
    }
    switch (facts_.kind) {
        case Kind::read:
        case Kind::write:
        case Kind::explain:
        case Kind::begin:
        case Kind::commit:
        case Kind::rollback: break;
        default: cacheable_ = false;
    }
    const bool reads = facts_.kind == Kind::read || facts_.kind == Kind::explain ||
                       facts_.kind == Kind::route || facts_.kind == Kind::copy_out;
    facts_.reader_may_serve =
        reads && !modifies_ && !facts_.writes && !facts_.opaque && !volatile_ && facts_.pins == 0;
}

void Walker::explain(const ExplainStmt* stmt) {
    const bool runs = flag(stmt->options, "analyze");
    if (pg::is(stmt->query, T_CreateTableAsStmt)) {
        create_as(pg::as<CreateTableAsStmt>(stmt->query));
    } else if (pg::is(stmt->query, T_DeclareCursorStmt)) {
        query_of(pg::as<DeclareCursorStmt>(stmt->query)->query, {}, new_region());
    } else if (pg::is(stmt->query, T_ExecuteStmt)) {
        facts_.object = text_of(pg::as<ExecuteStmt>(stmt->query)->name);
        facts_.writes = true;  // whatever was prepared
    } else if (pg::is(stmt->query, T_RefreshMatViewStmt)) {
        add_use(pg::as<RefreshMatViewStmt>(stmt->query)->relation, Verb::define, 0);
        facts_.writes = true;
    } else {
        query_of(stmt->query, {}, new_region());
    }
    facts_.kind = given(stmt->options, "route") ? Kind::route : Kind::explain;
    if (!runs) {
        facts_.writes = false;
        facts_.pins = 0;
    }
}

void Walker::create_as(const CreateTableAsStmt* stmt) {
    into(stmt->into, 0);
    if (pg::is(stmt->query, T_ExecuteStmt)) {
        set_opaque("EXECUTE");
    } else {
        query_of(stmt->query, {}, new_region());
    }
    facts_.kind = Kind::ddl;
}

void Walker::copy(const CopyStmt* stmt) {
    const bool of_server = stmt->filename != nullptr || stmt->is_program;
    facts_.kind = of_server ? Kind::copy_file : stmt->is_from ? Kind::copy_in : Kind::copy_out;
    facts_.writes = stmt->is_from || of_server;
    if (stmt->relation != nullptr) {
        const std::uint32_t use = add_use(stmt->relation, stmt->is_from ? Verb::copy_in : Verb::select, 0);
        if (stmt->is_from) {
            note_written(stmt->attlist);
        } else if (stmt->attlist == nullptr) {
            reads_all_of_.push_back(facts_.tables[use].name);
        }
    } else {
        query_of(stmt->query, {}, new_region());
    }
    if (stmt->whereClause != nullptr) {
        Scope none;
        walk(stmt->whereClause, none);
    }
    for (const ListCell& cell : pg::cells(stmt->options)) {
        const auto* option = pg::as<DefElem>(pg::node(cell));
        facts_.copy_binary = facts_.copy_binary ||
                             (pg::text(option->defname) == "format" && pg::text(option->arg) == "binary");
    }
}

void Walker::transaction(const TransactionStmt* stmt) {
    facts_.and_chain = stmt->chain;
    facts_.object = text_of(stmt->savepoint_name);
    switch (stmt->kind) {
        case TRANS_STMT_BEGIN:
        case TRANS_STMT_START:
            facts_.kind = Kind::begin;
            for (const ListCell& cell : pg::cells(stmt->options)) {
                const auto* option = pg::as<DefElem>(pg::node(cell));
                const auto* value = pg::as_if<A_Const>(option->arg, T_A_Const);
                if (pg::text(option->defname) == "transaction_read_only" && value != nullptr) {
                    facts_.read_only = value->val.node.type == T_Integer && value->val.ival.ival != 0;
                }
            }
            cacheable_ = true;
            break;
        case TRANS_STMT_COMMIT:
            facts_.kind = Kind::commit;
            cacheable_ = true;
            break;
        case TRANS_STMT_ROLLBACK:
            facts_.kind = Kind::rollback;
            cacheable_ = true;
            break;
        case TRANS_STMT_SAVEPOINT: facts_.kind = Kind::savepoint; break;
        case TRANS_STMT_RELEASE: facts_.kind = Kind::release; break;
        case TRANS_STMT_ROLLBACK_TO: facts_.kind = Kind::rollback_to; break;
        case TRANS_STMT_PREPARE:
        case TRANS_STMT_COMMIT_PREPARED:
        case TRANS_STMT_ROLLBACK_PREPARED:
            facts_.kind = Kind::two_phase;
            facts_.object = text_of(stmt->gid);
            break;
    }
}

void Walker::setting(const VariableSetStmt* stmt) {
    Setting& setting = facts_.setting;
    setting.name = text_of(stmt->name);
    std::ranges::transform(setting.name, setting.name.begin(), lower);
    setting.local = stmt->is_local;
    facts_.kind = Kind::set;
    switch (stmt->kind) {
        case VAR_RESET: facts_.kind = Kind::reset; return;
        case VAR_RESET_ALL:
            facts_.kind = Kind::reset;
            setting.name = "all";
            return;
        case VAR_SET_MULTI:
            if (setting.name == "session characteristics") {
                characteristics(stmt->args);
            } else {
                setting.transaction = true;
            }
            return;
        case VAR_SET_CURRENT: setting.transaction = true; return;  // FROM CURRENT: of functions only
        case VAR_SET_DEFAULT: return;
        case VAR_SET_VALUE: break;
    }
    const Node* first = pg::nth(stmt->args, 0);
    const auto* constant = pg::as_if<A_Const>(first, T_A_Const);
    std::string_view text = source_.text;
    const auto at = constant == nullptr ? 0 : static_cast<std::size_t>(constant->location) - source_.begin;
    if (constant != nullptr && constant->location >= 0 && at < text.size()) {
        text.remove_prefix(at);
    } else {
        // SET TIME ZONE INTERVAL …: a cast, which has no place of its own.
        std::string folded(text);
        std::ranges::transform(folded, folded.begin(), lower);
        const auto zone = folded.find("zone");
        text.remove_prefix(zone == std::string::npos ? text.size() : zone + 4);
    }
    setting.value = trimmed(text);
}

/// SET SESSION CHARACTERISTICS AS TRANSACTION …: the defaults of transactions to come.
void Walker::characteristics(const List* modes) {
    for (const ListCell& cell : pg::cells(modes)) {
        const auto* mode = pg::as<DefElem>(pg::node(cell));
        const auto* value = pg::as_if<A_Const>(mode->arg, T_A_Const);
        if (value == nullptr) {
            continue;
        }
        Setting one;
        one.name = "default_" + text_of(mode->defname);
        one.literal = true;
        one.value = value->val.node.type == T_Integer ? (value->val.ival.ival != 0 ? "on" : "off")
                                                      : text_of(value->val.sval.sval);
        facts_.sets.push_back(std::move(one));
    }
}

bool Walker::other_kinds(const Node* node) {
    const auto named = [&](Kind kind, const char* name) {
        facts_.kind = kind;
        facts_.object = text_of(name);
        return true;
    };
    switch (nodeTag(node)) {
        case T_TransactionStmt: transaction(pg::as<TransactionStmt>(node)); return true;
        case T_VariableSetStmt: setting(pg::as<VariableSetStmt>(node)); return true;
        case T_VariableShowStmt:
            facts_.setting.name = text_of(pg::as<VariableShowStmt>(node)->name);
            std::ranges::transform(facts_.setting.name, facts_.setting.name.begin(), lower);
            facts_.kind = Kind::show;
            return true;
        case T_ConstraintsSetStmt:
            facts_.kind = Kind::set;
            facts_.setting.name = "constraints";
            facts_.setting.transaction = true;
            return true;
        case T_DiscardStmt: {
            constexpr std::string_view words[] = {"all", "plans", "sequences", "temp"};
            facts_.kind = Kind::discard;
            facts_.object = words[pg::as<DiscardStmt>(node)->target];
            return true;
        }
        case T_ExecuteStmt: {
            Scope none;
            const List* parameters = pg::as<ExecuteStmt>(node)->params;
            for (const ListCell& cell : pg::cells(parameters)) {
                facts_.arguments.push_back(operand(pg::node(cell)));
            }
            walk(parameters, none);
            return named(Kind::execute, pg::as<ExecuteStmt>(node)->name);
        }
        case T_DeallocateStmt: return named(Kind::deallocate, pg::as<DeallocateStmt>(node)->name);
        case T_FetchStmt: return named(Kind::fetch, pg::as<FetchStmt>(node)->portalname);
        case T_ClosePortalStmt: return named(Kind::close, pg::as<ClosePortalStmt>(node)->portalname);
        case T_ListenStmt:
            pin(Pin::listen);
            return named(Kind::listen, pg::as<ListenStmt>(node)->conditionname);
        case T_UnlistenStmt: return named(Kind::unlisten, pg::as<UnlistenStmt>(node)->conditionname);
        case T_NotifyStmt: return named(Kind::notify, pg::as<NotifyStmt>(node)->conditionname);
        case T_TruncateStmt:
            tables_of(pg::as<TruncateStmt>(node)->relations, Kind::truncate, Verb::truncate);
            return true;
        case T_LockStmt: tables_of(pg::as<LockStmt>(node)->relations, Kind::lock, Verb::lock); return true;
        case T_CallStmt: {
            const FuncCall* call = pg::as<CallStmt>(node)->funccall;
            set_opaque(std::string(pg::text(pg::last(call->funcname))));
            Scope none;
            walk(call->args, none);
            facts_.kind = Kind::procedure;
            facts_.writes = true;
            return true;
        }
        case T_DoStmt:
            set_opaque("DO");
            facts_.kind = Kind::procedure;
            facts_.writes = true;
            return true;
        case T_LoadStmt:
            set_opaque("LOAD");
            pin(Pin::load);
            facts_.kind = Kind::procedure;
            return true;
        case T_AlterSystemStmt:
            refuse("ALTER SYSTEM is not allowed.",
                   "Write the setting into domicile.toml, [embedded.settings].");
            return true;
        case T_CreatedbStmt:
        case T_DropdbStmt:
        case T_AlterDatabaseStmt:
        case T_AlterDatabaseRefreshCollStmt:
        case T_CreateTableSpaceStmt:
        case T_DropTableSpaceStmt:
        case T_AlterTableSpaceOptionsStmt:
        case T_CreateSubscriptionStmt:
        case T_AlterSubscriptionStmt:
        case T_DropSubscriptionStmt:
            refuse("Databases, tablespaces and subscriptions are the fleet's own.",
                   "The topology file says which there are.");
            return true;
        default: return false;
    }
}

/// TRUNCATE, LOCK, VACUUM …: all rows are meant, on every shard.
void Walker::tables_of(const List* ranges, Kind kind, Verb verb) {
    facts_.kind = kind;
    facts_.writes = true;
    one_group_ = true;
    for (const ListCell& cell : pg::cells(ranges)) {
        const Node* node = pg::node(cell);
        if (const auto* vacuumed = pg::as_if<VacuumRelation>(node, T_VacuumRelation)) {
            node = reinterpret_cast<const Node*>(vacuumed->relation);
        }
        if (const auto* range = pg::as_if<RangeVar>(node, T_RangeVar)) {
            add_use(range, verb, 0);
        }
    }
}

}  // namespace domicile::sql
