#include "http/door.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "http/catalog.hpp"
#include "http/json.hpp"
#include "http/openapi.hpp"
#include "http/problem.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <tuple>

namespace domicile::http {
namespace {

using base::Code;
namespace limits = base::limits;

constexpr std::string_view position_sql = "SELECT pg_current_wal_insert_lsn()";

/// Appends {"column":value,…} from one DataRow, whose first fields are `columns`.
void append_row(base::Buffer& out, std::span<const Column* const> columns, wire::RowReader& reader) {
    out.append_u8('{');
    bool first = true;
    for (const Column* column : columns) {
        if (!first) {
            out.append_u8(',');
        }
        first = false;
        append_json_string(out, column->name);
        out.append_u8(':');
        append_json_value(out, *column, reader.next());
    }
    out.append_u8('}');
}

/// What a pipeline of ours can meet: rows of statement 0, an error, and the write position from statement 1.
class DoorSink : public pool::ReplySink {
  public:
    explicit DoorSink(const TableShape& shape, std::span<const std::string> parameters)
        : shape_(shape), parameters_(parameters) {}

    void row(std::uint32_t index, std::string_view data_row) override {
        wire::RowReader reader(data_row);
        if (index == 0) {
            ++rows;
            take(reader);
        } else if (const auto text = reader.next()) {
            lsn = routing::parse_lsn(*text);
        }
    }
    void complete(std::uint32_t index, std::uint64_t count) override {
        if (index == 0) {
            affected = count;
        }
    }
    void error(std::uint32_t index, const wire::ServerError& server_error) override {
        if (index != 0) {
            return;
        }
        failed = from_server(server_error, shape_, parameters_);
        stale_schema = schema_changed(server_error.sqlstate);
        sqlstate = server_error.sqlstate;
        constraint = server_error.constraint;
    }

    std::uint64_t rows = 0;
    std::uint64_t affected = 0;
    std::optional<std::uint64_t> lsn;
    std::optional<base::Error> failed;
    bool stale_schema = false;
    std::string sqlstate;
    std::string constraint;

  protected:
    virtual void take(wire::RowReader& /*reader*/) {}

  private:
    const TableShape& shape_;
    std::span<const std::string> parameters_;
};

/// One row into the body; keeps its version and its key.
class RowSink final : public DoorSink {
  public:
    RowSink(base::Buffer& body, std::span<const Column* const> columns, const TableShape& shape,
            std::span<const std::string> parameters)
        : DoorSink(shape, parameters), body_(body), columns_(columns) {}

    std::string version;
    std::string fingerprint;
    /// The text of each column, kept only when asked for.
    std::vector<std::string> texts;
    bool keep_texts = false;

  protected:
    void take(wire::RowReader& reader) override {
        if (keep_texts) {
            wire::RowReader copy = reader;
            texts.clear();
            for (std::size_t i = 0; i < columns_.size(); ++i) {
                texts.emplace_back(copy.next().value_or(std::string_view{}));
            }
        }
        append_row(body_, columns_, reader);
        body_.append_u8('\n');
        version = reader.next().value_or(std::string_view{});
        fingerprint = reader.next().value_or(std::string_view{});
    }

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
    [[nodiscard]] bool more() const { return rows > page_.limit; }

  protected:
    void take(wire::RowReader& reader) override {
        if (rows > page_.limit) {
            return;  // the row beyond only says that there is a next page
        }
        if (rows > 1) {
            body_.append_u8(',');
        }
        append_row(body_, page_.select, reader);
        if (rows == page_.limit) {
            last.clear();
            for (std::size_t i = 0; i < page_.order.size(); ++i) {
                const auto value = reader.next();
                last.push_back(value ? std::optional<std::string>(*value) : std::nullopt);
            }
        }
    }

  private:
    base::Buffer& body_;
    const Page& page_;
};

/// The versions in an If-Match or If-None-Match header (RFC 9110 section 13.1). "*" gives an empty list and
/// `any`. Weak tags never match here: If-Match asks for the strong comparison.
std::vector<std::string> entity_tags(std::string_view header, bool& any) {
    std::vector<std::string> tags;
    any = header == "*";
    while (!any) {
        const auto open = header.find('"');
        if (open == std::string_view::npos) {
            break;
        }
        const auto close = header.find('"', open + 1);
        if (close == std::string_view::npos) {
            break;
        }
        const bool weak = open >= 2 && header.substr(open - 2, 2) == "W/";
        if (!weak) {
            tags.emplace_back(header.substr(open + 1, close - open - 1));
        }
        header.remove_prefix(close + 1);
    }
    return tags;
}

std::vector<const Column*> all_columns(const TableShape& shape) {
    std::vector<const Column*> columns;
    for (const Column& column : shape.columns) {
        columns.push_back(&column);
    }
    return columns;
}

std::uint64_t spread_of(std::string_view text) {
    const auto digest = crypto::sha256(text);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        value = value << 8U | digest[i];
    }
    return value;
}

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
    for (std::size_t i = 0; i < std::size(classes); ++i) {
        by_class[i] = &metrics.counter("domicile_http_requests", "Requests answered by the HTTP door",
                                       {{"status", std::string(classes[i])}});
    }
}

void DoorMetrics::refused(std::string_view rule) {
    registry.counter("domicile_refusals", "Requests refused, by rule", {{"rule", std::string(rule)}}).add();
}

struct Door::Call {
    const Request& request;
    Response& response;
    Target target;
    std::shared_ptr<const Schema> schema;
    std::optional<topology::JurisdictionIndex> foreign_home;
};

Door::Door(const Shared& shared, pool::Pool& pool, DoorMetrics& metrics)
    : shared_(shared), pool_(pool), metrics_(metrics), own_(shared.topology.at(shared.region).jurisdiction) {
    unsigned char seed[8];
    crypto::random_bytes(seed);
    for (const unsigned char byte : seed) {
        spread_ = spread_ << 8U | byte;
    }
}

std::string Door::url_of(topology::RegionIndex region) const {
    const topology::Address& address = shared_.topology.at(region).http;
    return "http://" + address.host + ":" + std::to_string(address.port);
}

void Door::refuse(const base::Error& error, Response& response) {
    response.status(base::info(error.code).http_status);
    response.content_type("application/problem+json");
    response.body().clear();
    append_problem(response.body(), error);
}

awaitable<void> Door::handle(const Request& request, Response& response) {
    Call call{request, response, {}, schema_, {}};
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
    if (info.http_status == 503) {
        response.header("Retry-After", "1");
    }
    if (!error.rule.empty()) {
        metrics_.refused(error.rule);
    }
    if (info.fault == base::Fault::ours || info.fault == base::Fault::node) {
        base::log::warn("http.failed", {{"problem", info.slug}, {"detail", error.detail}});
    }
}

awaitable<base::Status> Door::dispatch(Call& call) {
    auto parsed = parse_target(call.request.target);
    if (!parsed) {
        co_return std::unexpected(parsed.error());
    }
    call.target = std::move(*parsed);
    const Method method = call.request.method == Method::head ? Method::get : call.request.method;
    const Endpoint endpoint = call.target.endpoint;
    static constexpr std::string_view allow[] = {
        "GET", "GET", "GET", "GET", "POST", "GET,PATCH", "GET", "GET,POST", "GET,PATCH,DELETE"};
    if (method == Method::options) {
        call.response.status(204);
        call.response.header("Allow", allow[static_cast<std::size_t>(endpoint)]);
        co_return base::Status{};
    }
    if (endpoint <= Endpoint::openapi || endpoint == Endpoint::person_home) {
        if (method != Method::get) {
            co_return method_not_allowed();
        }
        base::Buffer& body = call.response.body();
        switch (endpoint) {
            case Endpoint::health: body.append("{\"status\":\"ok\"}\n"); break;
            case Endpoint::ready: ready(call); break;
            case Endpoint::metrics:
                call.response.content_type("application/openmetrics-text; version=1.0.0; charset=utf-8");
                body.append(metrics_.registry.text());
                break;
            case Endpoint::openapi:
                if (!call.schema) {
                    co_return base::fail(Code::node_unavailable, "The live columns are not known yet.",
                                         "Try again.");
                }
                body.append(openapi(shared_.topology, shared_.region, url_of(shared_.region), *call.schema));
                break;
            default: {
                if (!shared_.map.find(call.target.user)) {
                    co_return base::fail(Code::no_range, "The user id lies in no range of any jurisdiction.");
                }
                person_home(call);
            }
        }
        co_return base::Status{};
    }
    // The residency rule comes before everything that could differ between people: before the schema, the
    // body and the table's name are looked at, a foreign home is refused, so all refusals are equal.
    if (endpoint != Endpoint::people) {
        const auto gate =
            admit(call, routing::Verb::read, TableShape{&shared_.topology.person_table(), {}, {}, {}});
        if (!gate) {
            co_return std::unexpected(gate.error());
        }
    }
    if (!call.schema) {
        co_return base::fail(Code::node_unavailable, "The live columns are not known yet.",
                             "Try again soon.");
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
    const bool good = missing.empty() && schema_ && !draining_;
    call.response.status(good ? 200 : 503);
    call.response.body().append("{\"ready\":" + std::string(good ? "true" : "false") +
                                ",\"shards_without_writer\":[" + missing +
                                "],\"schema_loaded\":" + (schema_ ? "true" : "false") +
                                ",\"draining\":" + (draining_ ? "true" : "false") + "}\n");
}

void Door::person_home(Call& call) {
    // Answered everywhere: it repeats the public range map, so it is the same for people who exist and who do
    // not.
    const auto shard = shared_.map.find(call.target.user);
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

base::Result<const TableShape*> Door::shape_of(const Call& call) const {
    if (call.target.endpoint == Endpoint::person || call.target.endpoint == Endpoint::people) {
        return &call.schema->person();
    }
    const TableShape* shape = call.schema->table(call.target.table);
    if (shape == nullptr || shape->table->person) {
        return base::fail(Code::unknown_table, "There is no such table of a person.",
                          "GET /openapi.json lists the tables.");
    }
    if (call.target.endpoint == Endpoint::row && call.target.key.size() != shape->row_key().size()) {
        return base::fail(
            Code::unknown_resource,
            "The row's key has " + std::to_string(shape->row_key().size()) + " parts, separated by commas.");
    }
    return shape;
}

base::Result<routing::Plan> Door::admit(Call& call, routing::Verb verb, const TableShape& shape) {
    routing::Values values;
    values.user = call.target.user;
    auto plan = routing::admit({verb, shape.table}, values, {own_}, {shared_.topology, shared_.map, own_});
    if (!plan) {
        call.foreign_home = plan.error().home;
        return std::unexpected(std::move(plan.error().error));
    }
    return *plan;
}

std::optional<routing::Position> Door::required_position(const Call& call, topology::ShardIndex shard) const {
    const auto states = pool_.states(shard);
    const auto writer = routing::choose_writer(states);
    const std::uint32_t timeline = writer ? states[*writer].timeline : 0;
    std::optional<routing::Position> required;
    const std::uint64_t known = shared_.positions.required(shard, call.target.user);
    if (known != 0 && timeline != 0) {
        required = routing::Position{timeline, known};
    }
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
        if (!given) {
            return routing::Position{0, ~std::uint64_t{0}};
        }
        if (!required || given->timeline != required->timeline || given->lsn > required->lsn) {
            required = given;
        }
    }
    return required;
}

awaitable<base::Status> Door::run_read(Call& call, const routing::Plan& plan, const Sql& sql,
                                       pool::ReplySink& sink) {
    std::vector<wire::Parameter> parameters(sql.parameters.begin(), sql.parameters.end());
    const auto required = required_position(call, plan.shard());
    base::Status last;
    // A read changes nothing, so a connection that dies under it is no reason to fail: another node, once.
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto lease = co_await pool_.acquire(plan, required);
        if (!lease) {
            co_return std::unexpected(lease.error());
        }
        (*lease)->begin();
        (*lease)->add(pool_.statements().intern(sql.text), parameters);
        (*lease)->sync();
        const std::size_t before = call.response.body().size();
        last = co_await (*lease)->run(sink, limits::statement_timeout);
        if (last || call.response.body().size() != before) {
            break;
        }
    }
    co_return last;
}

awaitable<base::Status> Door::run_write(const routing::Plan& plan, const Sql& sql, pool::ReplySink& sink) {
    std::vector<wire::Parameter> parameters(sql.parameters.begin(), sql.parameters.end());
    auto lease = co_await pool_.acquire(plan);
    if (!lease) {
        co_return std::unexpected(lease.error());
    }
    (*lease)->begin();
    (*lease)->add(pool_.statements().intern(sql.text), parameters);
    (*lease)->sync();
    // After the first sync the write is committed; the position asked for in the same round trip is at or
    // beyond it.
    (*lease)->add(pool_.statements().intern(position_sql), {});
    (*lease)->sync();
    auto ran = co_await (*lease)->run(sink, limits::statement_timeout);
    if (!ran) {
        base::Error error = ran.error();
        error.code = Code::commit_in_doubt;
        error.text = "The connection failed while the write was on its way: it may or may not have happened.";
        error.hint = "Read the row, or repeat the request with the same Idempotency-Key.";
        co_return std::unexpected(std::move(error));
    }
    co_return base::Status{};
}

namespace {

/// Remembers how far the writer was, and tells the client.
void note_position(const DoorSink& sink, const routing::Plan& plan, base::UserId user, const Shared& shared,
                   const std::vector<routing::NodeState>& states, Response& response) {
    const auto writer = routing::choose_writer(states);
    // Without a position the next read must not trust a reader.
    const std::uint64_t lsn = sink.lsn.value_or(~std::uint64_t{0} >> 1U);
    shared.positions.note(plan.shard(), user, lsn);
    if (sink.lsn && writer) {
        response.header("Domicile-Position", shared.topology.at(plan.shard()).name + "=" +
                                                 routing::to_text({states[*writer].timeline, lsn}));
    }
}

base::Status check_json(const Request& request) {
    const std::string_view type =
        std::string_view(request.content_type).substr(0, request.content_type.find(';'));
    if (type != "application/json" && type != "application/json ") {
        return base::fail(Code::unsupported_media_type, "The body must be application/json.");
    }
    return {};
}

base::Status check_idempotency_key(const Request& request) {
    const std::string& key = request.idempotency_key;
    const auto printable = [](char c) { return c > 0x20 && c < 0x7F; };
    if (key.size() > limits::idempotency_key_bytes_max || !std::ranges::all_of(key, printable)) {
        return base::fail(Code::invalid_value,
                          "Idempotency-Key takes 1 to 128 printable characters without spaces.");
    }
    return {};
}

}  // namespace

awaitable<base::Status> Door::create_person(Call& call) {
    const TableShape& shape = call.schema->person();
    if (auto checked = check_json(call.request); !checked) {
        co_return checked;
    }
    if (auto checked = check_idempotency_key(call.request); !checked) {
        co_return checked;
    }
    const auto fields = parse_object(call.request.body);
    if (!fields) {
        co_return std::unexpected(fields.error());
    }
    routing::Values values;
    const auto country = std::ranges::find(*fields, shape.table->country, &Field::name);
    if (!shape.table->country.empty() && country != fields->end() && country->kind == Field::Kind::string) {
        values.country = country->text;
    }
    const std::string& key = call.request.idempotency_key;
    // The same key finds the same shard again, and there the record of the first request.
    values.spread = key.empty() ? ++spread_ : spread_of(key);
    const std::string fingerprint =
        key.empty() ? std::string() : crypto::hex(crypto::view(crypto::sha256(call.request.body)));
    const auto idempotency =
        key.empty() ? std::nullopt : std::optional<Idempotency>(Idempotency{key, fingerprint});
    const auto columns = all_columns(shape);
    for (;; ++values.attempt) {
        const auto plan = routing::admit({routing::Verb::create, shape.table}, values, {own_},
                                         {shared_.topology, shared_.map, own_});
        if (!plan) {
            call.foreign_home = plan.error().home;
            co_return std::unexpected(plan.error().error);
        }
        for (const topology::KeyRange& range : shared_.topology.at(plan->shard()).ranges) {
            const auto sql = insert_person(shape, range.from, *fields, idempotency);
            if (!sql) {
                co_return std::unexpected(sql.error());
            }
            RowSink sink(call.response.body(), columns, shape, sql->columns);
            sink.keep_texts = true;
            const auto ran = co_await run_write(*plan, *sql, sink);
            if (!ran) {
                co_return ran;
            }
            if (sink.failed && sink.failed->code == Code::range_full) {
                continue;  // the next range, then the next shard
            }
            const bool known_key = !key.empty() && ((!sink.failed && sink.rows == 0) ||
                                                    sink.constraint.starts_with("idempotency"));
            if (known_key) {
                co_return co_await replay(call, *plan, std::nullopt, fingerprint);
            }
            if (sink.failed) {
                schema_stale_ = schema_stale_ || sink.stale_schema;
                co_return std::unexpected(std::move(*sink.failed));
            }
            std::string id;
            for (std::size_t i = 0; i < columns.size(); ++i) {
                if (columns[i]->name == shape.table->key) {
                    id = sink.texts[i];
                }
            }
            base::UserId user;
            std::from_chars(id.data(), id.data() + id.size(), user.value);
            // The pair assertion to the shard's CHECK: a new id must lie on the shard that handed it out.
            DOMICILE_ASSERT(shared_.map.find(user) == plan->shard());
            note_position(sink, *plan, user, shared_, pool_.states(plan->shard()), call.response);
            call.response.status(201);
            call.response.header("Location", "/v1/users/" + id);
            call.response.header("ETag", "\"" + sink.version + "\"");
            co_return base::Status{};
        }
    }
}

awaitable<base::Status> Door::create_row(Call& call) {
    const auto found = shape_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const TableShape& shape = **found;
    if (auto checked = check_json(call.request); !checked) {
        co_return checked;
    }
    if (auto checked = check_idempotency_key(call.request); !checked) {
        co_return checked;
    }
    const auto fields = parse_object(call.request.body);
    if (!fields) {
        co_return std::unexpected(fields.error());
    }
    const std::string& key = call.request.idempotency_key;
    const std::string fingerprint =
        key.empty() ? std::string()
                    : crypto::hex(crypto::view(crypto::sha256(shape.table->name + "\n" + call.request.body)));
    const auto idempotency =
        key.empty() ? std::nullopt : std::optional<Idempotency>(Idempotency{key, fingerprint});
    const auto plan = admit(call, routing::Verb::write, shape);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    const auto sql = insert_row(shape, call.target.user, *fields, idempotency);
    if (!sql) {
        co_return std::unexpected(sql.error());
    }
    const auto columns = all_columns(shape);
    RowSink sink(call.response.body(), columns, shape, sql->columns);
    sink.keep_texts = true;
    const auto ran = co_await run_write(*plan, *sql, sink);
    if (!ran) {
        co_return ran;
    }
    const bool known_key =
        !key.empty() && ((!sink.failed && sink.rows == 0) || sink.constraint.starts_with("idempotency"));
    if (known_key) {
        co_return co_await replay(call, *plan, call.target.user, fingerprint);
    }
    if (sink.failed) {
        schema_stale_ = schema_stale_ || sink.stale_schema;
        co_return std::unexpected(std::move(*sink.failed));
    }
    note_position(sink, *plan, call.target.user, shared_, pool_.states(plan->shard()), call.response);
    std::string location =
        "/v1/users/" + std::to_string(call.target.user.value) + "/" + shape.table->name + "/";
    bool first = true;
    for (const std::string& name : shape.row_key()) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (columns[i]->name == name) {
                location += (first ? "" : ",") + percent_encode(sink.texts[i]);
                first = false;
            }
        }
    }
    call.response.status(201);
    call.response.header("Location", location);
    call.response.header("ETag", "\"" + sink.version + "\"");
    co_return base::Status{};
}

awaitable<base::Status> Door::replay(Call& call, const routing::Plan& plan, std::optional<base::UserId> user,
                                     std::string_view fingerprint) {
    const auto found = user ? shape_of(call) : base::Result<const TableShape*>(&call.schema->person());
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const TableShape& shape = **found;
    const Sql sql = recorded_row(shape, user, call.request.idempotency_key);
    const auto columns = all_columns(shape);
    call.response.body().clear();
    RowSink sink(call.response.body(), columns, shape, sql.columns);
    const auto ran = co_await run_write(plan, sql, sink);
    if (!ran) {
        co_return ran;
    }
    if (sink.failed) {
        co_return std::unexpected(std::move(*sink.failed));
    }
    if (sink.rows == 0) {
        co_return base::fail(Code::overloaded, "Another request with this idempotency key has just failed.",
                             "Try again.");
    }
    if (sink.fingerprint != fingerprint) {
        call.response.body().clear();
        co_return base::fail(Code::idempotency_mismatch, "The idempotency key was used with another request.",
                             "Use a new key for a new request.");
    }
    call.response.status(201);
    call.response.header("Idempotency-Replayed", "true");
    co_return base::Status{};
}

awaitable<base::Status> Door::read_row(Call& call) {
    const auto found = shape_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const TableShape& shape = **found;
    std::string_view names;
    for (const auto& [name, value] : call.target.query) {
        if (name != "select") {
            co_return base::fail(Code::invalid_value, "Only \"select\" is known here.");
        }
        names = value;
    }
    const auto columns = selected(shape, names);
    if (!columns) {
        co_return std::unexpected(columns.error());
    }
    const auto plan = admit(call, routing::Verb::read, shape);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    const Sql sql = select_row(shape, *columns, call.target.user, call.target.key);
    RowSink sink(call.response.body(), *columns, shape, sql.columns);
    const auto ran = co_await run_read(call, *plan, sql, sink);
    if (!ran) {
        co_return ran;
    }
    if (sink.failed) {
        schema_stale_ = schema_stale_ || sink.stale_schema;
        co_return std::unexpected(std::move(*sink.failed));
    }
    if (sink.rows == 0) {
        co_return base::fail(Code::not_found, "There is no such row.");
    }
    call.response.header("ETag", "\"" + sink.version + "\"");
    if (!call.request.if_none_match.empty()) {
        bool any = false;
        const auto tags = entity_tags(call.request.if_none_match, any);
        if (any || std::ranges::find(tags, sink.version) != tags.end()) {
            call.response.status(304);
        }
    }
    co_return base::Status{};
}

awaitable<base::Status> Door::read_rows(Call& call) {
    const auto found = shape_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const TableShape& shape = **found;
    const auto page =
        page_of_rows(shape, call.target.user, call.target.query, shared_.topology.limits.page_rows_max);
    if (!page) {
        co_return std::unexpected(page.error());
    }
    const auto plan = admit(call, routing::Verb::read, shape);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    base::Buffer& body = call.response.body();
    body.append("{\"rows\":[");
    PageSink sink(body, *page, shape);
    const auto ran = co_await run_read(call, *plan, page->sql, sink);
    if (!ran) {
        co_return ran;
    }
    if (sink.failed) {
        schema_stale_ = schema_stale_ || sink.stale_schema;
        co_return std::unexpected(std::move(*sink.failed));
    }
    if (!sink.more()) {
        body.append("],\"next\":null}\n");
        co_return base::Status{};
    }
    const std::string cursor = make_cursor(*page, sink.last);
    body.append("],\"next\":\"" + cursor + "\"}\n");
    std::string link = "</v1/users/" + std::to_string(call.target.user.value) + "/" + shape.table->name + "?";
    for (const auto& [name, value] : call.target.query) {
        if (name != "after") {
            link += percent_encode(name) + "=" + percent_encode(value) + "&";
        }
    }
    call.response.header("Link", link + "after=" + cursor + ">; rel=\"next\"");
    co_return base::Status{};
}

awaitable<base::Status> Door::change_row(Call& call) {
    const auto found = shape_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const TableShape& shape = **found;
    if (auto checked = check_json(call.request); !checked) {
        co_return checked;
    }
    const auto fields = parse_object(call.request.body);
    if (!fields) {
        co_return std::unexpected(fields.error());
    }
    const auto plan = admit(call, routing::Verb::write, shape);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    if (shape.table->person && !shape.table->country.empty()) {
        // A person who moves abroad would be stored outside home: that is a move of the person, not of a
        // column.
        const auto country = std::ranges::find(*fields, shape.table->country, &Field::name);
        if (country != fields->end() && country->kind == Field::Kind::string) {
            const auto home = shared_.topology.home_of_country(country->text);
            if (home != own_) {
                co_return std::unexpected(base::Error{Code::foreign_country,
                                                      "People of this country have their home elsewhere.",
                                                      "Create the person at the new home, then erase here.",
                                                      std::string(routing::rules::home_by_country),
                                                      {}});
            }
        }
    }
    bool any = false;
    const auto versions = entity_tags(call.request.if_match, any);
    if (!call.request.if_match.empty() && !any && versions.empty()) {
        co_return base::fail(Code::precondition_failed, "If-Match holds no strong entity tag.");
    }
    const auto sql = update_row(shape, call.target.user, call.target.key, *fields, versions);
    if (!sql) {
        co_return std::unexpected(sql.error());
    }
    const auto columns = all_columns(shape);
    RowSink sink(call.response.body(), columns, shape, sql->columns);
    const auto ran = co_await run_write(*plan, *sql, sink);
    if (!ran) {
        co_return ran;
    }
    if (sink.failed) {
        schema_stale_ = schema_stale_ || sink.stale_schema;
        co_return std::unexpected(std::move(*sink.failed));
    }
    if (sink.rows == 0) {
        co_return co_await missing_or_changed(call, *plan, shape, !versions.empty());
    }
    note_position(sink, *plan, call.target.user, shared_, pool_.states(plan->shard()), call.response);
    call.response.header("ETag", "\"" + sink.version + "\"");
    co_return base::Status{};
}

awaitable<base::Status> Door::remove_row(Call& call) {
    const auto found = shape_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const TableShape& shape = **found;
    const auto plan = admit(call, routing::Verb::write, shape);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    bool any = false;
    const auto versions = entity_tags(call.request.if_match, any);
    if (!call.request.if_match.empty() && !any && versions.empty()) {
        co_return base::fail(Code::precondition_failed, "If-Match holds no strong entity tag.");
    }
    const Sql sql = delete_row(shape, call.target.user, call.target.key, versions);
    DoorSink sink(shape, sql.columns);
    const auto ran = co_await run_write(*plan, sql, sink);
    if (!ran) {
        co_return ran;
    }
    if (sink.failed) {
        schema_stale_ = schema_stale_ || sink.stale_schema;
        co_return std::unexpected(std::move(*sink.failed));
    }
    if (sink.affected == 0) {
        co_return co_await missing_or_changed(call, *plan, shape, !versions.empty());
    }
    note_position(sink, *plan, call.target.user, shared_, pool_.states(plan->shard()), call.response);
    call.response.status(204);
    co_return base::Status{};
}

awaitable<base::Status> Door::missing_or_changed(Call& call, const routing::Plan& plan,
                                                 const TableShape& shape, bool conditional) {
    if (conditional) {
        const Column* const one[] = {&shape.columns.front()};
        const Sql sql = select_row(shape, one, call.target.user, call.target.key);
        DoorSink sink(shape, sql.columns);
        const auto ran = co_await run_write(plan, sql, sink);
        if (!ran) {
            co_return ran;
        }
        if (sink.rows != 0) {
            co_return base::fail(Code::precondition_failed,
                                 "The row has another version than If-Match asks for.", "Read it again.");
        }
    }
    co_return base::fail(Code::not_found, "There is no such row.");
}

awaitable<void> Door::keep_schema(net::asio::io_context& context) {
    net::asio::steady_timer timer(context);
    schema_timer_ = &timer;
    net::Clock::time_point loaded_at;
    std::string reported;
    const auto started = net::Clock::now();
    while (!stopped_) {
        const auto age = net::Clock::now() - loaded_at;
        // At most once a second, whatever clients ask.
        if (!schema_ || age > std::chrono::minutes{1} || (schema_stale_ && age > std::chrono::seconds{1})) {
            auto loaded = co_await load_schema(pool_, shared_.topology, own_);
            if (loaded) {
                schema_ = std::move(*loaded);
                schema_stale_ = false;
                loaded_at = net::Clock::now();
                metrics_.schema_loaded.set(1);
                reported.clear();
            } else if (reported != loaded.error().text &&
                       net::Clock::now() - started > std::chrono::seconds{2}) {
                reported = loaded.error().text;
                base::log::warn("http.schema", {{"error", base::describe(loaded.error())}});
            }
        }
        timer.expires_after(std::chrono::milliseconds{schema_ ? 250 : 50});
        std::ignore = co_await timer.async_wait(net::as_result);
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
