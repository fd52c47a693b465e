#pragma once
// One client of the SQL door from its first byte to its last. Transaction pooling: a node connection is held
// for a transaction (or for good, once something pins it), and the client's own messages are relayed over it.
//
// Nothing is sent to a node before the shard is known. Messages of the extended protocol wait in `pending_`
// until a Bind decides, or a Sync says that nothing will.

#include "net/stream.hpp"
#include "pool/pool.hpp"
#include "routing/statement.hpp"
#include "session/copy_split.hpp"
#include "session/door.hpp"
#include "session/gather_run.hpp"
#include "session/prepared.hpp"
#include "session/settings_tracker.hpp"
#include "wire/client.hpp"
#include "wire/server.hpp"

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace domicile::session {

/// SET domicile.read.
enum class ReadMode : std::uint8_t {
    writer,   ///< every read on the writer
    session,  ///< a reader that has what this session wrote
    any,      ///< any reader that lags within bounds
};

/// One statement as the client said it, in either protocol. Views live as long as what it was made of.
struct Said {
    std::string_view text;
    std::string_view types = std::string_view("\0\0", 2);  ///< as in Parse: count and OIDs
    std::shared_ptr<const sql::Facts> facts;
    std::span<const sql::Literal> literals;
    const wire::Bind* bind = nullptr;  ///< null: the simple protocol
    /// As in Bind: parameter formats and values; result formats.
    std::string_view values = std::string_view("\0\0\0\0", 4);
    std::string_view result_formats = std::string_view("\0\0", 2);
    std::uint32_t rows_max = 0;  ///< of Execute; 0: all

    static Said of(const sql::Statement& statement);
    static Said of(const Prepared& prepared, std::string_view bind_body, const wire::Bind& bind);
};

/// 25P02, in PostgreSQL's words.
[[nodiscard]] inline base::Error transaction_failed() {
    return {base::Code::transaction_failed,
            "current transaction is aborted, commands ignored until end of transaction block",
            {},
            {},
            {}};
}

/// A definition of a table whose rows belong to users.
[[nodiscard]] inline bool defines_sharded(const sql::TableUse& use) {
    return use.verb == sql::Verb::define && use.table != nullptr &&
           use.table->kind == topology::TableKind::sharded;
}

[[nodiscard]] base::Error several_shards(std::string text, std::string hint);
/// The plans of a route in the order of their shards, so that two sessions that each need several connections
/// never wait for each other in a ring.
[[nodiscard]] std::vector<routing::Plan> in_order(const routing::Route& route);

class Session {
  public:
    Session(Door& door, int socket);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Until the client or the gateway ends it.
    Task<void> run();
    /// The client asks to cancel what runs now.
    void cancel();
    /// The node is known to hang or to be dead.
    void node_down(topology::NodeIndex index);
    /// Closes the client's connection if nothing is under way.
    void end_if_idle();

    // What SHOW domicile.clients tells.
    [[nodiscard]] std::uint32_t id() const noexcept { return key_.process_id; }
    [[nodiscard]] const std::string& user() const noexcept { return user_; }
    [[nodiscard]] const std::string& application() const noexcept { return application_; }
    [[nodiscard]] char state() const noexcept { return status(); }
    [[nodiscard]] bool busy() const noexcept { return lease_.has_value(); }
    [[nodiscard]] std::uint8_t pins() const noexcept { return pins_; }

  private:
    // ---- login.cpp ----
    Task<bool> log_in();
    Task<bool> authenticate(const wire::StartupPacket& packet);
    Task<bool> greet();
    bool apply_start_settings(const wire::StartupPacket& packet);

    // ---- session.cpp: the loop ----
    Task<bool> fill();
    Task<bool> handle(const wire::Frame& frame);
    Task<bool> flush_client();
    Task<bool> fatal(std::string_view sqlstate, std::string_view text);

    // ---- simple.cpp ----
    Task<bool> on_query(std::string_view sql);
    Task<bool> on_function_call(std::string_view body);
    // ---- script.cpp ----
    Task<bool> run_script(std::string_view sql, std::span<const sql::Statement> statements);
    Task<bool> run_script_over_shards(std::span<const sql::Statement> statements);
    Task<base::Status> run_in_script(const sql::Statement& statement);
    /// The tag or the error of a statement the gateway runs itself. REQUIRES: can_run_locally(facts).
    struct Local {
        std::string tag;
        std::optional<base::Error> error;
    };
    Local run_locally(const sql::Facts& facts, std::string_view text);
    [[nodiscard]] bool can_run_locally(const sql::Facts& facts) const;
    [[nodiscard]] bool is_own(const sql::Facts& facts) const;
    [[nodiscard]] bool gives_rows(const sql::Facts& facts) const;
    base::Status set_own(const sql::Setting& setting);
    Task<bool> simple_error(base::Error error);
    Task<void> ask_for_words(std::string_view sql);
    void append_ready();
    void append_refusal(const base::Error& error);

    // ---- extended.cpp ----
    Task<bool> on_parse(std::string_view body);
    Task<bool> refuse_parse(const wire::Parse& parse, std::string_view body, base::Error error);
    Task<bool> on_bind(std::string_view body);
    Task<bool> on_describe_or_close(char type, std::string_view body);
    Task<bool> on_execute(std::string_view body);
    Task<bool> on_sync();
    Task<bool> on_flush();
    Task<bool> extended_error(base::Error error);
    /// A portal whose statement concerns several shards: kept here, no node has it.
    struct SeveralPortal {
        PreparedPtr prepared;
        std::string body;  // of Bind
        routing::Route route;
        std::unique_ptr<wire::Bind> bind = {};
        std::unique_ptr<GatherRun> run = {};  // begun; with a limit of rows it goes on at the next Execute
        bool over = false;
    };
    struct Pending {
        char type = 0;
        PreparedPtr prepared;      // Parse, Bind, Describe of a statement
        std::uint32_t offset = 0;  // of the body in pending_bytes_
        std::uint32_t length = 0;
        bool local = false;  // Bind, Describe, Execute of a statement the gateway can run
        std::shared_ptr<SeveralPortal> several = {};
    };
    void pend(char type, PreparedPtr prepared, std::string_view body, bool local);
    Task<bool> answer_pending_locally();
    /// The part of it that ends with its last local Execute.
    Task<bool> answer_executed_locally();
    void forward_pending();
    [[nodiscard]] bool may_have_failed();
    void forward_parse(const PreparedPtr& prepared, bool quiet);
    void forward_bind(const PreparedPtr& prepared, std::string_view body);
    void forward_target(char type, const PreparedPtr& prepared, std::string_view body);
    void forward_execute(const PreparedPtr& prepared, std::string_view body);
    [[nodiscard]] bool pending_is_local() const;
    [[nodiscard]] bool pending_is_own() const;
    /// Messages go to the bound node as they come; else they wait for the Bind that decides.
    [[nodiscard]] bool forwards() const;
    Task<bool> bind_anywhere();
    void ensure_prepared(const PreparedPtr& prepared);
    PreparedPtr find_prepared(std::string_view name);
    [[nodiscard]] PreparedPtr find_portal(std::string_view name) const;

    // ---- relay.cpp: the bound node ----
    /// Routes and binds, or says why not.
    Task<base::Status> bind_for(const sql::Facts& facts, const routing::Constants& constants);
    Task<base::Result<bool>> use_bound(routing::Route& routed);
    Task<base::Status> bind_to(const routing::Plan& plan, bool side);
    // ---- several.cpp: statements on several shards ----
    /// Outcome: the answer was appended, but for ReadyForQuery; or an error to be told, in which case
    /// `node_error_` may hold a node's own words.
    Task<base::Status> run_several(const Said& said, const routing::Route& route, bool describe);
    Task<base::Status> judged(base::Status done);
    [[nodiscard]] bool can_change_several(const routing::Route& route) const;
    Task<base::Result<std::unique_ptr<GatherRun>>> new_gather(const Said& said, const routing::Route& route);
    Task<base::Status> run_gather(const Said& said, const routing::Route& route);
    void working_on(GatherRun& run);
    Task<void> end_work();
    Task<base::Status> describe_portal(SeveralPortal& portal);
    Task<base::Status> begin_portal(SeveralPortal& portal);
    Task<base::Status> execute_portal(SeveralPortal& portal, std::uint32_t rows_max);
    Task<base::Status> describe_on(const routing::Plan& plan, const Prepared& prepared,
                                   std::string_view bind_body, const wire::Bind& bind);
    Task<base::Result<pool::Pool::Lease>> lease_for(const routing::Plan& plan);

    // ---- distributed.cpp, copy_run.cpp ----
    Task<base::Status> run_distributed(const Said& said, const routing::Route& route, bool describe);
    base::Result<std::vector<std::string>> texts_for(const Said& said, std::span<const routing::Plan> plans);
    /// The connections of these shards, in their order: of the open transaction, or fresh ones (in `leases`)
    /// on which BEGIN is yet to be said.
    Task<base::Result<std::vector<pool::Connection*>>> connections_for(std::span<const routing::Plan> plans,
                                                                       std::list<pool::Pool::Lease>& leases);
    /// COMMIT (in two phases) or ROLLBACK of what connections_for() gave fresh; nothing inside a transaction.
    Task<base::Status> finish_change(base::Status done, std::span<pool::Connection* const> connections,
                                     std::span<const routing::Plan> plans, bool fresh);
    Task<base::Status> run_copy_in(const Said& said, const routing::Route& route);
    Task<base::Status> run_copy_out(const Said& said, const routing::Route& route);
    Task<base::Result<std::string>> copied_query(const CopyStatement& copy, const routing::Plan& plan);

    // ---- joined.cpp: SET domicile.multi_shard = on: a transaction that spans shards ----
    [[nodiscard]] bool in_transaction() const;
    [[nodiscard]] bool joins() const { return (multi_shard_ || batch_spans_) && in_transaction(); }
    /// Brings the bound node in step inside a transaction block, so that the transaction can go to another
    /// shard. False if that failed, which is told.
    Task<bool> step_out();
    /// The batch goes on without the bound node, which has answered its part and is let go. False as above.
    Task<bool> leave_batch();
    Task<bool> end_batch();
    /// The connections of these shards inside the open transaction: who has not joined yet does so now.
    Task<base::Result<std::vector<pool::Connection*>>> join(std::span<const routing::Plan> plans,
                                                            bool writes);
    /// Takes the transaction to another shard; nothing if it must not.
    Task<base::Status> move_to(const routing::Plan& plan);
    /// What ends or marks a transaction that spans shards: said to all of them; the tag to answer.
    Task<base::Result<std::string>> control_joined(const sql::Facts& facts, std::string_view text);
    Task<base::Result<std::string>> mark_joined(const sql::Facts& facts, std::string_view text);
    Task<base::Result<std::string>> end_joined(bool commit);
    Task<void> fail_joined();
    [[nodiscard]] bool controls_joined(const sql::Facts& facts) const {
        using sql::Kind;
        return !parked_.empty() &&
               (facts.kind == Kind::commit || facts.kind == Kind::rollback || facts.kind == Kind::savepoint ||
                facts.kind == Kind::release || facts.kind == Kind::rollback_to);
    }

    Task<bool> authenticate_in_clear(const Login* known);
    Task<bool> logged_in(access::Caller caller, const std::string& role, bool superuser);
    Task<bool> login_refused(std::string_view address, const wire::Report& report);
    /// What the caller's policies and residency say; nothing if they permit it.
    std::optional<routing::Refusal> permitted(const sql::Facts& facts, const routing::Constants& constants,
                                              routing::Principal& principal);
    std::expected<routing::Route, routing::Refusal> route(const sql::Facts& facts,
                                                          const routing::Constants& constants);
    base::Error worded(const routing::Refusal& refusal);
    std::optional<routing::Position> required_position(const routing::Plan& plan);
    void prelude();
    /// Sends what is gathered for the node and relays replies until everything that was asked is answered.
    Task<bool> settle();
    /// Relays until nothing is outstanding, asking the node to flush: before an answer of our own.
    Task<bool> drain_node();
    Task<bool> send_to_node();
    Task<bool> pump(bool wait);
    Task<bool> copy_from_client();
    /// Passes on the replies that have come. False: out of step.
    bool relay_replies();
    Task<bool> node_lost(const char* what);
    Task<bool> after_round();
    Task<void> release();
    void note_sent(const std::shared_ptr<const sql::Facts>& facts);
    void note_error(std::string_view body);
    [[nodiscard]] bool refused_by_reader(std::string_view body) const;
    [[nodiscard]] bool relay_is_quiet() const { return (*lease_)->relay().quiet(); }
    void note_parameter(std::string_view body);
    void round_over();
    void definitions_over();
    Task<void> cancel_on_node(net::Endpoint endpoint, std::uint32_t process_id, std::uint32_t secret);

    // ---- show.cpp ----
    base::Status answer_show(const Prepared& prepared, bool describe, bool rows);
    base::Status answer(const sql::Facts& facts, const routing::Constants& constants, bool describe,
                        bool rows);

    [[nodiscard]] char status() const noexcept;
    [[nodiscard]] pool::Connection& node() noexcept { return **lease_; }
    [[nodiscard]] routing::Place place() const noexcept {
        return {door_.shared().topology, door_.shared().map(), door_.shared().own()};
    }

    Door& door_;
    net::Stream client_;
    base::Buffer in_;
    base::Buffer out_;
    CancelKeys::Key key_;
    bool keyed_ = false;
    std::string user_;
    std::string database_;
    std::string application_;
    /// How many definitions had been made when a named statement was prepared; those with none are left out.
    std::unordered_map<std::uint64_t, std::uint64_t> parsed_at_;
    std::shared_ptr<Profile> profile_;
    std::int64_t expires_ = 0;  // of the token; 0: never
    bool superuser_ = false;    // of a test bed: [database] superuser_login
    pool::Pool* pool_ = nullptr;

    /// The names of Parse messages whose answer is not yet with the client, cut into rounds: one that has no
    /// ParseComplete when its round ends names nothing.
    class Parsing {
      public:
        void parse(std::string_view name) { entries_.push_back({std::string(name), false}); }
        void round() { entries_.push_back({{}, true}); }
        void completed() {
            if (first_ < entries_.size() && !entries_[first_].ends_round) {
                step();
            }
        }
        /// Calls `failed` with each name of the round that was not completed.
        template <class Failed>
        void round_over(Failed failed) {
            while (first_ < entries_.size() && !entries_[first_].ends_round) {
                failed(entries_[first_].name);
                step();
            }
            if (first_ < entries_.size()) {
                step();
            }
        }

      private:
        struct Entry {
            std::string name;
            bool ends_round;
        };
        void step() {
            if (++first_ == entries_.size()) {
                entries_.clear();
                first_ = 0;
            }
        }
        std::vector<Entry> entries_;
        std::size_t first_ = 0;
    };
    Parsing parsing_;
    void round_told();

    /// A statement of SQL's PREPARE, on the connection that it pinned.
    struct SqlPrepared {
        std::shared_ptr<const sql::Facts> facts;
        std::string text;
        std::vector<sql::Literal> literals;
    };
    std::map<std::string, SqlPrepared, std::less<>> sql_prepared_;

    // The client's statements and what waits for a shard.
    std::unordered_map<std::string, PreparedPtr> statements_;
    PreparedPtr unnamed_;
    std::vector<Pending> pending_;
    base::Buffer pending_bytes_;
    std::map<std::string, std::shared_ptr<SeveralPortal>, std::less<>> several_portals_;
    std::optional<routing::Route> several_;   // set by bind_for(): nothing is bound, all of these are meant
    std::string node_error_;                  // body of a node's ErrorResponse, to be passed on as it is
    std::vector<pool::Connection*> working_;  // what a cancel must reach besides the bound node
    bool portal_stays_ = false;  // the Bind in hand names its portal: it may be fetched from after a Sync
    bool batch_executed_ = false;
    bool batch_spans_ = false;  // the batch is an implicit transaction that went to another shard
    bool batch_bound_ = false;  // this batch's shard is decided
    std::map<std::string, PreparedPtr, std::less<>> portals_;  // what each named portal runs
    PreparedPtr unnamed_portal_;
    bool skipping_ = false;  // an error was answered: everything up to the next Sync is ignored

    // The transaction before any shard is known.
    enum class Unbound : std::uint8_t { idle, open, failed };
    Unbound unbound_ = Unbound::idle;
    std::string deferred_;  // BEGIN and what followed it, to be said first on the node
    bool read_only_ = false;

    // The bound node.
    std::optional<pool::Pool::Lease> lease_;
    /// SET domicile.multi_shard = on: the transaction's other shards, while one of them is bound.
    struct Parked {
        pool::Pool::Lease lease;
        routing::Plan plan;
        bool wrote = false;
        PreparedPtr unnamed;
    };
    std::list<Parked> parked_;
    Task<base::Status> open_now();
    std::string begin_;  // how the transaction began, for shards that join it later
    std::optional<routing::Plan> plan_;
    bool side_ = false;  // bound only for this round: the open transaction has no shard yet
    std::vector<std::uint64_t> prepared_in_flight_;  // forgotten by the connection if their batch fails
    PreparedPtr node_unnamed_;                       // what the node's unnamed statement is
    std::size_t passed_ = 0;                         // bytes of a long row still to pass
    bool passing_hidden_ = false;
    std::uint64_t errors_before_ = 0;
    /// A query on a reader, to be said again on the writer if the reader answers that it must not (25006),
    /// and nothing was sent of an answer yet.
    struct Replay {
        std::string sql;
        std::shared_ptr<const sql::Facts> facts;
        routing::Plan plan;
        bool due = false;
    };
    std::optional<Replay> replay_;
    bool discard_node_ = false;
    bool fatal_seen_ = false;  // the node has said why it ends the connection
    bool batch_open_ = false;  // extended messages came, their Sync has not
    bool aborted_ = false;     // the bound transaction has failed
    bool relay_was_in_transaction_ = false;
    std::size_t handling_ = 0;  // bytes of the client's message in hand
    bool wrote_ = false;
    bool defined_ = false;  // a definition is under way or not committed yet
    int cancels_in_flight_ = 0;
    net::Timer* cancel_waiter_ = nullptr;
    bool bytes_handled_ = false;  // a handler has consumed its own message

    // What the round in flight will change when it succeeds.
    std::vector<std::shared_ptr<const sql::Facts>> effects_;
    std::string restore_;  // what a RESET leaves to be said
    SettingsTracker settings_;
    std::uint8_t pins_ = 0;
    std::set<std::string, std::less<>> temporary_;  // names of temporary tables made
    bool standard_strings_ = true;

    // The session's own settings.
    std::optional<base::UserId> session_user_;
    ReadMode read_ = ReadMode::session;
    bool multi_shard_ = false;
    struct Written {
        std::int64_t at_us = 0;  // of the last write; 0: `position` stands for it
        std::uint64_t position = 0;
    };
    std::unordered_map<std::uint16_t, Written> written_;  // by shard
};

}  // namespace domicile::session
