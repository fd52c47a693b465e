#include "http/door.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "crypto/random.hpp"
#include "http/call.hpp"
#include "http/catalog.hpp"
#include "http/front_page.hpp"
#include "http/json.hpp"
#include "http/openapi.hpp"
#include "http/problem.hpp"
#include "http/row_sinks.hpp"

#include <algorithm>
#include <ctime>
#include <tuple>

namespace domicile::http {
namespace {

using base::Code;
namespace limits = base::limits;

constexpr std::string_view position_sql = "SELECT pg_current_wal_insert_lsn()";
// In pieces, so that a day's worth never holds a shard up.
constexpr std::string_view forget_sql =
    "DELETE FROM domicile.idempotency WHERE (user_id, key) IN (SELECT user_id, key FROM domicile.idempotency"
    " WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT 10000)";
constexpr std::uint64_t forget_rows = 10'000;

std::unexpected<base::Error> method_not_allowed(std::string hint = {}) {
    return base::fail(Code::method_not_allowed, "This resource does not take that method.", std::move(hint));
}

}  // namespace

DoorMetrics::DoorMetrics(base::Metrics& metrics)
    : registry(metrics),
      seconds(metrics.histogram("domicile_http_request_seconds",
                                "Time from the whole request to the whole response")),
      connections(metrics.gauge("domicile_http_connections", "Open client connections of the HTTP door")),
      schema_loaded(metrics.gauge("domicile_http_schema_loaded", "1 once the live columns are known")) {
    static constexpr std::string_view classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    using namespace routing::rules;
    for (const std::string_view rule : {std::string_view("other"), home_by_id, home_by_country,
                                        principal_abroad, outside_ranges, no_open_range, slow_client}) {
        by_rule.emplace_back(rule, &metrics.counter("domicile_refusals", "Requests refused, by rule",
                                                    {{"rule", std::string(rule)}}));
    }
    for (std::size_t i = 0; i < std::size(classes); ++i) {
        by_class[i] = &metrics.counter("domicile_http_requests", "Requests answered by the HTTP door",
                                       {{"status", std::string(classes[i])}});
    }
}

void DoorMetrics::refused(std::string_view rule) noexcept {
    const auto found = std::ranges::find(by_rule, rule, &std::pair<std::string_view, base::Counter*>::first);
    (found == by_rule.end() ? by_rule.front() : *found).second->add();
}

Door::Door(const Shared& shared, pool::Pool& pool, DoorMetrics& metrics)
    : shared_(shared),
      pool_(pool),
      metrics_(metrics),
      own_(shared.topology.at(shared.region).jurisdiction),
      tokens_(shared.authenticator) {
    unsigned char seed[8];
    crypto::random_bytes(seed);
    for (const unsigned char byte : seed) {
        spread_ = spread_ << 8U | byte;
    }
}

std::string Door::url_of(topology::RegionIndex region) const {
    const topology::Address& address = shared_.topology.at(region).http;
    return (shared_.topology.at(region).http_tls() ? "https://" : "http://") + address.host + ":" +
           std::to_string(address.port);
}

void Door::refuse(const base::Error& error, Response& response) {
    response.status(base::info(error.code).http_status);
    response.content_type("application/problem+json");
    response.body().clear();
    append_problem(response.body(), error);
}

Task<void> Door::handle(const Request& request, Response& response) {
    Call call{request, response, {}, known_, {}, {own_}};
    call.caller.principal.jurisdiction = own_;
    call.caller.address = request.peer;
    call.caller.secure = request.secure;
    call.caller.door = "http";
    base::Status served;
    try {
        served = co_await dispatch(call);
    } catch (const std::exception& failure) {
        base::log::error("http.exception", {{"what", failure.what()}});
        served = base::fail(Code::internal, {});
    }
    if (served) {
        co_return;
    }
    const base::Error& error = served.error();
    const base::CodeInfo& info = base::info(error.code);
    // A column we do not know may be one that has just come.
    schema_stale_ = schema_stale_ || error.code == Code::unknown_column;
    response.clear();
    response.status(info.http_status);
    response.content_type("application/problem+json");
    if (call.foreign_home) {
        // RFC 7725: say what blocks and where to go. All of it follows from the id and the public range map.
        const auto home_region = shared_.topology.writer_region(*call.foreign_home);
        const std::string home = url_of(home_region);
        response.header("Link", "<" + home + request.target.substr(0, request.target.find_first_of("\r\n>")) +
                                    ">; rel=\"alternate\"; title=\"home gateway\"");
        append_problem(response.body(), error, shared_.topology.at(*call.foreign_home).name, home);
    } else {
        append_problem(response.body(), error);
    }
    if (info.http_status == 401) {
        response.header("WWW-Authenticate", "Bearer");  // RFC 6750 section 3
    }
    if (info.http_status == 503) {
        response.header("Retry-After", "1");
    }
    if (!error.rule.empty()) {
        shared_.judge.note_refusal(call.caller, error.rule);
        metrics_.refused(error.rule);
    }
    if (info.fault == base::Fault::ours || info.fault == base::Fault::node) {
        base::log::warn("http.failed", {{"problem", info.slug}, {"detail", error.detail}});
    }
}

namespace {

/// OpenMetrics 1.0: one end, at the end.
std::string with_more(std::string text, const std::function<std::string()>& more) {
    constexpr std::string_view end = "# EOF\n";
    if (std::string added = more ? more() : std::string(); !added.empty() && text.ends_with(end)) {
        text.resize(text.size() - end.size());
        text += added;
    }
    return text;
}

}  // namespace

Task<base::Status> Door::dispatch(Call& call) {
    auto parsed = parse_target(call.request.target);
    if (!parsed) {
        co_return std::unexpected(parsed.error());
    }
    call.target = std::move(*parsed);
    const Method method = call.request.method == Method::head ? Method::get : call.request.method;
    const Endpoint endpoint = call.target.endpoint;
    static constexpr std::string_view allow[] = {
        "GET",          "GET",       "GET", "GET",      "GET",
        "POST",         "GET,PATCH", "GET", "GET,POST", "GET,PATCH,DELETE",
        "DELETE,PATCH", "GET,POST",  "GET", "GET,POST", "GET",
        "GET",          "GET,POST",  "GET"};
    if (endpoint == Endpoint::front && !shared_.topology.edge.declared) {
        co_return base::fail(Code::unknown_resource, "There is no such resource.",
                             "GET /openapi.json lists them all.");
    }
    if (method == Method::options) {
        call.response.status(204);
        call.response.header("Allow", allow[static_cast<std::size_t>(endpoint)]);
        co_return base::Status{};
    }
    if (endpoint <= Endpoint::front || endpoint == Endpoint::person_home) {
        if (method != Method::get) {
            co_return method_not_allowed();
        }
        // On loopback whoever can connect may look; with a token it is the token's owner who looks.
        if (endpoint == Endpoint::metrics && (!shared_.anonymous || !call.request.authorization.empty())) {
            if (auto known = identify(call); !known) {
                co_return known;
            }
            const std::string fleet = "arn:domicile:ops::" + shared_.topology.at(own_).name + ":fleet";
            if (auto may = shared_.judge.permits(call.caller, "ops:Read", fleet); !may) {
                co_return may;
            }
        }
        base::Buffer& body = call.response.body();
        switch (endpoint) {
            case Endpoint::health: body.append("{\"status\":\"ok\"}\n"); break;
            case Endpoint::ready: ready(call); break;
            case Endpoint::metrics:
                call.response.content_type("application/openmetrics-text; version=1.0.0; charset=utf-8");
                body.append(with_more(metrics_.registry.text(), shared_.more_metrics));
                break;
            case Endpoint::front:
                append_front_page(body, shared_.topology, shared_.region, call.response.page());
                break;
            case Endpoint::openapi:
                if (!call.known) {
                    co_return base::fail(Code::node_unavailable, "The live columns are not known yet.",
                                         "Try again.");
                }
                body.append(
                    openapi(shared_.topology, shared_.region, url_of(shared_.region), *call.known->schema));
                break;
            default: {
                if (!shared_.map().find(call.target.user)) {
                    co_return base::fail(Code::no_range, "The user id lies in no range of any jurisdiction.");
                }
                person_home(call);
            }
        }
        co_return base::Status{};
    }
    if (endpoint == Endpoint::console) {
        co_return method == Method::get ? console(call) : method_not_allowed();
    }
    if (endpoint == Endpoint::operations && shared_.operations.overview) {
        if (auto known = identify(call); !known) {
            co_return known;
        }
        co_return operations(call, method);
    }
    if (endpoint >= Endpoint::metrics_list) {
        co_return method == Method::get ? figures(call) : method_not_allowed();
    }
    if (auto known = identify(call); !known) {
        co_return known;
    }
    if (endpoint >= Endpoint::personal_data && endpoint <= Endpoint::person_consents) {
        co_return co_await rights(call, method);
    }
    if (auto authorised = authorise(call, method); !authorised) {
        co_return authorised;
    }
    // The residency rule comes before everything that could differ between people: before the schema, the
    // body and the table's name are looked at, a foreign home is refused, so all refusals are equal.
    if (endpoint != Endpoint::people) {
        const auto gate = admit(call, routing::Verb::read, shared_.topology.person_table());
        if (!gate) {
            co_return std::unexpected(gate.error());
        }
    }
    if (!call.known) {
        co_return base::fail(Code::node_unavailable, "The live columns are not known yet.",
                             "Try again soon.");
    }
    if (call.target.key == std::vector<std::string>{""}) {
        call.target.key.clear();  // ".../settings/": the one row of a table whose key is the user alone
    }
    if (auto free = co_await unless_restricted(call); !free) {
        co_return free;
    }
    switch (endpoint) {
        case Endpoint::people:
            if (method == Method::post) {
                co_return co_await create_person(call);
            }
            co_return method_not_allowed("POST creates a person.");
        case Endpoint::rows:
            if (method == Method::get) {
                co_return co_await read_rows(call);
            }
            if (method == Method::post) {
                co_return co_await create_row(call);
            }
            co_return method_not_allowed();
        case Endpoint::person:
            if (method == Method::delete_) {
                co_return method_not_allowed("A person is not deleted but erased.");
            }
            [[fallthrough]];
        default: break;
    }
    if (method == Method::get) {
        co_return co_await read_row(call);
    }
    if (method == Method::patch) {
        co_return co_await change_row(call);
    }
    if (method == Method::delete_) {
        co_return co_await remove_row(call);
    }
    co_return method_not_allowed();
}

void Door::ready(Call& call) {
    std::string missing;
    for (std::uint16_t i = 0; i < shared_.topology.shards.size(); ++i) {
        const topology::Shard& shard = shared_.topology.shards[i];
        if (shard.jurisdiction == own_ && !pool_.has_writer(topology::ShardIndex{i})) {
            missing += (missing.empty() ? "\"" : ",\"") + shard.name + "\"";
        }
    }
    const bool good = missing.empty() && known_ && !draining_;
    call.response.status(good ? 200 : 503);
    call.response.body().append("{\"ready\":" + std::string(good ? "true" : "false") +
                                ",\"shards_without_writer\":[" + missing +
                                "],\"schema_loaded\":" + (known_ ? "true" : "false") +
                                ",\"draining\":" + (draining_ ? "true" : "false") + "}\n");
}

void Door::person_home(Call& call) {
    // Answered everywhere: it repeats the public range map, so it is the same for people who exist and who do
    // not.
    const auto shard = shared_.map().find(call.target.user);
    const auto jurisdiction = shared_.topology.at(*shard).jurisdiction;
    base::Buffer& body = call.response.body();
    body.append("{\"jurisdiction\":");
    append_json_string(body, shared_.topology.at(jurisdiction).name);
    body.append(",\"gateways\":[");
    bool first = true;
    for (std::uint16_t i = 0; i < shared_.topology.regions.size(); ++i) {
        const topology::Region& region = shared_.topology.regions[i];
        if (region.jurisdiction != jurisdiction) {
            continue;
        }
        body.append(first ? "{\"region\":" : ",{\"region\":");
        append_json_string(body, region.name);
        body.append(",\"http\":");
        append_json_string(body, url_of(topology::RegionIndex{i}));
        body.append(region.writer ? ",\"writer\":true}" : ",\"writer\":false}");
        first = false;
    }
    body.append("]}\n");
}

const KnownTable* Known::table(std::string_view name) const {
    const auto found =
        std::ranges::find_if(tables, [&](const KnownTable& one) { return one.shape->table->name == name; });
    return found == tables.end() ? nullptr : &*found;
}

const KnownTable& Known::person() const {
    return *table(schema->person().table->name);
}

void Door::know(std::shared_ptr<const Schema> schema) {
    if (on_schema) {
        on_schema(*schema);
    }
    auto known = std::make_shared<Known>();
    for (const TableShape& shape : schema->tables) {
        KnownTable& table = known->tables.emplace_back();
        table.shape = &shape;
        table.row_key = shape.row_key();
        for (const Column& column : shape.columns) {
            table.columns.push_back(&column);
        }
        const std::vector<std::string> any(table.row_key.size());
        Sql read = select_row(shape, table.columns, {}, any);
        table.read_names = std::move(read.columns);
        table.read = pool_.statements().intern(read.text);
    }
    known->schema = std::move(schema);
    known_ = std::move(known);
    inserts_.clear();
}

std::shared_ptr<const KnownInsert> Door::insert_of(const std::shared_ptr<const Known>& known,
                                                   const KnownTable& table, std::span<const Field> fields,
                                                   std::optional<std::int64_t> new_person, bool idempotent) {
    const bool current = known == known_;
    // Names cannot hold a line feed after fit_body() has found each among the columns.
    std::string key = table.shape->table->name;
    key += idempotent ? "\n+" : "\n";
    if (new_person) {
        key += std::to_string(*new_person);
    }
    for (const Field& field : fields) {
        key += '\n';
        key += field.name;
    }
    const auto found = inserts_.find(key);
    if (found != inserts_.end() && current) {
        return found->second;
    }
    Insert insert = insert_row(*table.shape, fields, new_person, idempotent);
    auto made = std::make_shared<KnownInsert>();
    made->statement = pool_.statements().intern(insert.text);
    made->columns = std::move(insert.columns);
    // Only what is prepared is worth remembering; the pool bounds how many that are.
    if (made->statement.id != 0 && current) {
        inserts_.emplace(std::move(key), made);
    }
    return made;
}

base::Result<const KnownTable*> Door::table_of(const Call& call) const {
    if (call.target.endpoint == Endpoint::person || call.target.endpoint == Endpoint::people) {
        return &call.known->person();
    }
    const KnownTable* table = call.known->table(call.target.table);
    if (table == nullptr || table->shape->table->person) {
        return base::fail(Code::unknown_table, "There is no such table of a person.",
                          "GET /openapi.json lists the tables.");
    }
    if (call.target.endpoint == Endpoint::row && call.target.key.size() != table->row_key.size()) {
        return base::fail(
            Code::unknown_resource,
            "The row's key has " + std::to_string(table->row_key.size()) + " parts, separated by commas.");
    }
    return table;
}

base::Result<routing::Plan> Door::admit(Call& call, routing::Verb verb, const topology::Table& table) {
    routing::Values values;
    values.user = call.target.user;
    auto plan =
        routing::admit({verb, &table}, values, call.principal, {shared_.topology, shared_.map(), own_});
    if (!plan) {
        call.foreign_home = plan.error().home;
        return std::unexpected(std::move(plan.error().error));
    }
    return *plan;
}

routing::Position Door::required_position(const Call& call, topology::ShardIndex shard) const {
    routing::Position required = pool_.freshness(shard, shared_.positions.required(shard, call.target.user));
    // "shard=timeline:lsn", several separated by commas. A position that cannot be read asks for the writer.
    std::string_view text = call.request.position;
    const std::string& name = shared_.topology.at(shard).name;
    while (!text.empty()) {
        const auto comma = text.find(',');
        std::string_view part = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        while (part.starts_with(' ')) {
            part.remove_prefix(1);
        }
        if (!part.starts_with(name) || part.size() <= name.size() || part[name.size()] != '=') {
            continue;
        }
        const auto given = routing::parse_position(part.substr(name.size() + 1));
        if (!given || given->timeline != required.timeline) {
            return {0, ~std::uint64_t{0}};  // unreadable, or of another timeline: only the writer knows
        }
        required.lsn = std::max(required.lsn, given->lsn);
    }
    return required;
}

Task<base::Status> Door::run_read(Call& call, const routing::Plan& plan, const pool::Statement& statement,
                                  std::span<const wire::Parameter> parameters, pool::ReplySink& sink) {
    const auto required = required_position(call, plan.shard());
    base::Status last;
    // A read changes nothing, so a connection that dies under it is no reason to fail: another node, once.
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto lease = co_await pool_.acquire(plan, required);
        if (!lease) {
            co_return std::unexpected(lease.error());
        }
        (*lease)->begin();
        (*lease)->add(statement, parameters);
        (*lease)->sync();
        const std::size_t before = call.response.body().size();
        last = co_await (*lease)->run(sink, limits::statement_timeout);
        if (last || call.response.body().size() != before) {
            break;
        }
    }
    co_return last;
}

Task<base::Status> Door::run_write(const routing::Plan& plan, std::optional<base::UserId> user,
                                   const Sql& sql, pool::ReplySink& sink) {
    const std::vector<wire::Parameter> parameters(sql.parameters.begin(), sql.parameters.end());
    const pool::Statement statement = pool_.statements().intern(sql.text);
    co_return co_await run_write(plan, user, statement, parameters, sink);
}

Task<base::Status> Door::run_write(const routing::Plan& plan, std::optional<base::UserId> user,
                                   const pool::Statement& statement,
                                   std::span<const wire::Parameter> parameters, pool::ReplySink& sink) {
    auto lease = co_await pool_.acquire(plan);
    if (!lease) {
        co_return std::unexpected(lease.error());
    }
    (*lease)->begin();
    (*lease)->add(statement, parameters);
    (*lease)->sync();
    if (has_readers(plan.shard())) {
        // After the first sync the write is committed; the position asked for in the same round trip is at or
        // beyond it.
        (*lease)->add(pool_.statements().intern(position_sql), {});
        (*lease)->sync();
    }
    auto ran = co_await (*lease)->run(sink, limits::statement_timeout);
    if (!ran) {
        base::Error error = ran.error();
        error.code = Code::commit_in_doubt;
        error.text = "The connection failed while the write was on its way: it may or may not have happened.";
        error.hint = "Read the row, or repeat the request with the same Idempotency-Key.";
        if (user) {
            shared_.positions.note(plan.shard(), *user, pool_.beyond(plan.shard()));
        }
        co_return std::unexpected(std::move(error));
    }
    co_return base::Status{};
}

Task<void> Door::forget_old_keys() {
    if (!shared_.topology.at(shared_.region).writer) {
        co_return;
    }
    const auto known = known_;
    for (std::uint16_t i = 0; i < shared_.topology.shards.size() && !stopped_; ++i) {
        const topology::ShardIndex shard{i};
        if (shared_.topology.at(shard).jurisdiction != own_ || !pool_.has_writer(shard)) {
            continue;
        }
        const auto plan = routing::admit_upkeep(shared_.topology, shard, own_);
        if (!plan) {
            continue;
        }
        Sql sql;
        sql.text = forget_sql;
        std::uint64_t gone = forget_rows;
        while (gone == forget_rows && !stopped_) {
            DoorSink sink(known->schema->person(), {});
            const auto ran = co_await run_write(*plan, std::nullopt, sql, sink);
            gone = ran && !sink.failed ? sink.affected : 0;
            if (ran && !sink.failed) {
                continue;
            }
            base::log::warn("http.forget_keys",
                            {{"shard", shared_.topology.at(shard).name},
                             {"error", base::describe(ran ? *sink.failed : ran.error())}});
        }
    }
}

base::Status Door::outcome(DoorSink& sink) {
    schema_stale_ = schema_stale_ || sink.stale_schema;
    if (sink.failed) {
        return std::unexpected(std::move(*sink.failed));
    }
    return {};
}

bool Door::has_readers(topology::ShardIndex shard) const {
    return shared_.topology.at(shard).nodes.size() > 1;
}

void Door::note_position(const DoorSink& sink, const routing::Plan& plan, base::UserId user,
                         Response& response) {
    if (!has_readers(plan.shard())) {
        return;  // every read goes to the writer
    }
    // Without a position the next read must not trust a reader.
    const std::uint64_t lsn = sink.lsn.value_or(pool_.beyond(plan.shard()));
    shared_.positions.note(plan.shard(), user, lsn);
    const auto states = pool_.states(plan.shard());
    const auto writer = routing::choose_writer(states);
    if (sink.lsn && writer) {
        response.header("Domicile-Position", shared_.topology.at(plan.shard()).name + "=" +
                                                 routing::to_text({states[*writer].timeline, lsn}));
    }
}

Task<void> Door::keep_schema(net::Loop& loop) {
    net::Timer timer(loop);
    schema_timer_ = &timer;
    net::Clock::time_point loaded_at;
    std::string reported;
    const auto started = net::Clock::now();
    while (!stopped_) {
        const auto age = net::Clock::now() - loaded_at;
        // At most once a second, whatever clients ask.
        if (!known_ || age > std::chrono::minutes{1} || (schema_stale_ && age > std::chrono::seconds{1})) {
            schema_stale_ = false;  // before the awaits: a mark that is made meanwhile must stay
            auto loaded = co_await load_schema(pool_, shared_.topology, own_);
            if (loaded) {
                know(std::move(*loaded));
                co_await forget_old_keys();
                loaded_at = net::Clock::now();
                metrics_.schema_loaded.set(1);
                reported.clear();
            } else if (reported != loaded.error().text &&
                       net::Clock::now() - started > std::chrono::seconds{2}) {
                reported = loaded.error().text;
                base::log::warn("http.schema", {{"error", base::describe(loaded.error())}});
            }
        }
        co_await timer.wait(std::chrono::milliseconds{known_ ? 250 : 50});
    }
    schema_timer_ = nullptr;
}

void Door::stop() {
    stopped_ = true;
    if (schema_timer_ != nullptr) {
        schema_timer_->cancel();
    }
}

}  // namespace domicile::http