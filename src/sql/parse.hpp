#pragma once
// The parse tree of one text as an owner. The nodes are PostgreSQL's own (sql/pg_nodes.hpp); they and every
// text in them live as long as the tree.

#include "base/error.hpp"
#include "sql/pg_query_shim.h"

#include <string>

namespace domicile::sql {

class ParseTree {
  public:
    /// Errors: syntax_error in PostgreSQL's words, with the position; statement_too_complex when the
    /// grammar's own stack is exhausted. At most one tree exists per thread. REQUIRES: no zero byte in
    /// `text`.
    static base::Result<ParseTree> of(const std::string& text, bool standard_strings);

    ParseTree(ParseTree&& other) noexcept : parse_(other.parse_) { other.parse_.context = nullptr; }
    ParseTree(const ParseTree&) = delete;
    ParseTree& operator=(const ParseTree&) = delete;
    ~ParseTree();

    /// A List of RawStmt.
    [[nodiscard]] const void* statements() const noexcept { return parse_.tree; }

  private:
    explicit ParseTree(const domicile_parse& parse) : parse_(parse) {}
    domicile_parse parse_;
};

}  // namespace domicile::sql
