// The door's work on people and rows: each function is one request.

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "crypto/hash.hpp"
#include "http/call.hpp"
#include "http/door.hpp"
#include "http/json.hpp"
#include "http/row_sinks.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::http {
namespace {

using base::Code;
namespace limits = base::limits;

/// The versions in an If-Match or If-None-Match header (RFC 9110 section 13.1). "*" gives an empty list and
/// `any`. If-Match asks for the strong comparison, so weak tags count only with `weak_too`.
std::vector<std::string> entity_tags(std::string_view header, bool weak_too, bool& any) {
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
        if (!weak || weak_too) {
            tags.emplace_back(header.substr(open + 1, close - open - 1));
        }
        header.remove_prefix(close + 1);
    }
    return tags;
}

std::uint64_t spread_of(std::string_view text) {
    const auto digest = crypto::sha256(text);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        value = value << 8U | digest[i];
    }
    return value;
}

/// The fields of a JSON body.
base::Result<std::vector<Field>> body_of(const Request& request) {
    std::string_view type = std::string_view(request.content_type).substr(0, request.content_type.find(';'));
    while (type.ends_with(' ')) {
        type.remove_suffix(1);
    }
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    if (!std::ranges::equal(type, std::string_view("application/json"), same)) {
        return base::fail(Code::unsupported_media_type, "The body must be application/json.");
    }
    return parse_object(request.body);
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

/// What a repeated request must agree with: SHA-256 of table and body, as hexadecimal; empty without a key.
std::string fingerprint_of(const Request& request, const TableShape& shape) {
    return request.idempotency_key.empty()
               ? std::string()
               : crypto::hex(crypto::view(crypto::sha256(shape.table->name + "\n" + request.body)));
}

/// The request may be a repetition: nothing was inserted, or what is there already refuses the row, be it the
/// record of the key or the row's own key. The record decides.
bool may_repeat(const Request& request, const DoorSink& sink) {
    return !request.idempotency_key.empty() &&
           (sink.failed ? sink.failed->code == Code::unique_violation : sink.rows == 0);
}

/// The parameters of an INSERT: see insert_row().
std::vector<wire::Parameter> insert_parameters(std::optional<std::string_view> user,
                                               std::span<const Field> fields, const Request& request,
                                               std::string_view fingerprint) {
    std::vector<wire::Parameter> parameters;
    parameters.reserve(fields.size() + 3);
    if (user) {
        parameters.emplace_back(*user);
    }
    for (const Field& field : fields) {
        parameters.push_back(parameter(field));
    }
    if (!request.idempotency_key.empty()) {
        parameters.emplace_back(request.idempotency_key);
        parameters.emplace_back(fingerprint);
    }
    return parameters;
}

/// "/v1/users/ID/TABLE/KEY" of a row whose key the sink has kept.
std::string row_location(base::UserId user, const TableShape& shape, const RowSink& sink) {
    std::string location = "/v1/users/" + std::to_string(user.value) + "/" + shape.table->name + "/";
    for (std::size_t i = 0; i < sink.texts.size(); ++i) {
        location += (i == 0 ? "" : ",") + percent_encode(sink.texts[i]);
    }
    return location;
}

}  // namespace

Task<base::Status> Door::create_person(Call& call) {
    const KnownTable& table = call.known->person();
    const TableShape& shape = *table.shape;
    auto fields = body_of(call.request);
    if (!fields) {
        co_return std::unexpected(fields.error());
    }
    if (auto checked = check_idempotency_key(call.request); !checked) {
        co_return checked;
    }
    routing::Values values;
    const auto country = std::ranges::find(*fields, shape.table->country, &Field::name);
    if (!shape.table->country.empty() && country != fields->end() && country->kind == Field::Kind::string) {
        values.country = country->text;
    }
    if (auto fitted = fit_body(shape, std::nullopt, *fields, false); !fitted) {
        co_return fitted;
    }
    const std::string& key = call.request.idempotency_key;
    // The same key finds the same shard again, and there the record of the first request.
    values.spread = key.empty() ? ++spread_ : spread_of(key);
    const std::string fingerprint = fingerprint_of(call.request, shape);
    const auto parameters = insert_parameters(std::nullopt, *fields, call.request, fingerprint);
    std::optional<base::Error> unavailable;
    const topology::RangeMap& map = shared_.map();  // one for the whole request
    for (;; ++values.attempt) {
        const auto plan = routing::admit({routing::Verb::create, shape.table}, values, call.principal,
                                         {shared_.topology, map, own_});
        if (!plan && unavailable && plan.error().error.code == Code::range_full) {
            co_return std::unexpected(std::move(*unavailable));
        }
        if (!plan) {
            call.foreign_home = plan.error().home;
            co_return std::unexpected(plan.error().error);
        }
        for (const topology::KeyRange& range : map.ranges_of(plan->shard())) {
            const auto insert = insert_of(call.known, table, *fields, range.from, !key.empty());
            RowSink sink(call.response.body(), table.columns, shape, insert->columns);
            const std::string wanted[] = {shape.table->key};
            sink.wanted = wanted;
            const auto ran = co_await run_write(*plan, values.user, insert->statement, parameters, sink);
            if (!ran && ran.error().code == Code::node_unavailable && key.empty()) {
                unavailable = ran.error();
                break;  // nothing was sent: another shard of home may take the person
            }
            if (!ran) {
                co_return ran;
            }
            if (sink.failed && sink.failed->code == Code::range_full) {
                continue;  // the next range, then the next shard
            }
            if (may_repeat(call.request, sink)) {
                co_return co_await replay(call, *plan, std::nullopt, fingerprint, std::move(sink.failed));
            }
            if (auto good = outcome(sink); !good) {
                co_return good;
            }
            const std::string& id = sink.texts.front();
            base::UserId user;
            std::from_chars(id.data(), id.data() + id.size(), user.value);
            // The pair assertion to the shard's CHECK: a new id must lie on the shard that handed it out.
            DOMICILE_ASSERT(map.find(user) == plan->shard());
            created(call, *plan, user, sink, "/v1/users/" + id);
            co_return base::Status{};
        }
    }
}

Task<base::Status> Door::create_row(Call& call) {
    const auto found = table_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const KnownTable& table = **found;
    const TableShape& shape = *table.shape;
    auto fields = body_of(call.request);
    if (!fields) {
        co_return std::unexpected(fields.error());
    }
    if (auto checked = check_idempotency_key(call.request); !checked) {
        co_return checked;
    }
    if (auto fitted = fit_body(shape, call.target.user, *fields, false); !fitted) {
        co_return fitted;
    }
    const auto plan = admit(call, routing::Verb::write, *shape.table);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    const std::string user = std::to_string(call.target.user.value);
    const std::string fingerprint = fingerprint_of(call.request, shape);
    const auto parameters = insert_parameters(user, *fields, call.request, fingerprint);
    const auto insert =
        insert_of(call.known, table, *fields, std::nullopt, !call.request.idempotency_key.empty());
    RowSink sink(call.response.body(), table.columns, shape, insert->columns);
    sink.wanted = table.row_key;
    const auto ran = co_await run_write(*plan, call.target.user, insert->statement, parameters, sink);
    if (!ran) {
        co_return ran;
    }
    if (may_repeat(call.request, sink)) {
        co_return co_await replay(call, *plan, call.target.user, fingerprint, std::move(sink.failed));
    }
    if (auto good = outcome(sink); !good) {
        co_return good;
    }
    created(call, *plan, call.target.user, sink, row_location(call.target.user, shape, sink));
    co_return base::Status{};
}

void Door::created(Call& call, const routing::Plan& plan, base::UserId user, const RowSink& sink,
                   const std::string& location) {
    note_position(sink, plan, user, call.response);
    call.response.status(201);
    call.response.header("Location", location);
    call.response.header("ETag", "\"" + sink.version + "\"");
}

Task<base::Status> Door::replay(Call& call, const routing::Plan& plan, std::optional<base::UserId> user,
                                std::string_view fingerprint, std::optional<base::Error> otherwise) {
    const auto found = table_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const KnownTable& table = **found;
    const TableShape& shape = *table.shape;
    const Sql sql = recorded_row(shape, user, call.request.idempotency_key);
    call.response.body().clear();
    RowSink sink(call.response.body(), table.columns, shape, sql.columns);
    const std::vector<std::string> person_key = {shape.table->key};
    sink.wanted = user ? std::span<const std::string>(table.row_key) : person_key;
    const auto ran = co_await run_write(plan, user, sql, sink);
    if (!ran) {
        co_return ran;
    }
    if (auto good = outcome(sink); !good) {
        co_return good;
    }
    if (sink.rows == 0 && otherwise) {
        co_return std::unexpected(std::move(*otherwise));
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
    base::UserId owner = user.value_or(base::UserId{});
    if (!user) {
        const std::string& id = sink.texts.front();
        std::from_chars(id.data(), id.data() + id.size(), owner.value);
    }
    created(call, plan, owner, sink,
            user ? row_location(owner, shape, sink) : "/v1/users/" + sink.texts.front());
    call.response.header("Idempotency-Replayed", "true");
    co_return base::Status{};
}

Task<base::Status> Door::read_row(Call& call) {
    const auto found = table_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const KnownTable& table = **found;
    // The whole row is what nearly everyone asks for: its statement is made once, with the schema.
    pool::Statement statement = table.read;
    std::span<const Column* const> columns = table.columns;
    std::vector<const Column*> chosen;
    for (const auto& [name, value] : call.target.query) {
        if (name != "select") {
            co_return base::fail(Code::invalid_value, "Only \"select\" is known here.");
        }
        auto some = selected(*table.shape, value);
        if (!some) {
            co_return std::unexpected(some.error());
        }
        chosen = std::move(*some);
        columns = chosen;
        const Sql sql = select_row(*table.shape, columns, call.target.user, call.target.key);
        statement = pool_.statements().intern(sql.text);
    }
    const auto plan = admit(call, routing::Verb::read, *table.shape->table);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, call.target.user.value).ptr;
    std::vector<wire::Parameter> parameters = {std::string_view(digits, end)};
    parameters.insert(parameters.end(), call.target.key.begin(), call.target.key.end());
    RowSink sink(call.response.body(), columns, *table.shape, table.read_names);
    const auto ran = co_await run_read(call, *plan, statement, parameters, sink);
    if (!ran) {
        co_return ran;
    }
    if (auto good = outcome(sink); !good) {
        co_return good;
    }
    if (sink.rows == 0) {
        co_return base::fail(Code::not_found, "There is no such row.");
    }
    call.response.header("ETag", "\"" + sink.version + "\"");
    if (!call.request.if_none_match.empty()) {
        bool any = false;
        const auto tags = entity_tags(call.request.if_none_match, true, any);
        if (any || std::ranges::find(tags, sink.version) != tags.end()) {
            call.response.status(304);
        }
    }
    co_return base::Status{};
}

Task<base::Status> Door::read_rows(Call& call) {
    const auto found = table_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const KnownTable& table = **found;
    const TableShape& shape = *table.shape;
    const auto page =
        page_of_rows(shape, call.target.user, call.target.query, shared_.topology.limits.page_rows_max);
    if (!page) {
        co_return std::unexpected(page.error());
    }
    const auto plan = admit(call, routing::Verb::read, *shape.table);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    base::Buffer& body = call.response.body();
    body.append("{\"rows\":[");
    PageSink sink(body, *page, shape);
    const std::vector<wire::Parameter> parameters(page->sql.parameters.begin(), page->sql.parameters.end());
    const pool::Statement statement = pool_.statements().intern(page->sql.text);
    const auto ran = co_await run_read(call, *plan, statement, parameters, sink);
    if (!ran) {
        co_return ran;
    }
    if (auto good = outcome(sink); !good) {
        co_return good;
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

Task<base::Status> Door::change_row(Call& call) {
    const auto found = table_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const KnownTable& table = **found;
    const TableShape& shape = *table.shape;
    auto fields = body_of(call.request);
    if (!fields) {
        co_return std::unexpected(fields.error());
    }
    if (auto fitted = fit_body(shape, call.target.user, *fields, true); !fitted) {
        co_return fitted;
    }
    if (fields->empty()) {
        co_return base::fail(Code::invalid_value, "The body names no column to change.");
    }
    const auto plan = admit(call, routing::Verb::write, *shape.table);
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
    const auto versions = entity_tags(call.request.if_match, false, any);
    if (!call.request.if_match.empty() && !any && versions.empty()) {
        co_return base::fail(Code::precondition_failed, "If-Match holds no strong entity tag.");
    }
    const Sql sql = update_row(shape, call.target.user, call.target.key, *fields, versions);
    RowSink sink(call.response.body(), table.columns, shape, sql.columns);
    const auto ran = co_await run_write(*plan, call.target.user, sql, sink);
    if (!ran) {
        co_return ran;
    }
    if (auto good = outcome(sink); !good) {
        co_return good;
    }
    if (sink.rows == 0) {
        co_return co_await missing_or_changed(call, *plan, table, !versions.empty());
    }
    note_position(sink, *plan, call.target.user, call.response);
    call.response.header("ETag", "\"" + sink.version + "\"");
    co_return base::Status{};
}

Task<base::Status> Door::remove_row(Call& call) {
    const auto found = table_of(call);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    const KnownTable& table = **found;
    const TableShape& shape = *table.shape;
    const auto plan = admit(call, routing::Verb::write, *shape.table);
    if (!plan) {
        co_return std::unexpected(plan.error());
    }
    bool any = false;
    const auto versions = entity_tags(call.request.if_match, false, any);
    if (!call.request.if_match.empty() && !any && versions.empty()) {
        co_return base::fail(Code::precondition_failed, "If-Match holds no strong entity tag.");
    }
    const Sql sql = delete_row(shape, call.target.user, call.target.key, versions);
    DoorSink sink(shape, sql.columns);
    const auto ran = co_await run_write(*plan, call.target.user, sql, sink);
    if (!ran) {
        co_return ran;
    }
    if (auto good = outcome(sink); !good) {
        co_return good;
    }
    if (sink.affected == 0) {
        co_return co_await missing_or_changed(call, *plan, table, !versions.empty());
    }
    note_position(sink, *plan, call.target.user, call.response);
    call.response.status(204);
    co_return base::Status{};
}

Task<base::Status> Door::missing_or_changed(Call& call, const routing::Plan& plan, const KnownTable& table,
                                            bool conditional) {
    const TableShape& shape = *table.shape;
    if (conditional) {
        const Column* const one[] = {&shape.columns.front()};
        const Sql sql = select_row(shape, one, call.target.user, call.target.key);
        DoorSink sink(shape, sql.columns);
        const auto ran = co_await run_write(plan, call.target.user, sql, sink);
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

}  // namespace domicile::http
