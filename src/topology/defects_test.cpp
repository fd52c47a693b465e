// Every kind of defect, alone: the exact place, what is said and how to mend it.

#include "topology/parse.hpp"
#include "topology/test_file.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace domicile::topology {
namespace {

using testing::all;
using testing::base;
using testing::place_of;
using testing::replaced;

struct Defect {
    std::string_view cut;
    std::string_view paste;
    std::string_view place;  // the finding stands at the ^
    std::string_view what;   // part of `what`
    std::string_view mend;   // part of `mend`
};

constexpr Defect defects[] = {
    // The text
    {"law = \"GDPR\"", "law = \"GDPR", "law = \"GDPR^\n", "not TOML", "quotes"},
    {"writer = true", "writer = NO", "writer = ^NO", "a text without quotes", "quotes"},
    {"writer = true", "writer = true\nwriter = true", "writer = true\nwriter = ^true", "not TOML", "once"},
    {"[central]", "[central]\n[central]", "^[central]\nregion", "not TOML", "once"},
    {"law = \"GDPR\"", "law = \"a\rb\"", "law = \"a^\rb\"", "carriage return", "remove"},
    {"law = \"GDPR\"", "law = \"a\xE2\x80\xA8\"", "law = \"a^\xE2\x80\xA8", "Unicode line separator",
     "escape"},
    {"law = \"GDPR\"", "law = “GDPR”", "law = ^“", "a character beyond ASCII, outside quotes", "in quotes"},
    {"law = \"GDPR\"", "law = \"\"\"a \\\n b\"\"\"", "a ^\\", "a backslash at the end of a line", "remove"},
    {"[central]", "[[[central]]]", "^[[[central", "a section without a name", "[section]"},
    {"[central]", "[ .central]", "^[ .central", "a section without a name", "[section]"},
    {"[central]", "[]", "[^]", "not TOML", "correct"},
    {"[200, 300]]", "[200, 300}]", "[200, 300^}", "`}` closes nothing that is open", "bracket"},
    {"[central]", "[central]]", "[central]^]", "`]` closes nothing that is open", "bracket"},
    // Keys and types
    {"name = \"shop\"\n[database]", "[database]", "^[database]", "the file lacks `name`",
     "name = \"retail\""},
    {"name = \"shop\"\n[d", "name = \"Shop\"\n[d", "name = ^\"Shop", "malformed topology name `Shop`",
     "lower-case"},
    {"[central]", "colour = 1\n[central]", "^colour", "unknown key `colour` in [shards.uk-1]",
     "the keys here are ranges"},
    {"law = \"GDPR\"", "laws = \"GDPR\"", "^laws", "unknown key `laws` in [jurisdictions.eu]",
     "did you mean `law`?"},
    {"[limits]", "[limts]", "[^limts]", "unknown key `limts` in the file", "did you mean `limits`?"},
    {"[central]", "[centrale]", "[^centrale]", "unknown key `centrale`", "did you mean `central`?"},
    {"erase = \"shred\"", "erase = \"shred\", why = 1", "^why", "unknown key `why`", "erase"},
    {"writer = true", "writer = \"yes\"", "writer = ^\"yes\"",
     "`writer` in [regions.eu-a] must be true or false, not text", "writer = true"},
    {"law = \"GDPR\"", "law = 7", "law = ^7", "must be text in quotes, not an integer", "law ="},
    {"countries = [\"GB\"]", "countries = \"GB\"", "countries = ^\"GB", "must be a list of texts, not text",
     "["},
    {"countries = [\"GB\"]", "countries = [\"GB\", 7]", "\"GB\", ^7", "must hold only texts, not an integer",
     "["},
    {"first_port = 7500", "first_port = 7500.0", "first_port = ^7500.0",
     "must be an integer, not a number with a fraction", "7500"},
    {"first_port = 7500", "first_port = 2024-01-01", "first_port = ^2024", "not a date or time", "7500"},
    {"[central]\nregion = \"eu-b\"", "[[central]]\nregion = \"eu-b\"", "^[[central]]",
     "`central` in the file must be a table, not a list", "[central]"},
    {"migrations = \"schema\"\n", "", "[^database]", "[database] lacks `migrations`", "migrations"},
    {"migrations = \"schema\"", "migrations = \"\"", "migrations = ^\"", "not a folder", "relative"},
    {"name = \"shop\"\nm", "name = \"my-shop\"\nm", "name = ^\"my-shop", "malformed database name `my-shop`",
     "lower-case"},
    {"name = \"shop\"\nm", "name = \"postgres\"\nm", "name = ^\"postgres", "belongs to PostgreSQL",
     "application"},
    // Jurisdictions
    {"[\"GB\"]", "[\"GB\", \"DE\"]", "\"GB\", ^\"DE\"",
     "country `DE` is listed by `uk` and already by `eu` (line 7)", "one jurisdiction"},
    {"[\"GB\"]", "[\"GB\", \"gb\"]", "\"GB\", ^\"gb\"", "malformed country code `gb`", "upper-case"},
    {"[\"GB\"]", "[\"GBR\"]", "^\"GBR\"", "malformed country code `GBR`", "two"},
    {"law = \"GDPR\"", "rest_of_world = true", "rest_of_world = ^true\n[regions",
     "`uk` claims the rest of the world, and so does `eu`", "one"},
    {"[jurisdictions.uk]", "[jurisdictions.us]\n[jurisdictions.uk]", "[jurisdictions.^us]",
     "jurisdiction `us` has no region", "jurisdiction = \"us\""},
    // Regions
    {"[regions.eu-b]\njurisdiction = \"eu\"", "[regions.eu-b]\njurisdiction = \"ue\"",
     "jurisdiction = ^\"ue\"", "names the unknown jurisdiction `ue`", "did you mean `eu`?"},
    {"[regions.eu-b]\njurisdiction = \"eu\"", "[regions.eu-b]", "[regions.^eu-b]",
     "[regions.eu-b] lacks `jurisdiction`", "jurisdiction = \"eu\""},
    {"[regions.eu-b]\njurisdiction = \"eu\"", "[regions.eu-b]\nwriter = true\njurisdiction = \"eu\"",
     "[regions.eu-b]\nwriter = ^true", "jurisdiction `eu` has two writer regions: `eu-a` and `eu-b`",
     "one of them"},
    {"writer = true\nhttp = \"127.0.0.1:8103\"", "http = \"127.0.0.1:8103\"", "[jurisdictions.^uk]",
     "jurisdiction `uk` has no writer region", "uk-a"},
    {"127.0.0.1:8102", "8102", "http = ^\"8102\"", "`http` in [regions.eu-b] is not an address: `8102`",
     "host:port"},
    {"127.0.0.1:8102", "127.0.0.1:0", "^\"127.0.0.1:0\"", "is not an address", "1 to 65535"},
    {"127.0.0.1:8102", "127.0.0.1:65536", "^\"127.0.0.1:65536\"", "is not an address", "1 to 65535"},
    {"127.0.0.1:8102", "127.0.0.300:80", "^\"127.0.0.300:80\"", "is not an address", "host:port"},
    {"127.0.0.1:8102", "::1:80", "^\"::1:80\"", "is not an address", "[ipv6]"},
    {"127.0.0.1:8102", "0.0.0.0:80", "^\"0.0.0.0:80\"", "listens on `0.0.0.0` without a certificate",
     "loopback"},
    {"127.0.0.1:7102", "10.0.0.9:80", "^\"10.0.0.9:80\"", "listens on `10.0.0.9` without a certificate",
     "tls_certificate"},
    {"127.0.0.1:8102", "localhost:8101", "^\"localhost:8101\"",
     "takes `localhost:8101`, which `http` in [regions.eu-a] has already (line 14)", "its own port"},
    {"127.0.0.1:7102", "127.0.0.1:8102", "sql = ^\"127.0.0.1:8102\"",
     "which `http` in [regions.eu-b] has already", "its own port"},
    {"jurisdiction = \"eu\"\nwriter", "jursidiction = \"eu\"\nwriter", "^jursidiction",
     "unknown key `jursidiction`", "did you mean `jurisdiction`?"},
    // Identity
    {"[central]", "[identity]\naudience = \"\"\n[central]", "audience = ^\"\"",
     "`audience` in [identity] is empty", "aud"},
    {"[central]",
     "[[identity.issuers]]\nissuer = \"x\"\njwks = \"http://x\"\njurisdictions = [\"eu\"]\nroles = "
     "[\"a\"]\n[central]",
     "jwks = ^\"http", "neither a file nor an https URL", "https"},
    {"[central]",
     "[[identity.issuers]]\nissuer = \"domicile:eu\"\njwks = \"x\"\njurisdictions = [\"eu\"]\nroles = "
     "[\"a\"]\n[central]",
     "issuer = ^\"domicile", "cannot be `domicile:eu`", "our own"},
    {"[central]",
     "[[identity.issuers]]\nissuer = \"x\"\njwks = \"x\"\njurisdictions = [\"ue\"]\nroles = "
     "[\"a\"]\n[central]",
     "[^\"ue\"]", "names the unknown jurisdiction `ue`", "did you mean `eu`?"},
    {"[central]",
     "[[identity.issuers]]\nissuer = \"x\"\njwks = \"x\"\njurisdictions = [\"eu\"]\nroles = []\n[central]",
     "roles = ^[]", "`roles` in [[identity.issuers]] is empty", "issuer"},
    {"[central]",
     "[[identity.issuers]]\nissuer = \"x\"\njwks = \"x\"\njurisdictions = [\"eu\"]\nroles = "
     "[\"a\"]\nalgorithms = [\"none\"]\n[central]",
     "algorithms = [^\"none\"]", "`none` in [[identity.issuers]] is no algorithm we take", "EdDSA"},
    {"[central]",
     "[identity]\nclients = [{ name = \"x\", roles = [\"app\"], jurisdiction = \"eu\" }]\n[central]",
     "^clients = [", "[[identity.clients]] without `client_ca`", "authority"},
    // Roles, secrets, mesh
    {"[central]", "[roles.Analyst]\npolicies = [\"a.json\"]\n[central]", "[roles.^Analyst",
     "malformed role name", "lower-case"},
    {"[central]", "[roles.analyst]\npolicies = [\"\"]\n[central]", "policies = [^\"\"", "names no file",
     "JSON"},
    {"[central]", "[vault]\ndriver = \"azure\"\n[central]", "driver = ^\"azure", "unknown driver `azure`",
     "aws"},
    {"[central]", "[vault]\ndriver = \"aws\"\nendpoint = \"http://10.0.0.1:5000\"\n[central]",
     "endpoint = ^\"http", "`endpoint` in [vault] is `http://10.0.0.1:5000`", "in clear"},
    {"[central]", "[vault]\nkey = \"alias/x\"\n[central]", "^key = \"alias",
     "means nothing to the local driver", "driver = \"aws\""},
    {"[central]", "[secrets.pay]\njurisdictions = [\"ue\"]\n[central]", "[^\"ue\"]",
     "names the unknown jurisdiction `ue`", "did you mean `eu`?"},
    {"[central]", "[secrets.pay]\njurisdictions = []\n[central]", "^jurisdictions = []",
     "`jurisdictions` in [secrets.pay] is empty", "where"},
    {"[central]", "[mesh]\nfirst_port = 7900\n[central]", "[^mesh]", "[mesh] without a region", "remove"},
    // Shards
    {"\"10.0.0.2:5432\"", "\"[::]:5432\"", "^\"[::]:5432\"", "has the wildcard address `[::]:5432`",
     "one address"},
    {"[200, 300]", "[50, 300]", "^[50, 300]",
     "ranges overlap: [50, 300) of `eu-1` and [0, 100) of `eu-1` (line 26)", "one shard"},
    {"[1_000, 1_100]", "[250, 260]", "^[250, 260]", "[250, 260) of `uk-1` and [200, 300) of `eu-1` (line 26)",
     "one shard"},
    {"[200, 300]", "[300, 200]", "^[300, 200]", "reversed range [300, 200)", "smaller bound first"},
    {"[200, 300]", "[200, 200]", "^[200, 200]", "empty range [200, 200)", "larger"},
    {"[0, 100]", "[-5, 100]", "[^-5, 100]", "negative bound", "start at 0"},
    {"[200, 300]", "[200, 300.0]", "[200, ^300.0]", "a bound in [shards.eu-1] must be an integer",
     "[from, to]"},
    {"[200, 300]", "[200, \"300\"]", "[200, ^\"300\"]", "must be an integer, not text", "[from, to]"},
    {"[200, 300]", "[200]", "^[200]", "must be a list of two integers", "[from, to]"},
    {"[200, 300]", "300", "[0, 100], ^300", "must be a list of two integers", "[from, to]"},
    {"[[1_000, 1_100]]", "[]", "ranges = ^[]", "`ranges` in [shards.uk-1] is empty", "at least one"},
    {"ranges = [[1_000, 1_100]]\n", "", "[shards.^uk-1]", "[shards.uk-1] lacks `ranges`", "ranges ="},
    {"writer = \"uk-a\"", "writer = \"uk-b\"", "writer = ^\"uk-b\"",
     "[shards.uk-1] names the unknown region `uk-b`", "did you mean"},
    {"writer = \"uk-a\"", "writer = \"mars-north\"", "writer = ^\"mars", "unknown region `mars-north`",
     "use one of: eu-a, eu-b, uk-a"},
    {"writer = \"eu-a\"", "writer = \"eu-b\"", "writer = ^\"eu-b\"",
     "writes in `eu-b`, but the writer region of `eu` is `eu-a`", "writer = \"eu-a\""},
    {"readers = [\"eu-b\"]", "readers = [\"uk-a\"]", "readers = [^\"uk-a\"]",
     "a reader of [shards.eu-1] would stand abroad: `uk-a` is in `uk`", "region of `eu`"},
    {"readers = [\"eu-b\"]", "readers = [\"eu-c\"]", "readers = [^\"eu-c\"]", "unknown region `eu-c`",
     "did you mean"},
    {"nodes = [", "readers = [\"uk-a\"]\nnodes = [", "^readers = [\"uk-a\"]", "both `nodes` and `readers`",
     "remove `readers`"},
    {"region = \"uk-a\" }", "region = \"eu-b\" }", "region = ^\"eu-b\" }",
     "a node of [shards.uk-1] would stand abroad", "region of `uk`"},
    {"region = \"uk-a\" }", "region = \"uk-c\" }", "region = ^\"uk-c\" }", "unknown region `uk-c`",
     "did you mean"},
    {"address = \"10.0.0.2:5432\", ", "", "^{ region", "a node of [shards.uk-1] lacks `address`",
     "address ="},
    {"\"10.0.0.2:5432\"", "\"10.0.0.1:5432\"", "address = ^\"10.0.0.1:5432\"",
     "takes `10.0.0.1:5432`, which a node of [shards.uk-1] has already", "own port"},
    {"\"10.0.0.1:5432\"", "\"postgres://10.0.0.1:5432\"", "[^\"postgres:", "is not an address", "host:port"},
    {"\"10.0.0.1:5432\"", "7", "nodes = [^7",
     "a node of [shards.uk-1] must be text or a table, not an integer", "host:port"},
    {"[\"10.0.0.1:5432\", { address = \"10.0.0.2:5432\", region = \"uk-a\" }]", "[]", "nodes = ^[]",
     "`nodes` in [shards.uk-1] is empty", "host:port"},
    {"open = false", "open = 0", "open = ^0", "must be true or false", "open = false"},
    {"[shards.uk-1]", "[shards.UK_1]", "[shards.^UK_1]", "malformed shard name `UK_1`", "lower-case"},
    // Central and embedded
    {"[central]\nregion = \"eu-b\"", "[central]\nregion = \"eu-c\"", "region = ^\"eu-c\"",
     "[central] names the unknown region `eu-c`", "did you mean"},
    {"first_port = 7500\n", "", "[^embedded]",
     "[embedded] lacks `first_port`, which the 3 embedded nodes need", "first_port = 7500"},
    {"first_port = 7500", "first_port = 0", "first_port = ^0", "out of range: 0", "1 to 65535"},
    {"first_port = 7500", "first_port = 70_000", "first_port = ^70_000", "out of range: 70000", "1 to 65535"},
    {"first_port = 7500", "first_port = 65_534", "first_port = ^65_534", "ports 65534 to 65536",
     "lower `first_port`"},
    {"first_port = 7500", "first_port = 7500\nlisten = \"127.0.0.1:5\"", "listen = ^\"127.0.0.1:5\"",
     "is not a host", "without a port"},
    {"shared_buffers =", "Shared-Buffers =", "{ ^Shared-Buffers", "malformed setting name", "manual"},
    {"shared_buffers = \"64MB\"", "port = 5432", "{ ^port", "setting `port` is set by domicile itself",
     "remove"},
    {"shared_buffers = \"64MB\"", "ssl_key_file = \"x\"", "{ ^ssl_key_file", "is set by domicile itself",
     "remove"},
    {"\"64MB\"", "\"64MB'\\nport = 1\"", "shared_buffers = ^\"64MB", "holds a control character", "one line"},
    {"\"64MB\"", "[64]", "shared_buffers = ^[64]", "must be text, an integer, true or false, not a list",
     "postgresql.conf"},
    {"\"64MB\" }", "\"64MB\", a.b = 1, \"a.b\" = 2 }", "^\"a.b\"", "setting `a.b` stands twice", "remove"},
    {"jurisdiction = \"uk\"\n", "jurisdiction = \"uk\"\ntls_key = \"door.key\"\n", "[regions.^uk-a]",
     "one of `tls_certificate` and `tls_key` in [regions.uk-a] is missing", "both"},
    {"migrations = \"schema\"", "migrations = \"schema\"\nnode_tls_ca = \"\"", "node_tls_ca = ^\"\"",
     "`node_tls_ca` in [database] is not a file", "PEM"},
    // Tables
    {"reference = true\n", "", "[tables.^currencies]", "table `currencies` has no user key",
     "reference = true"},
    {"reference = true", "reference = true\nkey = \"id\"", "[tables.^currencies]",
     "more than one of `key`, `reference`, `shard`", "exactly one"},
    {"shard = \"eu-1\"", "shard = \"eu-9\"", "shard = ^\"eu-9\"",
     "[tables.jobs] names the unknown shard `eu-9`", "did you mean `eu-1`?"},
    {"[tables.jobs]\nshard = \"eu-1\"", "[tables.\"*\"]\nshard = \"eu-9\"", "shard = ^\"eu-9\"",
     "[tables.*] names the unknown shard `eu-9`", "did you mean `eu-1`?"},
    {"[tables.jobs]\nshard = \"eu-1\"", "[tables.\"*\"]\nkey = \"id\"\nshard = \"eu-1\"",
     "\"*\"]\n^key = \"id\"", "unknown key `key` in [tables.*]", "remove it"},
    {"person = true\ncountry = \"country\"\n", "", "[^tables.people]", "no table holds the people",
     "person = true"},
    {"key = \"person_id\"", "key = \"person_id\"\nperson = true", "key = \"person_id\"\nperson = ^true",
     "two person tables: `people` and `orders`", "one"},
    {"key = \"person_id\"", "key = \"person_id\"\ncountry = \"land\"", "^country = \"land\"",
     "which is not the person table", "remove"},
    {"country = \"country\"", "country = \"Country\"", "country = ^\"Country\"",
     "malformed column name `Country`", "lower-case"},
    {"key = \"person_id\"", "key = \"personId\"", "key = ^\"personId\"", "malformed column name `personId`",
     "lower-case"},
    {"[tables.jobs]", "[tables.domicile_jobs]", "[tables.^domicile_jobs]", "starts with `domicile`",
     "rename"},
    {"[tables.jobs]", "[tables.Jobs]", "[tables.^Jobs]", "malformed table name `Jobs`", "lower-case"},
    {"personal.email = { erase = \"null\" }", "personal.email = {}", "personal.^email",
     "personal column `email` in [tables.people] lacks `erase`", "erase = \"null\""},
    {"personal.email = { erase = \"null\" }", "personal.email = \"null\"", "personal.email = ^\"null\"",
     "must be a table, not text", ""},
    {"erase = \"null\"", "erase = \"nul\"", "erase = ^\"nul\"", "unknown erasure rule `nul`",
     "did you mean `null`?"},
    {"erase = \"null\"", "erase = \"burn\"", "erase = ^\"burn\"", "unknown erasure rule `burn`",
     "choose from delete_row, null, generalise, tokenise, keyed_hash, shred"},
    {"personal.email", "personal.id", "personal.^id", "the key `id` of [tables.people] cannot be personal",
     "remove"},
    {"personal.email", "personal.\"e-mail\"", "personal.^\"e-mail\"", "malformed column name `e-mail`",
     "lower-case"},
    {"reference = true", "reference = true\npersonal.x = { erase = \"null\" }", "^personal.x",
     "whose rows belong to nobody", "key"},
    {"shard = \"eu-1\"", "shard = \"eu-1\"\npersonal.x = { erase = \"null\" }", "^personal.x",
     "whose rows belong to nobody", "key"},
    {"audit = [\"insert\"]", "audit = [\"inserts\"]", "audit = [^\"inserts\"]",
     "unknown audit verb `inserts`", "did you mean `insert`? choose from insert, update, delete"},
    {"audit = [\"insert\"]", "audit = [\"insert\", \"insert\"]", "\"insert\", ^\"insert\"",
     "names `insert` twice", "remove"},
    // Statistics
    {"table = \"orders\"", "table = \"order\"", "table = ^\"order\"",
     "[statistics.sales] names the unknown table `order`", "did you mean `orders`?"},
    {"table = \"orders\"", "table = \"currencies\"", "table = ^\"currencies\"", "counts the reference table",
     "sharded"},
    {"by = [\"country\"]", "by = [\"note\"]", "by = [^\"note\"]",
     "[statistics.sales] groups by the personal column `note`", "no person"},
    {"by = [\"country\"]", "by = [\"person_id\"]", "by = [^\"person_id\"]",
     "groups by the user key `person_id`", "no person"},
    {"sums = [\"total\"]", "sums = [\"note\"]", "sums = [^\"note\"]", "sums the personal column `note`",
     "no person"},
    {"by = [\"country\"]", "by = [\"a b\"]", "by = [^\"a b\"]", "malformed column name `a b`", "lower-case"},
    {"[statistics.sales]", "[statistics.my-sales]", "[statistics.^my-sales]", "malformed statistic name",
     "lower-case"},
    // Transfers
    {"from = \"eu\"", "from = \"ch\"", "from = ^\"ch\"", "unknown jurisdiction `ch`", "use one of: eu, uk"},
    {"to = \"uk\"", "to = \"ukk\"", "to = ^\"ukk\"", "unknown jurisdiction `ukk`", "did you mean `uk`?"},
    {"to = \"uk\"", "to = \"eu\"", "to = ^\"eu\"", "a transfer from `eu` to itself", "remove"},
    {"basis = \"adequacy\"", "basis = \"friendship\"", "basis = ^\"friendship\"",
     "unknown transfer basis `friendship`", "adequacy, contract_clauses, consent"},
    {"actions = [\"data:Select\"]", "actions = []", "actions = ^[]", "a transfer names no actions", "each"},
    {"actions = [\"data:Select\"]\n", "", "^[[transfers]]", "[[transfers]] lacks `actions`", "data:Select"},
    {"actions = [\"data:Select\"]", "actions = [\"data:*\"]", "actions = [^\"data:*\"]",
     "malformed action `data:*`", "without wildcards"},
    {"tables = [\"orders\"]", "tables = [\"odrers\"]", "tables = [^\"odrers\"]", "unknown table `odrers`",
     "did you mean `orders`?"},
    {"tables = [\"orders\"]", "tables = []", "tables = ^[]", "a transfer names no tables", "each"},
    // Limits
    {"2_048", "0", "body_bytes_max = ^0", "`body_bytes_max` in [limits] is out of range: 0",
     "from 1024 to 67108864"},
    {"2_048", "2_048\nstatement_ms_max = 10_000", "statement_ms_max = ^10_000", "out of range: 10000",
     "to 9999"},
    {"2_048", "2_048\ngateway_threads = -1", "gateway_threads = ^-1", "out of range: -1", "from 1"},
};

TEST(Parse, FindsEachDefectAtItsPlace) {
    for (const Defect& defect : defects) {
        const std::string text = replaced(base, defect.cut, defect.paste);
        const Parsed parsed = parse(text);
        ASSERT_EQ(parsed.findings.size(), 1U) << defect.paste << "\n" << all(parsed);
        const Finding& finding = parsed.findings[0];
        const Finding place = place_of(text, defect.place);
        EXPECT_EQ(finding.line, place.line) << defect.paste << "\n" << all(parsed);
        EXPECT_EQ(finding.column, place.column) << defect.paste << "\n" << all(parsed);
        EXPECT_NE(finding.what.find(defect.what), std::string::npos) << defect.paste << "\n" << all(parsed);
        EXPECT_NE(finding.mend.find(defect.mend), std::string::npos) << defect.paste << "\n" << all(parsed);
        EXPECT_FALSE(finding.mend.empty()) << all(parsed);
    }
}

}  // namespace
}  // namespace domicile::topology
