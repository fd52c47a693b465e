#include "http/json.hpp"
#include "http/problem.hpp"
#include "http/range.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "http/target.hpp"

#include <gtest/gtest.h>

namespace domicile::http {
namespace {

using base::Code;

TEST(Target, FindsTheEndpointAndItsParts) {
    const auto row = parse_target("/v1/users/42/lines/a%2Cb,c%20d?select=x&order=y.desc&q=1+2");
    ASSERT_TRUE(row);
    EXPECT_EQ(row->endpoint, Endpoint::row);
    EXPECT_EQ(row->user.value, 42);
    EXPECT_EQ(row->table, "lines");
    EXPECT_EQ(row->key, (std::vector<std::string>{"a,b", "c d"}));
    EXPECT_EQ(row->query[2], (std::pair<std::string, std::string>{"q", "1 2"}));
    EXPECT_EQ(parse_target("/v1/users/-7")->user.value, -7);
    EXPECT_EQ(parse_target("/v1/users/1/home")->endpoint, Endpoint::person_home);
    EXPECT_EQ(parse_target("/healthz?x")->endpoint, Endpoint::health);
}

TEST(Target, RefusesWhatIsNoResource) {
    const std::pair<std::string_view, Code> rows[] = {
        {"", Code::unknown_resource},
        {"//", Code::unknown_resource},
        {"/v1/users/", Code::malformed_request},
        {"/v1/users/abc", Code::malformed_request},
        {"/v1/users/1x", Code::malformed_request},
        {"/v1/users/99999999999999999999", Code::malformed_request},
        {"/v1/users/1/", Code::unknown_resource},
        {"/v1/users/1/lines/2/3", Code::unknown_resource},
        {"/v1/users/1/%zz", Code::malformed_request},
        {"/v1/users/1/lines/%00", Code::malformed_request},
        {"/v1/users/1/lines?a=%2", Code::malformed_request},
        {"/v1/users/../admin", Code::malformed_request},
        {"http://elsewhere/v1/users/1", Code::unknown_resource},
    };
    for (const auto& [text, code] : rows) {
        const auto target = parse_target(text);
        ASSERT_FALSE(target) << text;
        EXPECT_EQ(target.error().code, code) << text;
    }
}

TEST(Json, KeepsNumbersAsTheyWereWritten) {
    const auto fields = parse_object(
        R"({"a":1.10,"b":-0,"c":123456789012345678901234567890.5e-3,"d":"x\"\u00e9","e":null,"f":true,)"
        R"("g":{"h":[1.0,{"i":"j\n"},[]],"k":{}}})");
    ASSERT_TRUE(fields) << fields.error().text;
    ASSERT_EQ(fields->size(), 7U);
    EXPECT_EQ((*fields)[0].text, "1.10");
    EXPECT_EQ((*fields)[1].text, "-0");
    EXPECT_EQ((*fields)[2].text, "123456789012345678901234567890.5e-3");
    EXPECT_EQ((*fields)[3].text, "x\"é");
    EXPECT_EQ((*fields)[4].kind, Field::Kind::null);
    EXPECT_EQ((*fields)[5].text, "true");
    EXPECT_EQ((*fields)[6].text, R"({"h":[1.0,{"i":"j\n"},[]],"k":{}})");
}

TEST(Json, RefusesWhatIsNotOneFlatObject) {
    for (const std::string_view text :
         {"", "[]", "1", "\"x\"", "{", "{}x", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{'a':1}", "{\"a\":01}",
          "{\"a\":NaN}", "{\"a\":\"\xff\"}", "{\"a\":\"\n\"}", "{\"a\" 1}", "[{}]", "null"}) {
        EXPECT_FALSE(parse_object(text)) << text;
    }
    std::string deep = "{\"a\":";
    for (int i = 0; i < 100; ++i) {
        deep += '[';
    }
    EXPECT_FALSE(parse_object(deep));
}

Column column(ColumnKind kind, std::int32_t precision = 0, std::int32_t scale = 0, std::int32_t length = 0) {
    Column made;
    made.name = "c";
    made.type = "t";
    made.kind = kind;
    made.precision = precision;
    made.scale = scale;
    made.length_max = length;
    return made;
}

TEST(Json, RefusesNumbersThatDoNotFitAndNeverRounds) {
    using Kind = Field::Kind;
    struct Row {
        Column column;
        Kind kind;
        std::string_view text;
        bool fits;
    };
    const Column int2 = column(ColumnKind::int2);
    const Column int4 = column(ColumnKind::int4);
    const Column int8 = column(ColumnKind::int8);
    const Column money = column(ColumnKind::numeric, 12, 2);
    const Column any = column(ColumnKind::numeric);
    const Column text3 = column(ColumnKind::text, 0, 0, 3);
    const Row rows[] = {
        {int2, Kind::number, "32767", true},
        {int2, Kind::number, "32768", false},
        {int4, Kind::number, "-2147483648", true},
        {int4, Kind::number, "2147483648", false},
        {int4, Kind::number, "1.0", false},
        {int4, Kind::number, "1e2", false},
        {int4, Kind::string, "7", true},
        {int4, Kind::string, " 7", false},
        {int4, Kind::boolean, "true", false},
        {int8, Kind::number, "9223372036854775807", true},
        {int8, Kind::number, "9223372036854775808", false},
        {int8, Kind::number, "9007199254740993", true},  // beyond a double's integers
        {money, Kind::number, "9999999999.99", true},
        {money, Kind::number, "10000000000", false},
        {money, Kind::number, "0.125", false},
        {money, Kind::number, "0.120", true},
        {money, Kind::number, "1.5e1", true},
        {money, Kind::number, "1.25e-1", false},
        {money, Kind::string, "12.50", true},
        {money, Kind::string, "12.50 ", false},
        {money, Kind::string, "NaN", false},
        {money, Kind::string, "1.2.3", false},
        {any, Kind::number, "123456789.123456789123456789", true},
        {column(ColumnKind::floating), Kind::number, "1.5e300", true},
        {column(ColumnKind::floating), Kind::number, "1e999", false},
        {column(ColumnKind::floating), Kind::string, "Infinity", true},
        {column(ColumnKind::floating), Kind::string, "1.5", false},
        {column(ColumnKind::boolean), Kind::boolean, "false", true},
        {column(ColumnKind::boolean), Kind::string, "false", false},
        {text3, Kind::string, "Zoë", true},
        {text3, Kind::string, "Zoë!", false},
        {text3, Kind::number, "1", false},
        {text3, Kind::string, std::string_view("a\0b", 3), false},
        {column(ColumnKind::other), Kind::number, "5", false},
    };
    for (const Row& row : rows) {
        Field field{"c", row.kind, std::string(row.text)};
        const auto value = fit(field, row.column);
        EXPECT_EQ(value.has_value(), row.fits) << row.text;
        EXPECT_TRUE(!row.fits || parameter(field) == row.text);
        if (!row.fits && !value) {
            EXPECT_NE(value.error().text.find("\"c\""), std::string::npos) << "the column must be named";
        }
    }
}

TEST(Json, WritesValuesOfEveryKind) {
    struct Row {
        ColumnKind kind;
        std::optional<std::string_view> value;
        std::string_view json;
    };
    const Row rows[] = {
        {ColumnKind::int8, "9223372036854775807", "9223372036854775807"},
        {ColumnKind::numeric, "0.10", "\"0.10\""},
        {ColumnKind::floating, "NaN", "\"NaN\""},
        {ColumnKind::floating, "1.5", "1.5"},
        {ColumnKind::boolean, "t", "true"},
        {ColumnKind::json, "{\"a\": 1}", "{\"a\": 1}"},
        {ColumnKind::text, "a\"b\\c\n\x01", R"("a\"b\\c\n\u0001")"},
        {ColumnKind::timestamptz, "2026-11-22 10:00:00.5+00", "\"2026-11-22T10:00:00.5Z\""},
        {ColumnKind::timestamp, "2010-12-01 08:26:00", "\"2010-12-01T08:26:00\""},
        {ColumnKind::timestamptz, "infinity", "\"infinity\""},
        {ColumnKind::timestamp, "0044-03-15 12:00:00 BC", "\"0044-03-15 12:00:00 BC\""},
        {ColumnKind::text, std::nullopt, "null"},
    };
    for (const Row& row : rows) {
        base::Buffer out;
        append_json_value(out, column(row.kind), row.value);
        EXPECT_EQ(out.view(), row.json);
    }
}

TEST(RequestParser, TakesBytesInAnyPiecesAndLeavesTheNextRequest) {
    const std::string first =
        "POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"
        "Content-Length: 2\r\n\r\n{}";
    const std::string all = first + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        Request request;
        RequestParser parser(request, 100);
        std::string pending;
        std::size_t given = 0;
        while (!parser.done() && given < all.size()) {
            pending += all.substr(given, piece);
            given += std::min(piece, all.size() - given);
            const auto used = parser.put(pending);
            ASSERT_TRUE(used) << piece;
            pending.erase(0, *used);
        }
        EXPECT_EQ(request.method, Method::post);
        EXPECT_EQ(request.target, "/v1/users");
        EXPECT_EQ(request.body, "{}");
        EXPECT_EQ(request.idempotency_key, "k");
        EXPECT_TRUE(request.keep_alive);
        EXPECT_EQ(pending, all.substr(first.size(), pending.size()));
    }
}

TEST(RequestParser, RefusesSmugglingAndOversize) {
    const std::pair<std::string, Code> rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", Code::malformed_request},  // no Host
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Code::malformed_request},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         Code::malformed_request},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
         Code::malformed_request},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
         Code::malformed_request},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", Code::malformed_request},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         Code::malformed_request},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nGET / HTTP/1.1\r\n\r\n",
         Code::malformed_request},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", Code::malformed_request},
        {"GET / HTTP/1.1\r\nHost: a\r\nIf-Match: \"1\"\r\nIf-Match: \"2\"\r\n\r\n", Code::malformed_request},
        {"GET / HTTP/1.1\nHost: a\n\n", Code::malformed_request},
        {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", Code::malformed_request},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", Code::headers_too_large},
        {"GET /" + std::string(5'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", Code::headers_too_large},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'),
         Code::payload_too_large},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n70\r\n" + std::string(0x70, 'x') +
             "\r\n0\r\n\r\n",
         Code::payload_too_large},
        {"BREW\x80 / HTTP/1.1\r\n\r\n", Code::malformed_request},
    };
    for (const auto& [bytes, code] : rows) {
        Request request;
        RequestParser parser(request, 100);
        const auto used = parser.put(bytes);
        ASSERT_FALSE(used) << bytes.substr(0, 120);
        EXPECT_EQ(used.error().code, code) << bytes.substr(0, 120);
    }
}

TEST(Problem, NamesColumnsAndRepeatsNoValues) {
    topology::Table table;
    table.name = "users";
    TableShape shape;
    shape.table = &table;
    Column email = column(ColumnKind::text);
    email.name = "email";
    email.type = "text";
    shape.columns.push_back(email);
    shape.constraints.push_back({"users_email_key", {"email"}});
    const std::string parameters[] = {"user_id", "email"};
    struct Row {
        wire::ServerError server;
        Code code;
        std::string_view names;
    };
    const auto server = [](std::string_view state, std::string_view constraint, std::string_view column_name,
                           std::string_view context) {
        wire::ServerError made;
        made.sqlstate = state;
        made.constraint = constraint;
        made.column = column_name;
        made.context = context;
        made.message = "SECRET";
        made.detail = "Key (email)=(SECRET) already exists.";
        return made;
    };
    const Row rows[] = {
        {server("23505", "users_email_key", "", ""), Code::unique_violation, "\"email\""},
        {server("23502", "", "email", ""), Code::constraint_violation, "\"email\""},
        {server("23514", "domicile_range", "", ""), Code::stale_route, ""},
        {server("23514", "users_kind_check", "", ""), Code::constraint_violation, "users_kind_check"},
        {server("22P02", "", "", "unnamed portal parameter $2 = '...'"), Code::invalid_value, "\"email\""},
        {server("22P02", "", "", "unnamed portal parameter $9"), Code::invalid_value, ""},
        {server("2200H", "", "", ""), Code::range_full, ""},
        {server("57P01", "", "", ""), Code::node_unavailable, ""},
        {server("57014", "", "", ""), Code::node_timeout, ""},
        {server("40001", "", "", ""), Code::overloaded, ""},
        {server("42703", "", "", ""), Code::stale_route, ""},
        {server("42501", "", "", ""), Code::not_permitted, ""},
        {server("XX001", "", "", ""), Code::internal, ""},
        {server("", "", "", ""), Code::internal, ""},
    };
    for (const Row& row : rows) {
        const base::Error error = from_server(row.server, shape, parameters);
        EXPECT_EQ(error.code, row.code) << row.server.sqlstate;
        EXPECT_NE(error.text.find(row.names), std::string::npos) << error.text;
        EXPECT_EQ((error.text + error.hint + error.detail).find("SECRET"), std::string::npos);
    }
}

TEST(Range, OneRangeOfBytesOrTheWhole) {
    struct Case {
        const char* header;
        std::uint64_t from, to;
        Ranged ranged;
    };
    for (const auto& [header, from, to, ranged] :
         {Case{"", 0, 100, Ranged::whole},
          {"bytes=0-", 0, 100, Ranged::part},
          {"bytes=10-19", 10, 20, Ranged::part},
          {"bytes=90-1000", 90, 100, Ranged::part},
          {"bytes=-10", 90, 100, Ranged::part},
          {"bytes=-1000", 0, 100, Ranged::part},
          {"bytes=-0", 0, 0, Ranged::unsatisfiable},
          {"bytes=100-", 0, 0, Ranged::unsatisfiable},
          {"bytes=99-", 99, 100, Ranged::part},
          {"bytes=18446744073709551616-", 0, 0, Ranged::unsatisfiable},
          {"bytes=5-4", 0, 100, Ranged::whole},
          {"bytes=1-2,4-5", 0, 100, Ranged::whole},
          {"rows=1-2", 0, 100, Ranged::whole},
          {"bytes=a-b", 0, 100, Ranged::whole},
          {"bytes=-", 0, 100, Ranged::whole},
          {"bytes=", 0, 100, Ranged::whole}}) {
        const auto range = parse_range(header, 100);
        EXPECT_EQ(range.ranged, ranged) << header;
        EXPECT_EQ(range.from, from) << header;
        EXPECT_EQ(range.to, to) << header;
    }
    EXPECT_EQ(parse_range("bytes=-5", 0).ranged, Ranged::unsatisfiable);
}

/// The lines of a message's head, sorted out of the way of Date.
std::vector<std::string> head_of(Response& response, const EdgeHeaders& edge) {
    base::Buffer out;
    response.finish(out, "D", true, false, edge);
    std::vector<std::string> lines;
    std::string_view text = out.view().substr(0, out.view().find("\r\n\r\n"));
    while (!text.empty()) {
        const auto end = std::min(text.find("\r\n"), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 2, text.size()));
    }
    return lines;
}

TEST(Response, CarriesTheDeclaredHeaders) {
    topology::Edge declared;
    declared.declared = true;
    declared.content_security_policy = "script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'";
    const EdgeHeaders clear(declared, false);
    const EdgeHeaders secure(declared, true);
    const EdgeHeaders none({}, true);
    Response response;
    response.status(404);
    auto lines = head_of(response, clear);
    EXPECT_EQ(lines[0], "HTTP/1.1 404 Not Found");
    EXPECT_EQ(lines[2], "Cache-Control: no-store");
    EXPECT_EQ(lines[3], "Content-Security-Policy: script-src 'none'; style-src 'none'");
    EXPECT_EQ(lines.size(), 11U);
    EXPECT_EQ(head_of(response, secure)[4], "Strict-Transport-Security: max-age=63072000; includeSubDomains");
    EXPECT_EQ(head_of(response, none)[3], "X-Content-Type-Options: nosniff");
    EXPECT_EQ(head_of(response, none).size(), 6U);
}

TEST(Response, OfAPageHasOneFreshNonceAndForgetsIt) {
    topology::Edge declared;
    declared.declared = true;
    declared.content_security_policy = "script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'";
    const EdgeHeaders edge(declared, false);
    Response response;
    const std::string first(response.page());
    EXPECT_EQ(first.size(), 22U);
    EXPECT_EQ(head_of(response, edge)[3],
              "Content-Security-Policy: script-src 'nonce-" + first + "'; style-src 'nonce-" + first + "'");
    EXPECT_NE(response.page(), first);
    response.clear();
    EXPECT_EQ(head_of(response, edge)[3], "Content-Security-Policy: script-src 'none'; style-src 'none'");
}

}  // namespace
}  // namespace domicile::http
