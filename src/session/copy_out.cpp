// COPY … TO STDOUT over several shards: the rows of a gathered read, written as PostgreSQL writes them.

#include "base/limits.hpp"
#include "session/copy_rows.hpp"
#include "session/gather_run.hpp"
#include "session/node_call.hpp"
#include "session/session.hpp"
#include "wire/frontend.hpp"
#include "wire/message.hpp"
#include "wire/server.hpp"

namespace domicile::session {

using base::Code;

/// The read whose rows are meant. COPY of a table leaves generated columns out, as PostgreSQL does.
Task<base::Result<std::string>> Session::copied_query(const CopyStatement& copy, const routing::Plan& plan) {
    if (!copy.query.empty()) {
        co_return std::string(copy.query);
    }
    std::vector<std::string> columns = copy.columns;
    if (columns.empty()) {
        auto lease = co_await lease_for(plan);
        if (!lease) {
            co_return std::unexpected(lease.error());
        }
        const auto asked =
            co_await call(**lease, columns_question(copy.table), base::limits::statement_timeout);
        if (!asked || !asked->good() || asked->rows.empty()) {
            co_return base::fail(Code::node_unavailable, "The columns of the table cannot be read.");
        }
        for (const auto& row : asked->rows) {
            columns.push_back(row[0].value_or(""));
        }
    }
    std::string query = "SELECT ";
    for (const auto& column : columns) {
        query += (&column == &columns.front() ? "" : ", ") + sql_identifier(column);
    }
    co_return query + " FROM " + sql_identifier(copy.table);
}

Task<base::Status> Session::run_copy_out(const Said& said, const routing::Route& route) {
    const auto copy = parse_copy(said.text, standard_strings_);
    if (!copy) {
        co_return std::unexpected(copy.error());
    }
    const auto query = co_await copied_query(*copy, route.plan);
    if (!query) {
        co_return std::unexpected(query.error());
    }
    const bool binary = copy->format.kind == CopyFormat::Kind::binary;
    wire::Bind bind;
    bind.result_formats = wire::Formats(std::string_view("\0\1", 2).substr(0, binary ? 2 : 0));
    Said read;
    read.text = *query;
    read.facts = said.facts;
    read.bind = &bind;
    auto made = co_await new_gather(read, route);
    if (!made) {
        co_return std::unexpected(made.error());
    }
    GatherRun& run = **made;
    working_on(run);
    auto done = co_await run.start();
    std::optional<CopyRows> rows;
    if (done) {
        std::vector<std::string> names;
        for (const auto& column : run.columns()) {
            names.push_back(column.name);
        }
        auto writer = CopyRows::of(copy->format, std::move(names));
        if (writer) {
            rows = std::move(*writer);
        } else {
            done = std::unexpected(writer.error());
        }
    }
    if (done) {
        wire::append_copy_out_response(out_, binary ? wire::CopyFormat::binary : wire::CopyFormat::text,
                                       run.columns().size());
        // A message a row, as PostgreSQL does it (its docs, "COPY Operations"): clients take messages for
        // rows. The line of names is one, too; the header of the binary format comes with the first row.
        std::string piece = rows->head();
        const auto flush_piece = [&] {
            if (!piece.empty()) {
                wire::append_copy_data(out_, piece);
                piece.clear();
            }
        };
        if (!binary) {
            flush_piece();
        }
        run.sink = [&](const GatherRun::Fields& fields, std::size_t columns) {
            rows->append(piece, std::span(fields).first(columns));
            flush_piece();
        };
        const auto all = co_await run.fetch(0);
        done = all ? base::Status{} : base::Status(std::unexpected(all.error()));
        if (done) {
            piece += rows->tail();
            flush_piece();
            wire::append_copy_done(out_);
        }
    }
    co_await end_work();
    if (!done) {
        node_error_ = run.node_error();
        co_return done;
    }
    wire::append_command_complete(out_, "COPY " + std::to_string(run.fetched()));
    co_return base::Status{};
}

}  // namespace domicile::session
