#pragma once
// Takes PostgreSQL's replies to the door's statements: rows become JSON as they are read.

#include "base/buffer.hpp"
#include "base/error.hpp"
#include "http/page.hpp"
#include "http/shape.hpp"
#include "pool/connection.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::http {

/// What a pipeline of ours can meet: rows of statement 0, an error, and the write position from statement 1.
class DoorSink : public pool::ReplySink {
  public:
    /// `parameters` names the column behind each parameter of statement 0. Both outlive the sink.
    DoorSink(const TableShape& shape, std::span<const std::string> parameters)
        : shape_(shape), parameters_(parameters) {}

    void row(std::uint32_t index, std::string_view data_row) override;
    void complete(std::uint32_t index, std::uint64_t count) override;
    void error(std::uint32_t index, const wire::ServerError& server_error) override;

    std::uint64_t rows = 0;
    std::uint64_t affected = 0;
    std::optional<std::uint64_t> lsn;
    std::optional<base::Error> failed;
    bool stale_schema = false;
    std::string constraint;  ///< the one that refused, if any

  protected:
    virtual void take(wire::RowReader& /*reader*/) {}

  private:
    const TableShape& shape_;
    std::span<const std::string> parameters_;
};

/// One row into the body; keeps its version, and the text of the columns it is asked for.
class RowSink final : public DoorSink {
  public:
    RowSink(base::Buffer& body, std::span<const Column* const> columns, const TableShape& shape,
            std::span<const std::string> parameters)
        : DoorSink(shape, parameters), body_(body), columns_(columns) {}

    std::string version;
    std::string fingerprint;  ///< only where the statement gives one
    /// Columns whose text is wanted, in this order, and then the texts.
    std::span<const std::string> wanted;
    std::vector<std::string> texts;

  protected:
    void take(wire::RowReader& reader) override;

  private:
    base::Buffer& body_;
    std::span<const Column* const> columns_;
};

/// A page of rows into the body; keeps the order values of the last row that counts.
class PageSink final : public DoorSink {
  public:
    PageSink(base::Buffer& body, const Page& page, const TableShape& shape)
        : DoorSink(shape, page.sql.columns), body_(body), page_(page) {}

    std::vector<std::optional<std::string>> last;
    [[nodiscard]] bool more() const { return more_; }

  protected:
    void take(wire::RowReader& reader) override;

  private:
    base::Buffer& body_;
    const Page& page_;
    bool full_ = false;
    bool more_ = false;
};

}  // namespace domicile::http
