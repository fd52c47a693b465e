#include "fleet/conf.hpp"

#include "fleet/secrets.hpp"
#include "fleet/text.hpp"
#include "vault/rotation.hpp"

#include <array>
#include <utility>

namespace domicile::fleet {
namespace {

constexpr std::size_t name_bytes_max = 63;  // PostgreSQL: NAMEDATALEN - 1

using Setting = std::pair<std::string_view, std::string_view>;

constexpr std::array common_settings = {
    Setting{"unix_socket_directories", ""},
    Setting{"password_encryption", "scram-sha-256"},
    Setting{"max_connections", "200"},
    Setting{"shared_buffers", "32MB"},
    Setting{"jit", "off"},
    Setting{"timezone", "UTC"},
    Setting{"log_timezone", "UTC"},
    Setting{"idle_in_transaction_session_timeout", "60s"},
    // A statement whose client was killed ends soon, and lets go of its locks.
    Setting{"client_connection_check_interval", "1s"},
    // Readers, and the logical streams of a range that moves.
    Setting{"wal_level", "logical"},
    Setting{"max_wal_senders", "16"},
    Setting{"max_replication_slots", "16"},
    Setting{"max_wal_size", "512MB"},
    Setting{"wal_keep_size", "64MB"},
    // A reader that is gone must not fill the writer's disk: beyond this its slot is lost and it is copied
    // anew.
    Setting{"max_slot_wal_keep_size", "2GB"},
    // Statements over several shards commit in two phases.
    Setting{"max_prepared_transactions", "64"},
    Setting{"hot_standby", "on"},
    Setting{"hot_standby_feedback", "on"},
    Setting{"wal_retrieve_retry_interval", "200ms"},
    Setting{"wal_receiver_status_interval", "1s"},
    Setting{"wal_sender_timeout", "20s"},
    Setting{"wal_receiver_timeout", "20s"},
};

// A log outlives an erasure, so no value of a row may reach it. Statements are never logged (the first five).
// Messages of level ERROR quote what they refuse ("invalid input syntax for type integer: ..."), so the
// threshold is above them: LOG, FATAL and PANIC remain, the errors themselves go to the client. Terse drops
// DETAIL (unique violations show the key there; a crash shows the query) and CONTEXT (COPY shows the line),
// and with DETAIL the debug_print_* trees that any role could switch on. These stand last, so that
// `embedded.settings` cannot undo them.
constexpr std::array private_settings = {
    Setting{"log_statement", "none"},
    Setting{"log_min_duration_statement", "-1"},
    Setting{"log_min_duration_sample", "-1"},
    Setting{"log_transaction_sample_rate", "0"},
    Setting{"log_min_error_statement", "panic"},
    Setting{"log_min_messages", "log"},
    Setting{"log_error_verbosity", "terse"},
    Setting{"log_parameter_max_length", "0"},
    Setting{"log_parameter_max_length_on_error", "0"},
    Setting{"log_line_prefix", "%m [%p] "},
    Setting{"log_connections", "off"},
    Setting{"log_disconnections", "off"},
    Setting{"log_destination", "stderr"},
    Setting{"logging_collector", "off"},
    Setting{"lc_messages", "C"},
};

void put(std::string& text, std::string_view name, std::string_view value) {
    text.append(name).append(" = ").append(conf_value(value)).append("\n");
}

/// A value inside a libpq connection string.
std::string conninfo_value(std::string_view text) {
    std::string result = "'";
    for (const char byte : text) {
        if (byte == '\'' || byte == '\\') {
            result += '\\';
        }
        result += byte;
    }
    return result + "'";
}

bool loopback(std::string_view host) {
    return host.starts_with("127.") || host == "::1" || host == "localhost";
}

}  // namespace

std::string conf_value(std::string_view text) {
    // PostgreSQL's configuration reader takes backslash escapes inside quotes.
    std::string result = "'";
    for (const char byte : text) {
        if (byte == '\'' || byte == '\\') {
            result += byte;
        }
        result += byte;
    }
    return result + "'";
}

std::string postgres_conf(const topology::Topology& topology, const topology::Node& node,
                          const Upstream* upstream) {
    std::string text = "# Written by `domicile up` at each start: changes here are lost.\n";
    put(text, "listen_addresses", node.address.host);
    put(text, "port", std::to_string(node.address.port));
    put(text, "cluster_name", application_name(node.name));
    for (const auto& [name, value] : common_settings) {
        put(text, name, value);
    }
    if (topology.embedded.tls) {
        put(text, "ssl", "on");
        put(text, "ssl_cert_file", "server.crt");
        put(text, "ssl_key_file", "server.key");
        put(text, "ssl_min_protocol_version", "TLSv1.2");
    }
    if (!topology.embedded.durable) {
        for (const auto name : {"fsync", "full_page_writes", "synchronous_commit"}) {
            put(text, name, "off");
        }
    }
    for (const auto& [name, value] : topology.embedded.settings) {
        put(text, name, value);
    }
    if (upstream != nullptr) {
        // tcp_user_timeout: when a reader stands still with its socket full, the writer's end hangs while it
        // says goodbye, and with it the checkpoint that wants the slot back. wal_sender_timeout does not help
        // there.
        put(text, "primary_conninfo",
            "host=" + conninfo_value(upstream->writer.host) +
                (upstream->relay.port != 0 ? " hostaddr=" + conninfo_value(upstream->relay.host)
                                           : std::string()) +
                " port=" +
                std::to_string(upstream->relay.port != 0 ? upstream->relay.port : upstream->writer.port) +
                " user=" + conninfo_value(upstream->user) +
                " passfile=" + conninfo_value(upstream->passfile.string()) +
                " application_name=" + conninfo_value(upstream->application) + " connect_timeout=5 " +
                (topology.embedded.tls
                     ? "sslmode=verify-full sslrootcert=" + conninfo_value(upstream->authority)
                     : std::string("sslmode=disable")) +
                " options='-c tcp_user_timeout=20000'");
        put(text, "primary_slot_name", upstream->slot);
    }
    for (const auto& [name, value] : private_settings) {
        put(text, name, value);
    }
    return text;
}

std::string hba_conf(const topology::Topology& topology, const topology::Node& node) {
    const auto database = sql_identifier(topology.database.name);
    std::string text = "# Written by `domicile up` at each start: changes here are lost.\n";
    std::array<std::string_view, 3> addresses = {"127.0.0.1/32", "::1/128", ""};
    if (!loopback(node.address.host)) {
        addresses[2] = "samehost";
    }
    for (const auto address : addresses) {
        if (address.empty()) {
            continue;
        }
        // Our own upkeep, on the node's machine, speaks as it always did; gateways and readers may be
        // elsewhere.
        const auto line = [&](const std::string& databases, std::string_view role) {
            const bool travels = role == roles::gateway || role == roles::replication;
            text.append(topology.embedded.tls && travels ? "hostssl " : "host ")
                .append(databases)
                .append(" ")
                .append(role)
                .append(",")
                .append(vault::other_user(role, role))
                .append(" ")
                .append(address);
            text.append(" scram-sha-256\n");
        };
        line("postgres," + database, roles::superuser);
        for (const auto role :
             {roles::owner, roles::gateway, roles::monitor, roles::worker, roles::officer}) {
            line(database, role);
        }
        if (node.shard.value >= topology.shards.size()) {
            line(database, roles::figures);
        }
        line("replication", roles::replication);
    }
    return text + "host all all all reject\nhost replication all all reject\nlocal all all reject\n";
}

std::string slot_name(std::string_view node) {
    std::string result(slot_prefix);
    for (const char byte : node.substr(0, name_bytes_max - slot_prefix.size() - 9)) {
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        result += plain ? byte : '_';
    }
    return result + "_" + short_hash(node);
}

std::string application_name(std::string_view node) {
    return node.size() <= name_bytes_max ? std::string(node) : slot_name(node);
}

}  // namespace domicile::fleet
