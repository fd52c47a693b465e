/* The one door to libpg_query: PostgreSQL's own grammar, its raw parse tree as C structs. Everything that may
 * leave by longjmp stays behind it, so this file and its .c are C.
 *
 * A thread that parses once occupies a pthread key for the life of the process: parse on long-lived threads
 * only.
 */
#ifndef DOMICILE_SQL_PG_QUERY_SHIM_H
#define DOMICILE_SQL_PG_QUERY_SHIM_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct domicile_parse {
    void* context;       /* owns the tree */
    const void* tree;    /* List of RawStmt; null when `message` is not */
    const char* message; /* PostgreSQL's words for what is wrong */
    int position;        /* of the mistake, in characters from 1; 0 = not known */
    void* error;
};

/* Once per thread, before its first parse; never two threads at a time. */
void domicile_parse_init(void);

/* `text` ends with a zero byte. The result is valid until domicile_parse_end() on the same thread, and
 * neither may another parse be begun before that. */
struct domicile_parse domicile_parse_begin(const char* text, bool standard_strings);
void domicile_parse_end(struct domicile_parse* parse);

#ifdef __cplusplus
}
#endif

#endif
