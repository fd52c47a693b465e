// From the first byte to ReadyForQuery (PostgreSQL docs, "Start-up", "SSL Session Encryption").

#include "base/limits.hpp"
#include "crypto/random.hpp"
#include "session/session.hpp"
#include "wire/backend.hpp"
#include "wire/frontend.hpp"
#include "wire/scram_server.hpp"
#include "wire/server.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace domicile::session {
namespace {

namespace limits = base::limits;
using wire::Severity;

constexpr std::size_t read_bytes = 8U << 10U;
constexpr std::chrono::seconds login_timeout{10};
constexpr char tls_handshake = 0x16;  // RFC 8446 section 5.1: a client that speaks TLS without asking, as
                                      // PostgreSQL 17 allows (docs, "SSL Session Encryption")

/// PostgreSQL's pg_clean_ascii: the name must not break a log line.
std::string clean_ascii(std::string_view text) {
    std::string result(text.substr(0, 63));
    std::ranges::replace_if(result, [](char c) { return c < 32 || c > 126; }, '?');
    return result;
}

/// Splits "options" at blanks; a backslash takes the next byte as it is (PostgreSQL: pg_split_opts).
std::vector<std::string> split_options(std::string_view text) {
    std::vector<std::string> words;
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r')) {
            inside = false;
            continue;
        }
        if (text[i] == '\\' && i + 1 < text.size()) {
            ++i;
        }
        if (!inside) {
            words.emplace_back();
            inside = true;
        }
        words.back() += text[i];
    }
    return words;
}

bool is_loopback(std::string_view address) {
    return address.starts_with("127.") || address == "::1";
}

}  // namespace

Task<bool> Session::log_in() {
    client_.expires_after(login_timeout);
    wire::StartupPacket packet;
    if (door_.shared().tls != nullptr) {
        co_await client_.until_readable();
        if (client_.peek() == tls_handshake && co_await client_.accept_tls(door_.shared().tls)) {
            co_return false;
        }
    }
    for (;;) {
        const wire::Scan found = wire::scan_startup(in_.view(), packet);
        if (found == wire::Scan::broken) {
            co_return false;  // not PostgreSQL: no word, as PostgreSQL does
        }
        if (found == wire::Scan::more) {
            const auto failed = co_await client_.read_some(in_, read_bytes);
            if (failed) {
                co_return false;
            }
            continue;
        }
        using Kind = wire::StartupPacket::Kind;
        if (packet.kind == Kind::ssl_request || packet.kind == Kind::gssenc_request) {
            if (in_.size() != packet.bytes) {
                co_return false;  // bytes before the answer: stuffed in by someone between (CVE-2021-23214)
            }
            in_.clear();
            const bool secure =
                packet.kind == Kind::ssl_request && door_.shared().tls != nullptr && !client_.secure();
            if (co_await client_.write(secure ? "S" : "N")) {
                co_return false;
            }
            if (secure && co_await client_.accept_tls(door_.shared().tls)) {
                co_return false;
            }
            continue;
        }
        if (packet.kind == Kind::cancel_request) {
            door_.shared().cancels.cancel(packet.process_id, packet.secret_key);
            co_return false;
        }
        if (packet.kind == Kind::unsupported_version) {
            co_return co_await fatal("0A000",
                                     "unsupported frontend protocol " + std::to_string(packet.major) + "." +
                                         std::to_string(packet.minor) + ": server supports 3.0 to 3.0");
        }
        if (packet.kind == Kind::malformed) {
            co_return co_await fatal("08P01", "invalid startup packet layout");
        }
        break;
    }
    if (packet.needs_negotiation()) {
        wire::append_negotiate_protocol_version(out_, packet.settings());
    }
    user_ = packet.find("user").value_or("");
    database_ = packet.find("database").value_or(user_);
    if (database_.empty()) {
        database_ = user_;
    }
    if (user_.empty()) {
        co_return co_await fatal("28000", "no PostgreSQL user name specified in startup packet");
    }
    const auto replication = packet.find("replication").value_or("");
    if (!replication.empty() && replication != "false" && replication != "off" && replication != "no" &&
        replication != "0") {
        co_return co_await fatal("0A000", "replication is not served by a gateway");
    }
    if (!apply_start_settings(packet)) {
        co_return co_await fatal("22023", "invalid command-line arguments for server process");
    }
    const std::size_t bytes = packet.bytes;
    if (!co_await authenticate(packet)) {
        co_return false;
    }
    std::ignore = bytes;
    if (database_ != door_.shared().topology.database.name) {
        co_return co_await fatal("3D000", "database \"" + clean_ascii(database_) + "\" does not exist");
    }
    co_return co_await greet();
}

bool Session::apply_start_settings(const wire::StartupPacket& packet) {
    const auto take = [this](std::string_view name, std::string_view value) {
        if (name.starts_with("domicile.")) {
            sql::Setting setting;
            setting.name = name;
            setting.value = value;
            return set_own(setting).has_value();
        }
        settings_.start_with(name, value);
        return true;
    };
    // Options come first: what the packet names by itself stands above them (PostgreSQL:
    // process_startup_options).
    const auto take_options = [&](std::string_view value) {
        const auto words = split_options(value);
        for (std::size_t i = 0; i < words.size(); ++i) {
            std::string_view word = words[i];
            if (word == "-c" && i + 1 < words.size()) {
                word = words[++i];
            } else if (word.starts_with("-c") || word.starts_with("--")) {
                word.remove_prefix(2);
            } else {
                return false;
            }
            const auto equals = word.find('=');
            if (equals == std::string_view::npos) {
                return false;
            }
            std::string option(word.substr(0, equals));
            std::ranges::replace(option, '-', '_');
            if (!take(option, word.substr(equals + 1))) {
                return false;
            }
        }
        return true;
    };
    for (const auto& [name, value] : packet.settings()) {
        if (name == "options" && !take_options(value)) {
            return false;
        }
    }
    for (const auto& [name, value] : packet.settings()) {
        if (name == "options" || name == "user" || name == "database" || name == "replication" ||
            wire::is_protocol_option(name)) {
            continue;
        }
        if (name == "application_name") {
            application_ = clean_ascii(value);
            settings_.start_with(name, application_);
            continue;
        }
        if (!take(name, value)) {
            return false;
        }
    }
    return true;
}

Task<bool> Session::logged_in(access::Caller caller, const std::string& role, bool superuser) {
    const auto& shared = door_.shared();
    shared.metrics.logins.add();
    shared.judge.note_login(caller, true, {});
    pool_ = &door_.pool(role);
    superuser_ = superuser;
    expires_ = caller.principal.expires;
    profile_ = door_.profile(std::move(caller));
    co_return true;
}

/// One answer, whatever was wrong; the later the more was wrong before.
Task<bool> Session::login_refused(std::string_view address, const wire::Report& report) {
    auto& shared = door_.shared();
    shared.metrics.login_failures.add();
    access::Caller nobody;
    nobody.principal.jurisdiction = shared.own();
    nobody.door = "sql";
    shared.judge.note_login(nobody, false, routing::rules::credentials);
    const auto wait = shared.slowdown.wait(address, user_);
    shared.slowdown.failed(address, user_);
    if (wait.count() > 0) {
        net::Timer timer(door_.loop());
        co_await timer.wait(wait);
    }
    wire::Report fatal_report = report;
    fatal_report.severity = Severity::fatal;
    wire::append_error(out_, fatal_report);
    co_await flush_client();
    co_return false;
}

/// A token, or for a login that has one its password. Only where nobody listens in between.
Task<bool> Session::authenticate_in_clear(const Login* known) {
    const auto& shared = door_.shared();
    const std::string address = client_.peer().host();
    wire::append_authentication_cleartext(out_);
    if (!co_await flush_client()) {
        co_return false;
    }
    wire::Frame frame;
    wire::Scan found = wire::scan_authentication(in_.view(), frame);
    while (found == wire::Scan::more) {
        if (co_await client_.read_some(in_, read_bytes)) {
            co_return false;
        }
        found = wire::scan_authentication(in_.view(), frame);
    }
    if (found == wire::Scan::broken || frame.type != wire::frontend::password || frame.body.empty() ||
        frame.body.back() != '\0') {
        co_return co_await fatal("08P01", "expected a password");
    }
    const base::Secret<std::string> password(std::string(frame.body.substr(0, frame.body.size() - 1)));
    in_.consume(frame.bytes());
    access::Caller caller;
    caller.address = address;
    caller.secure = client_.secure();
    caller.door = "sql";
    if (iam::looks_like_token(password.reveal())) {
        const auto principal = door_.tokens().authenticate(password.reveal(), std::time(nullptr));
        // The user's name is the principal's, one of its roles, or plainly "token".
        if (principal && (user_ == "token" || user_ == (*principal)->name ||
                          std::ranges::find((*principal)->roles, user_) != (*principal)->roles.end())) {
            caller.principal = **principal;
            const bool defines =
                std::ranges::find(caller.principal.roles, "operator") != caller.principal.roles.end();
            shared.slowdown.succeeded(user_);
            co_return co_await logged_in(std::move(caller), defines ? shared.operator_role : shared.rows_role,
                                         false);
        }
    } else if (known != nullptr) {
        const auto& verifier = known->verifier;
        const auto salted =
            crypto::scram_salted_password(password.reveal(), verifier.salt, verifier.iterations);
        const auto client_key = crypto::hmac_sha256(crypto::view(salted), "Client Key");
        const auto stored = crypto::sha256(crypto::view(client_key));
        if (crypto::equal_constant_time(crypto::view(stored), crypto::view(verifier.stored_key)) &&
            !verifier.doomed) {
            caller.principal.name = user_;
            caller.principal.roles = {user_};
            caller.principal.jurisdiction = shared.own();
            shared.slowdown.succeeded(user_);
            co_return co_await logged_in(std::move(caller), known->role, known->superuser);
        }
    }
    wire::Report report;
    report.sqlstate = "28P01";
    const std::string text = "password authentication failed for user \"" + clean_ascii(user_) + "\"";
    report.message = text;
    co_return co_await login_refused(address, report);
}

Task<bool> Session::authenticate(const wire::StartupPacket& packet) {
    in_.consume(packet.bytes);
    const auto& logins = door_.shared().logins;
    const auto known = logins.find(user_);
    const std::string address = client_.peer().host();
    // A service that has shown a certificate of its own name needs nothing else (PostgreSQL docs,
    // "Certificate Authentication").
    if (client_.secure() && known == logins.end()) {
        auto principal = door_.shared().authenticator.recognise(client_.peer_certificate());
        if (principal && principal->name == user_) {
            access::Caller caller;
            caller.principal = std::move(*principal);
            caller.address = address;
            caller.secure = true;
            caller.door = "sql";
            const bool defines = std::ranges::count(caller.principal.roles, "operator") != 0;
            const auto& shared = door_.shared();
            co_return co_await logged_in(std::move(caller), defines ? shared.operator_role : shared.rows_role,
                                         false);
        }
    }
    const bool asks_for_token = known != logins.end()
                                    ? known->second.takes_token
                                    : user_ == "token" || door_.shared().judge.policies().has_role(user_);
    if (asks_for_token && (client_.secure() || is_loopback(address))) {
        co_return co_await authenticate_in_clear(known == logins.end() ? nullptr : &known->second);
    }
    const std::string nonce = crypto::random_token(18);
    wire::ScramServer scram(known != logins.end()
                                ? known->second.verifier
                                : crypto::mock_scram_verifier(door_.shared().mock_secret, user_,
                                                              logins.begin()->second.verifier.iterations),
                            nonce);
    scram.begin(out_);
    for (;;) {
        if (!co_await flush_client()) {
            co_return false;
        }
        wire::Frame frame;
        wire::Scan found = wire::scan_authentication(in_.view(), frame);
        while (found == wire::Scan::more) {
            if (co_await client_.read_some(in_, read_bytes)) {
                co_return false;
            }
            found = wire::scan_authentication(in_.view(), frame);
        }
        if (found == wire::Scan::broken || frame.type != wire::frontend::password) {
            co_return co_await fatal("08P01", "expected SASL response");
        }
        const auto step = scram.advance(frame, out_);
        in_.consume(frame.bytes());
        if (step == wire::ScramServer::Step::proven && known != logins.end()) {
            access::Caller caller;
            caller.principal.name = user_;
            caller.principal.roles = {user_};
            caller.principal.jurisdiction = door_.shared().own();
            caller.address = address;
            caller.secure = client_.secure();
            caller.door = "sql";
            door_.shared().slowdown.succeeded(user_);
            co_return co_await logged_in(std::move(caller), known->second.role, known->second.superuser);
        }
        if (step != wire::ScramServer::Step::more) {
            co_return co_await login_refused(address, scram.refusal());
        }
    }
}

Task<bool> Session::greet() {
    // What a node says of itself; asked once per thread, then known.
    const bool only_name =
        settings_.current() == nullptr ||
        (settings_.current()->size() == 1 && settings_.current()->contains("application_name"));
    std::string key;
    if (!only_name) {
        for (const auto& [name, sql] : *settings_.current()) {
            if (name != "application_name") {
                key += sql + ";";
            }
        }
    }
    auto known = door_.greetings().find(key);
    if (known == door_.greetings().end()) {
        const sql::Facts none;
        const LiteralConstants constants({}, {});
        const auto routed = route(none, constants);
        if (!routed) {
            co_return co_await fatal("57P03", routed.error().error.text);
        }
        auto lease = co_await pool_->acquire(routed->plan);
        if (!lease) {
            co_return co_await fatal("57P03", lease.error().text);
        }
        pool::Connection& connection = **lease;
        auto statuses = door_.greeting();
        const std::string sql = difference(connection.settings(), settings_.current());
        if (!sql.empty()) {
            wire::append_query(connection.out(), sql);
            connection.relay().sent(wire::Relay::Sent::query, true);
            connection.stream().expires_after(limits::statement_timeout);
            auto failed = co_await connection.stream().write(connection.out().view());
            connection.out().clear();
            while (!failed && !connection.relay().in_step()) {
                wire::Frame frame;
                const auto scanned = wire::scan(connection.in().view(), frame);
                if (scanned == wire::Scan::more) {
                    failed = co_await connection.stream().read_some(connection.in(), read_bytes);
                    continue;
                }
                if (scanned == wire::Scan::broken ||
                    connection.relay().advance(frame.type, frame.body) == wire::Relay::Event::broken) {
                    failed = std::make_error_code(std::errc::protocol_error);
                    break;
                }
                if (frame.type == wire::backend::parameter_status) {
                    wire::Reader reader(frame.body);
                    const auto name = reader.cstring();
                    statuses[std::string(name)] = reader.cstring();
                }
                wire::ServerError error;
                if (frame.type == wire::backend::error_response && wire::decode(frame.body, error)) {
                    const std::string state(error.sqlstate);
                    const std::string message(error.message);
                    connection.close();
                    co_return co_await fatal(state, message);
                }
                connection.in().consume(frame.bytes());
            }
            connection.stream().expires_never();
            if (failed) {
                connection.close();
                co_return co_await fatal("57P03", "The database node is out of reach.");
            }
            connection.note_settings(settings_.current());
        }
        if (door_.greetings().size() >= 256) {
            door_.greetings().clear();  // clients that invent settings must not grow our memory
        }
        statuses.erase("application_name");
        known = door_.greetings()
                    .emplace(key, std::vector<std::pair<std::string, std::string>>(statuses.begin(),
                                                                                   statuses.end()))
                    .first;
    }
    wire::append_authentication_ok(out_);
    wire::append_parameter_status(out_, "application_name", application_);
    for (const auto& [name, value] : known->second) {
        wire::append_parameter_status(out_, name, value);
        if (name == "standard_conforming_strings") {
            standard_strings_ = value == "on";
        }
    }
    key_ = door_.shared().cancels.add(door_.loop(), *this);
    keyed_ = true;
    wire::append_backend_key_data(out_, key_.process_id, key_.secret);
    wire::append_ready_for_query(out_, 'I');
    client_.expires_never();
    co_return co_await flush_client();
}

}  // namespace domicile::session
