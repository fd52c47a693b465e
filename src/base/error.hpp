#pragma once
// The one error vocabulary: what went wrong, whose fault it is, what may be said to the client, and what only
// the log may hold. docs/errors.md lists every code; a test compares that page with the table here.

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace domicile::base {

/// Whose fault an error is.
enum class Fault : std::uint8_t {
    client,  ///< the request is wrong; repeating it unchanged is useless
    policy,  ///< the request is understood and not allowed
    node,    ///< a PostgreSQL node failed or is out of reach
    ours,    ///< a defect of Domicile or of its configuration
};

enum class Code : std::uint8_t {
    // client
    malformed_request,
    invalid_value,
    unknown_table,
    unknown_column,
    unknown_resource,
    no_range,
    not_found,
    method_not_allowed,
    unsupported_media_type,
    payload_too_large,
    headers_too_large,
    request_timeout,
    unique_violation,
    constraint_violation,
    precondition_failed,
    idempotency_mismatch,
    syntax_error,
    statement_too_complex,
    cannot_route,
    authentication_failed,
    unknown_statement,
    duplicate_statement,
    no_transaction,
    active_transaction,
    transaction_failed,
    copy_failed,
    // policy
    foreign_home,
    foreign_country,
    not_permitted,
    // node
    node_unavailable,
    node_timeout,
    commit_in_doubt,
    stale_route,
    overloaded,
    range_full,
    // ours
    configuration,
    protocol_violation,
    internal,
};

/// The fixed facts of a code.
struct CodeInfo {
    Code code;
    std::string_view slug;      ///< last segment of the RFC 9457 problem type; stable
    std::string_view sqlstate;  ///< PostgreSQL Appendix A class, as the SQL door reports it
    std::uint16_t http_status;  ///< RFC 9110, RFC 7725
    Fault fault;
    std::string_view title;  ///< short, the same for every occurrence
};

[[nodiscard]] const CodeInfo& info(Code code) noexcept;
[[nodiscard]] std::span<const CodeInfo> all_codes() noexcept;

/// `text` may be shown to a client: it names columns and rules, never a value of a row or a user id.
/// `detail` is for the log only. `rule` names the rule that refused, empty if none did.
struct Error {
    Code code = Code::internal;
    std::string text;
    std::string hint;
    std::string rule;
    std::string detail;
    std::uint32_t position = 0;  ///< in a SQL statement, in characters from 1; 0 = none
};

template <class T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string text, std::string hint = {},
                                                 std::string detail = {}) {
    return std::unexpected(Error{code, std::move(text), std::move(hint), {}, std::move(detail)});
}

/// "text (detail). hint", for a terminal of the operator who owns this machine. Never sent to a client.
[[nodiscard]] std::string describe(const Error& error);

}  // namespace domicile::base
