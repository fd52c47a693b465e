#pragma once
// A PostgreSQL client for tests, over libpq: what a real driver does, with little to write.

#include <libpq-fe.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::test_support {

/// One statement's answer. Fields are as libpq gives them; NULL is "<null>".
struct SqlResult {
    bool good = false;
    std::string tag;
    std::vector<std::vector<std::string>> rows;
    std::string sqlstate, message, detail, hint;
    /// Rows joined by "|" and ";": "1|a;2|b".
    [[nodiscard]] std::string text() const;
    /// The only field of the only row.
    [[nodiscard]] std::string value() const {
        return rows.size() == 1 ? rows[0].at(0) : "<not one row> " + sqlstate + " " + message;
    }
};

class SqlClient {
  public:
    /// `options` in libpq's keyword form: "host=… port=… user=… password=… dbname=…".
    explicit SqlClient(const std::string& options);
    [[nodiscard]] bool connected() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
    [[nodiscard]] std::string error() const { return PQerrorMessage(connection_.get()); }

    /// The simple protocol; the last result of a script.
    SqlResult run(const std::string& sql);
    std::vector<SqlResult> run_all(const std::string& sql);
    /// The extended protocol with text parameters, unnamed.
    SqlResult run(const std::string& sql, const std::vector<std::optional<std::string>>& parameters);
    SqlResult prepare(const std::string& name, const std::string& sql);
    SqlResult execute(const std::string& name, const std::vector<std::optional<std::string>>& parameters);
    /// One bigint parameter in binary.
    SqlResult run_binary(const std::string& sql, std::int64_t parameter);
    /// COPY … FROM STDIN with these bytes.
    SqlResult copy_in(const std::string& sql, std::string_view bytes);
    /// COPY … TO STDOUT: all its bytes.
    std::string copy_out(const std::string& sql);
    [[nodiscard]] PGconn* raw() const { return connection_.get(); }

    static SqlResult take(PGresult* result);

  private:
    struct Finish {
        void operator()(PGconn* connection) const { PQfinish(connection); }
    };
    std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace domicile::test_support
