#pragma once
// Every bound of the data path, in one place. Units are in the names.

#include <chrono>
#include <cstddef>

namespace domicile::base::limits {

using namespace std::chrono_literals;

// Wire (PostgreSQL protocol).
inline constexpr std::size_t wire_message_bytes_max = 64U << 20U;
inline constexpr std::size_t wire_startup_bytes_max = 10'000;  // PostgreSQL: MAX_STARTUP_PACKET_LENGTH
inline constexpr std::size_t wire_columns_max = 1'664;         // PostgreSQL: MaxTupleAttributeNumber
inline constexpr int scram_iterations_max = 1'000'000;

// SQL text. A tree of PostgreSQL's parser takes up to a hundred bytes a token.
inline constexpr std::size_t sql_statement_bytes_max = 16U << 20U;
inline constexpr std::size_t sql_tokens_max = 4'000'000;
inline constexpr std::size_t sql_statements_max = 10'000;  // of one script
inline constexpr std::size_t sql_depth_max = 500;
inline constexpr std::size_t sql_tables_max = 1'000;
/// Nodes of one predicate on the key; a larger one bounds nothing.
inline constexpr std::size_t sql_key_nodes_max = 1'024;
/// Steps of one analysis beyond one pass over the tree: names compared, predicates copied.
inline constexpr std::size_t sql_work_max = 20'000'000;
inline constexpr std::size_t sql_shape_bytes_max = 16U << 10U;   // longer ones are not remembered
inline constexpr std::size_t sql_cache_bytes_max = 16U << 20U;   // per thread
inline constexpr std::size_t sql_buffer_bytes_kept = 1U << 20U;  // between statements

// Pool.
inline constexpr std::size_t statements_per_connection_max = 256;
inline constexpr std::size_t waiters_per_node_max = 1'024;
inline constexpr auto connect_timeout = 2s;
inline constexpr auto probe_interval = 250ms;
inline constexpr auto probe_timeout = 1'500ms;
/// How long a read waits for a reader to become fresh enough when no writer is there to serve it.
inline constexpr auto fresh_reader_wait = 600ms;
/// A reader further behind its writer than this serves nothing.
inline constexpr auto reader_lag_max = 10s;

// HTTP door.
inline constexpr std::size_t http_header_bytes_max = 16U << 10U;
inline constexpr std::size_t http_target_bytes_max = 4U << 10U;
inline constexpr std::size_t http_body_bytes_max = 1U << 20U;
/// A page ends early, with a cursor, when its rows have grown to this.
inline constexpr std::size_t http_page_bytes_max = 8U << 20U;
inline constexpr std::size_t http_pages_max = 1'000;
inline constexpr std::size_t http_page_default = 100;
inline constexpr std::size_t http_filters_max = 16;
inline constexpr std::size_t idempotency_key_bytes_max = 128;
inline constexpr std::size_t json_depth_max = 32;
inline constexpr auto http_idle_timeout = 60s;
inline constexpr auto http_request_timeout = 10s;
inline constexpr auto http_write_timeout = 10s;
inline constexpr auto statement_timeout = 5s;

// A statement ends in time for the request that carries it, and a connect for the statement.
static_assert(statement_timeout < http_request_timeout);
static_assert(connect_timeout < statement_timeout);
// Two probes at least fit into the wait.
static_assert(fresh_reader_wait >= 2 * probe_interval);

}  // namespace domicile::base::limits
