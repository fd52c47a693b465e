#include "sql/pg_query_shim.h"

#include <pg_query.h>
#include <postgres.h>

#include <nodes/parsenodes.h>
#include <pg_query/pg_query_internal.h>

/* The server's headers declare these as plain globals; in libpg_query they are one per thread. */
extern __thread bool standard_conforming_strings;
extern __thread bool escape_string_warning;

_Static_assert(PG_VERSION_NUM / 10000 == 15, "libpg_query 15 needs the node structs of PostgreSQL 15");
_Static_assert(T_InsertStmt == 238 && T_SelectStmt == 242, "node tags as libpg_query was built with");

void domicile_parse_init(void) { pg_query_init(); }

struct domicile_parse domicile_parse_begin(const char* text, bool standard_strings) {
    struct domicile_parse parse = {0};
    parse.context = pg_query_enter_memory_context();
    standard_conforming_strings = standard_strings;
    escape_string_warning = false;
    const PgQueryInternalParsetreeAndError result = pg_query_raw_parse(text);
    if (result.error != NULL) {
        parse.error = result.error;
        parse.message = result.error->message;
        parse.position = result.error->cursorpos;
    } else {
        parse.tree = result.tree;
    }
    free(result.stderr_buffer);
    return parse;
}

void domicile_parse_end(struct domicile_parse* parse) {
    if (parse->error != NULL) {
        pg_query_free_error(parse->error);
    }
    pg_query_exit_memory_context(parse->context);
    parse->context = NULL;
    parse->tree = NULL;
    parse->message = NULL;
    parse->error = NULL;
}
