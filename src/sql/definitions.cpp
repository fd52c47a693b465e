// DDL and maintenance: which tables a definition is about. Other objects (types, functions, roles …) have
// none.

#include "sql/pg_nodes.hpp"
#include "sql/walker.hpp"

namespace domicile::sql {
namespace {

/// The table a definition names first, if there is one.
const RangeVar* relation_of(const Node* node) {
    switch (nodeTag(node)) {
        case T_CreateStmt: return pg::as<CreateStmt>(node)->relation;
        case T_CreateForeignTableStmt: return pg::as<CreateForeignTableStmt>(node)->base.relation;
        case T_IndexStmt: return pg::as<IndexStmt>(node)->relation;
        case T_ViewStmt: return pg::as<ViewStmt>(node)->view;
        case T_CreateTrigStmt: return pg::as<CreateTrigStmt>(node)->relation;
        case T_RuleStmt: return pg::as<RuleStmt>(node)->relation;
        case T_CreatePolicyStmt: return pg::as<CreatePolicyStmt>(node)->table;
        case T_AlterPolicyStmt: return pg::as<AlterPolicyStmt>(node)->table;
        case T_RefreshMatViewStmt: return pg::as<RefreshMatViewStmt>(node)->relation;
        case T_ClusterStmt: return pg::as<ClusterStmt>(node)->relation;
        default: return nullptr;
    }
}

bool is_table(ObjectType type) {
    return type == OBJECT_TABLE || type == OBJECT_VIEW || type == OBJECT_MATVIEW ||
           type == OBJECT_FOREIGN_TABLE;
}

/// Objects named by their table and their own name.
bool is_on_table(ObjectType type) {
    return type == OBJECT_TRIGGER || type == OBJECT_RULE || type == OBJECT_POLICY || type == OBJECT_COLUMN ||
           type == OBJECT_TABCONSTRAINT;
}

}  // namespace

void Walker::drop(const DropStmt* stmt) {
    for (const ListCell& cell : pg::cells(stmt->objects)) {
        const auto* parts = pg::as_if<List>(pg::node(cell), T_List);
        if (parts == nullptr) {
            continue;
        }
        if (is_table(stmt->removeType)) {
            add_names(parts, Verb::define);
        } else if (is_on_table(stmt->removeType) && pg::size(parts) > 1) {
            const std::size_t table = pg::size(parts) - 2;
            add_use(table > 0 ? pg::text(pg::nth(parts, table - 1)) : std::string_view(),
                    pg::text(pg::nth(parts, table)), Verb::define, 0);
        }
    }
}

void Walker::definition(const Node* node) {
    facts_.kind = Kind::ddl;
    facts_.writes = true;
    one_group_ = true;
    const RangeVar* relation = relation_of(node);
    const bool temporary = relation != nullptr && (relation->relpersistence == pg::temporary ||
                                                   pg::text(relation->schemaname) == "pg_temp");
    if (temporary) {
        pin(Pin::temp_table);
        add_use("pg_temp", pg::text(relation->relname), Verb::define, 0);
    } else if (relation != nullptr) {
        add_use(relation, Verb::define, 0);
    }
    switch (nodeTag(node)) {
        case T_CreateStmt:
            for (const ListCell& cell : pg::cells(pg::as<CreateStmt>(node)->inhRelations)) {
                add_use(pg::as<RangeVar>(pg::node(cell)), Verb::define, 0);
            }
            return;
        case T_ViewStmt:
            // What a view reads is judged when the view is: its name stands in the topology like a table's.
            query_of(pg::as<ViewStmt>(node)->query, {}, new_region());
            return;
        case T_CreateSeqStmt:
            if (pg::as<CreateSeqStmt>(node)->sequence->relpersistence == pg::temporary) {
                pin(Pin::temp_table);
                add_use("pg_temp", pg::text(pg::as<CreateSeqStmt>(node)->sequence->relname), Verb::define, 0);
            }
            return;
        case T_AlterTableStmt:
            if (is_table(pg::as<AlterTableStmt>(node)->objtype)) {
                add_use(pg::as<AlterTableStmt>(node)->relation, Verb::define, 0);
            }
            return;
        case T_RenameStmt: {
            const auto* stmt = pg::as<RenameStmt>(node);
            const bool of_table = is_table(stmt->renameType) || is_on_table(stmt->renameType);
            if (stmt->relation != nullptr && of_table) {
                add_use(stmt->relation, Verb::define, 0);
            }
            return;
        }
        case T_AlterObjectSchemaStmt:
            if (is_table(pg::as<AlterObjectSchemaStmt>(node)->objectType)) {
                add_use(pg::as<AlterObjectSchemaStmt>(node)->relation, Verb::define, 0);
            }
            return;
        case T_DropStmt: drop(pg::as<DropStmt>(node)); return;
        case T_CommentStmt: {
            const auto* stmt = pg::as<CommentStmt>(node);
            const auto* parts = pg::as_if<List>(stmt->object, T_List);
            if (parts != nullptr && is_table(stmt->objtype)) {
                add_names(parts, Verb::define);
            } else if (parts != nullptr && is_on_table(stmt->objtype) && pg::size(parts) > 1) {
                const std::size_t table = pg::size(parts) - 2;
                add_use(table > 0 ? pg::text(pg::nth(parts, table - 1)) : std::string_view(),
                        pg::text(pg::nth(parts, table)), Verb::define, 0);
            }
            return;
        }
        case T_GrantStmt: {
            const auto* stmt = pg::as<GrantStmt>(node);
            if (stmt->targtype == ACL_TARGET_OBJECT && stmt->objtype == OBJECT_TABLE) {
                tables_of(stmt->objects, Kind::ddl, Verb::define);
            }
            return;
        }
        case T_CreateStatsStmt:
            tables_of(pg::as<CreateStatsStmt>(node)->relations, Kind::ddl, Verb::define);
            return;
        case T_VacuumStmt: tables_of(pg::as<VacuumStmt>(node)->rels, Kind::maintenance, Verb::define); return;
        case T_ReindexStmt: {
            const auto* stmt = pg::as<ReindexStmt>(node);
            if (stmt->kind == REINDEX_OBJECT_TABLE) {
                add_use(stmt->relation, Verb::define, 0);
            }
            facts_.kind = Kind::maintenance;
            return;
        }
        case T_ClusterStmt:
        case T_RefreshMatViewStmt:
        case T_CheckPointStmt: facts_.kind = Kind::maintenance; return;
        default: return;
    }
}

}  // namespace domicile::sql
