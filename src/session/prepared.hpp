#pragma once
// A client's prepared statements, shared by all clients of a thread that prepare the same text, so that a
// node connection parses it once; and the constants of one execution for routing.

#include "routing/statement.hpp"
#include "sql/analyser.hpp"
#include "wire/client.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace domicile::session {

/// A parsed statement of the extended protocol.
struct Prepared {
    std::uint64_t id = 0;  ///< 0: the client's unnamed one, parsed anew each time
    std::string sql;
    std::string types;                        ///< as they stand in Parse: count and OIDs
    std::shared_ptr<const sql::Facts> facts;  ///< of its one statement
    std::vector<sql::Literal> literals;
    std::uint32_t text_offset = 0;  ///< of the statement in `sql`; the literals count from there
    std::uint32_t text_length = 0;

    [[nodiscard]] std::string_view text() const noexcept {
        return std::string_view(sql).substr(text_offset, text_length);
    }
};
using PreparedPtr = std::shared_ptr<Prepared>;

/// One per thread.
class PreparedStore {
  public:
    /// Errors of Analyser::analyse.
    base::Result<PreparedPtr> named(sql::Analyser& analyser, std::string_view sql, std::string_view types,
                                    bool standard_strings);
    /// Fills `into` anew, reusing its memory.
    static base::Status unnamed(sql::Analyser& analyser, std::string_view sql, std::string_view types,
                                bool standard_strings, Prepared& into);
    [[nodiscard]] std::size_t size() const noexcept { return by_text_.size(); }

  private:
    void sweep();
    std::unordered_map<std::string, std::weak_ptr<Prepared>> by_text_;
    std::uint64_t last_id_ = 0;
    std::size_t sweep_at_ = 1'024;
};

/// "_d<id>": its name on a node connection.
[[nodiscard]] std::string_view node_name(std::uint64_t id, std::span<char, 24> storage);

/// Constants of a statement's text.
class LiteralConstants : public routing::Constants {
  public:
    LiteralConstants(std::string_view text, std::span<const sql::Literal> literals)
        : text_(text), literals_(literals) {}
    [[nodiscard]] routing::Constant at(const sql::Operand& operand) const override;
    [[nodiscard]] bool array(const sql::Operand& operand, std::vector<std::int64_t>& ids) const override;

  private:
    std::string_view text_;
    std::span<const sql::Literal> literals_;
};

/// Of a statement of SQL's PREPARE, whose parameters are the arguments of an EXECUTE.
class ExecuteConstants final : public LiteralConstants {
  public:
    ExecuteConstants(std::string_view text, std::span<const sql::Literal> literals,
                     std::span<const std::optional<sql::Operand>> arguments, const routing::Constants& outer)
        : LiteralConstants(text, literals), arguments_(arguments), outer_(outer) {}
    [[nodiscard]] routing::Constant at(const sql::Operand& operand) const override {
        if (operand.source != sql::Operand::Source::parameter) {
            return LiteralConstants::at(operand);
        }
        const auto* argument = find(operand);
        return argument == nullptr ? routing::Constant{} : outer_.at(*argument);
    }
    [[nodiscard]] bool array(const sql::Operand& operand, std::vector<std::int64_t>& ids) const override {
        if (operand.source != sql::Operand::Source::parameter) {
            return LiteralConstants::array(operand, ids);
        }
        const auto* argument = find(operand);
        return argument != nullptr && outer_.array(*argument, ids);
    }

  private:
    [[nodiscard]] const sql::Operand* find(const sql::Operand& operand) const {
        const std::size_t index = operand.index - 1U;
        return index < arguments_.size() && arguments_[index] ? &*arguments_[index] : nullptr;
    }
    std::span<const std::optional<sql::Operand>> arguments_;
    const routing::Constants& outer_;
};

/// And of its parameters. Views live as long as the Bind.
class BoundConstants final : public LiteralConstants {
  public:
    BoundConstants(const Prepared& prepared, const wire::Bind& bind)
        : LiteralConstants(prepared.text(), prepared.literals), prepared_(prepared), bind_(bind) {}
    [[nodiscard]] routing::Constant at(const sql::Operand& operand) const override;
    [[nodiscard]] bool array(const sql::Operand& operand, std::vector<std::int64_t>& ids) const override;

  private:
    /// Format (true: binary) and bytes; false if there is no such parameter.
    [[nodiscard]] bool parameter(std::uint32_t number, bool& binary,
                                 std::optional<std::string_view>& value) const;
    [[nodiscard]] std::uint32_t type(std::uint32_t number) const;
    const Prepared& prepared_;
    const wire::Bind& bind_;
};

/// A decimal integer as PostgreSQL's input functions read one: blanks around, a sign.
[[nodiscard]] routing::Constant parse_integer(std::string_view text, bool negative = false);

}  // namespace domicile::session
