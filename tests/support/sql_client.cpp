#include "support/sql_client.hpp"

#include <cstdint>

namespace domicile::test_support {
namespace {

std::string field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? "" : text;
}

}  // namespace

std::string SqlResult::text() const {
    std::string all;
    for (const auto& row : rows) {
        all += all.empty() ? "" : ";";
        for (std::size_t i = 0; i < row.size(); ++i) {
            all += (i == 0 ? "" : "|") + row[i];
        }
    }
    return all;
}

SqlClient::SqlClient(const std::string& options) : connection_(PQconnectdb(options.c_str())) {
    PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
}

SqlResult SqlClient::take(PGresult* result) {
    SqlResult taken;
    if (result == nullptr) {
        taken.message = "the connection is gone";
        return taken;
    }
    const auto status = PQresultStatus(result);
    taken.good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
                 status == PGRES_COPY_IN || status == PGRES_COPY_OUT;
    taken.tag = PQcmdStatus(result);
    for (int row = 0; row < PQntuples(result); ++row) {
        auto& fields = taken.rows.emplace_back();
        for (int column = 0; column < PQnfields(result); ++column) {
            fields.emplace_back(PQgetisnull(result, row, column) != 0 ? "<null>"
                                                                      : PQgetvalue(result, row, column));
        }
    }
    taken.sqlstate = field(result, PG_DIAG_SQLSTATE);
    taken.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
    taken.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    taken.hint = field(result, PG_DIAG_MESSAGE_HINT);
    if (!taken.good && taken.message.empty()) {
        taken.message = PQresultErrorMessage(result);
    }
    PQclear(result);
    return taken;
}

SqlResult SqlClient::run(const std::string& sql) {
    return take(PQexec(raw(), sql.c_str()));
}

std::vector<SqlResult> SqlClient::run_all(const std::string& sql) {
    std::vector<SqlResult> results;
    if (PQsendQuery(raw(), sql.c_str()) == 1) {
        while (PGresult* result = PQgetResult(raw())) {
            results.push_back(take(result));
        }
    }
    return results;
}

SqlResult SqlClient::run(const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
    std::vector<const char*> values;
    for (const auto& value : parameters) {
        values.push_back(value ? value->c_str() : nullptr);
    }
    return take(PQexecParams(raw(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                             nullptr, nullptr, 0));
}

SqlResult SqlClient::prepare(const std::string& name, const std::string& sql) {
    return take(PQprepare(raw(), name.c_str(), sql.c_str(), 0, nullptr));
}

SqlResult SqlClient::execute(const std::string& name,
                             const std::vector<std::optional<std::string>>& parameters) {
    std::vector<const char*> values;
    for (const auto& value : parameters) {
        values.push_back(value ? value->c_str() : nullptr);
    }
    return take(PQexecPrepared(raw(), name.c_str(), static_cast<int>(values.size()), values.data(), nullptr,
                               nullptr, 0));
}

SqlResult SqlClient::run_binary(const std::string& sql, std::int64_t parameter) {
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) {
        bytes += static_cast<char>(static_cast<std::uint64_t>(parameter) >> shift);
    }
    const char* value = bytes.data();
    const int length = 8;
    const int format = 1;
    return take(PQexecParams(raw(), sql.c_str(), 1, nullptr, &value, &length, &format, 0));
}

SqlResult SqlClient::copy_in(const std::string& sql, std::string_view bytes) {
    auto begun = take(PQexec(raw(), sql.c_str()));
    if (!begun.good) {
        return begun;
    }
    PQputCopyData(raw(), bytes.data(), static_cast<int>(bytes.size()));
    PQputCopyEnd(raw(), nullptr);
    SqlResult last;
    while (PGresult* result = PQgetResult(raw())) {
        last = take(result);
    }
    return last;
}

std::string SqlClient::copy_out(const std::string& sql) {
    auto begun = take(PQexec(raw(), sql.c_str()));
    if (!begun.good) {
        return "error: " + begun.message;
    }
    std::string all;
    char* buffer = nullptr;
    int count = 0;
    while ((count = PQgetCopyData(raw(), &buffer, 0)) > 0) {
        all.append(buffer, static_cast<std::size_t>(count));
        PQfreemem(buffer);
    }
    while (PGresult* result = PQgetResult(raw())) {
        const auto last = take(result);
        if (!last.good) {
            return "error: " + last.message;
        }
    }
    return all;
}

}  // namespace domicile::test_support
