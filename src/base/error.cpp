#include "base/error.hpp"

#include "base/assert.hpp"

#include <array>
#include <cstdlib>

namespace domicile::base {
namespace {

// In the order of the enum: info() indexes it.
constexpr std::array codes = {
    CodeInfo{Code::malformed_request, "malformed-request", "08P01", 400, Fault::client,
             "The request cannot be read"},
    CodeInfo{Code::invalid_value, "invalid-value", "22023", 400, Fault::client,
             "A value does not fit its column"},
    CodeInfo{Code::unknown_table, "unknown-table", "42P01", 404, Fault::client, "No such table"},
    CodeInfo{Code::unknown_column, "unknown-column", "42703", 400, Fault::client, "No such column"},
    CodeInfo{Code::unknown_resource, "unknown-resource", "42704", 404, Fault::client, "No such resource"},
    CodeInfo{Code::no_range, "no-range", "22003", 404, Fault::client, "The user id lies in no range"},
    CodeInfo{Code::not_found, "not-found", "P0002", 404, Fault::client, "No such row"},
    CodeInfo{Code::method_not_allowed, "method-not-allowed", "0A000", 405, Fault::client,
             "Method not allowed here"},
    CodeInfo{Code::unsupported_media_type, "unsupported-media-type", "0A000", 415, Fault::client,
             "Only application/json is understood"},
    CodeInfo{Code::payload_too_large, "payload-too-large", "54000", 413, Fault::client,
             "The body is too large"},
    CodeInfo{Code::headers_too_large, "headers-too-large", "54000", 431, Fault::client,
             "The header is too large"},
    CodeInfo{Code::request_timeout, "request-timeout", "57014", 408, Fault::client,
             "The request came too slowly"},
    CodeInfo{Code::unique_violation, "unique-violation", "23505", 409, Fault::client,
             "The value is taken already"},
    CodeInfo{Code::constraint_violation, "constraint-violation", "23000", 422, Fault::client,
             "A constraint of the table refuses the row"},
    CodeInfo{Code::precondition_failed, "precondition-failed", "40001", 412, Fault::client,
             "The row has changed since it was read"},
    CodeInfo{Code::idempotency_mismatch, "idempotency-mismatch", "22023", 422, Fault::client,
             "The idempotency key was used with another request"},
    CodeInfo{Code::syntax_error, "syntax-error", "42601", 400, Fault::client, "The statement is no SQL"},
    CodeInfo{Code::statement_too_complex, "statement-too-complex", "54001", 413, Fault::client,
             "The statement is too large or too deep"},
    CodeInfo{Code::cannot_route, "cannot-route", "0A000", 422, Fault::client,
             "The statement cannot be routed to exact shards"},
    CodeInfo{Code::authentication_failed, "authentication-failed", "28P01", 401, Fault::client,
             "The login failed"},
    CodeInfo{Code::unknown_statement, "unknown-statement", "26000", 404, Fault::client,
             "No such prepared statement"},
    CodeInfo{Code::duplicate_statement, "duplicate-statement", "42P05", 409, Fault::client,
             "The prepared statement exists already"},
    CodeInfo{Code::no_transaction, "no-transaction", "25P01", 409, Fault::client, "No transaction is open"},
    CodeInfo{Code::active_transaction, "active-transaction", "25001", 409, Fault::client,
             "A transaction is open"},
    CodeInfo{Code::transaction_failed, "transaction-failed", "25P02", 409, Fault::client,
             "The transaction has failed"},
    CodeInfo{Code::copy_failed, "copy-failed", "57014", 499, Fault::client, "The client gave the COPY up"},
    CodeInfo{Code::foreign_home, "foreign-home", "42501", 451, Fault::policy,
             "The person's home is another jurisdiction"},
    CodeInfo{Code::foreign_country, "foreign-country", "42501", 451, Fault::policy,
             "People of this country have their home in another jurisdiction"},
    CodeInfo{Code::not_permitted, "not-permitted", "42501", 403, Fault::policy, "Not permitted"},
    CodeInfo{Code::node_unavailable, "node-unavailable", "57P03", 503, Fault::node,
             "The database node is out of reach"},
    CodeInfo{Code::node_timeout, "node-timeout", "57014", 504, Fault::node,
             "The database node did not answer in time"},
    CodeInfo{Code::commit_in_doubt, "commit-in-doubt", "08007", 502, Fault::node,
             "The outcome of the write is unknown"},
    CodeInfo{Code::stale_route, "stale-route", "55000", 503, Fault::node, "The range has just moved"},
    CodeInfo{Code::overloaded, "overloaded", "53300", 503, Fault::node, "Too many requests are waiting"},
    CodeInfo{Code::range_full, "range-full", "2200H", 507, Fault::node, "No open range has ids left"},
    CodeInfo{Code::configuration, "configuration", "F0000", 500, Fault::ours, "The configuration is wrong"},
    CodeInfo{Code::protocol_violation, "protocol-violation", "08P01", 502, Fault::ours,
             "The node broke the wire protocol"},
    CodeInfo{Code::internal, "internal", "XX000", 500, Fault::ours, "Internal error"},
};

consteval bool ordered() {
    for (std::size_t i = 0; i < codes.size(); ++i) {
        if (static_cast<std::size_t>(codes[i].code) != i) {
            return false;
        }
    }
    return codes.size() == static_cast<std::size_t>(Code::internal) + 1;
}
static_assert(ordered());

}  // namespace

const CodeInfo& info(Code code) noexcept {
    return codes[static_cast<std::size_t>(code)];
}

std::span<const CodeInfo> all_codes() noexcept {
    return codes;
}

std::string describe(const Error& error) {
    std::string line = error.text.empty() ? std::string(info(error.code).title) : error.text;
    if (!error.detail.empty()) {
        line += " (" + error.detail + ")";
    }
    if (!error.hint.empty()) {
        line += (line.ends_with('.') ? " " : ". ") + error.hint;
    }
    return line;
}

}  // namespace domicile::base
