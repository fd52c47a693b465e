#pragma once
// Every key the file may hold, one table per section: the reader refuses all others, and a test holds
// docs/domicile.schema.json against these tables. Private to this room.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace domicile::topology::keys {

enum class Type : std::uint8_t {
    text,
    flag,
    integer,
    texts,   ///< list of texts
    list,    ///< list of something the section's own reader checks
    table,   ///< one section with its own table of keys
    tables,  ///< names the author chooses, each with a value the section's own reader checks
};

struct Key {
    std::string_view name;
    Type type = Type::text;
    bool required = false;
    std::string_view example;  ///< as it would stand in the file
};

/// `name` is that of the definition in the schema; the root is "topology".
struct Section {
    std::string_view name;
    std::span<const Key> keys;
};

inline constexpr std::array topology_keys{
    Key{"name", Type::text, true, "name = \"retail\""},
    Key{"map_epoch", Type::integer, false, "map_epoch = 2"},
    Key{"database", Type::table, true, "[database]"},
    Key{"jurisdictions", Type::tables, true, "[jurisdictions.eu]"},
    Key{"regions", Type::tables, true, "[regions.eu-west-1]"},
    Key{"shards", Type::tables, true, "[shards.eu-1]"},
    Key{"central", Type::table, false, "[central]"},
    Key{"embedded", Type::table, false, "[embedded]"},
    Key{"tables", Type::tables, true, "[tables.users]"},
    Key{"statistics", Type::tables, false, "[statistics.sales]"},
    Key{"documents", Type::tables, false, "[documents.invoices]"},
    Key{"institutions", Type::tables, false, "[institutions.tax-office]"},
    Key{"privacy", Type::table, false, "[privacy]"},
    Key{"consents", Type::tables, false, "[consents.newsletter]"},
    Key{"transfers", Type::list, false, "[[transfers]]"},
    Key{"identity", Type::table, false, "[identity]"},
    Key{"roles", Type::tables, false, "[roles.analyst]"},
    Key{"vault", Type::table, false, "[vault]"},
    Key{"secrets", Type::tables, false, "[secrets.payment-key]"},
    Key{"queue", Type::table, false, "[queue]"},
    Key{"store", Type::table, false, "[store]"},
    Key{"mesh", Type::table, false, "[mesh]"},
    Key{"alarms", Type::tables, false, "[alarms.replica-lag]"},
    Key{"notify", Type::tables, false, "[notify.oncall]"},
    Key{"maintenance", Type::tables, false, "[maintenance.upgrade]"},
    Key{"edge", Type::table, false, "[edge]"},
    Key{"limits", Type::table, false, "[limits]"},
};
inline constexpr std::array database_keys{
    Key{"name", Type::text, true, "name = \"retail\""},
    Key{"migrations", Type::text, true, "migrations = \"schema\""},
    Key{"superuser_login", Type::flag, false, "superuser_login = true"},
    Key{"node_tls_ca", Type::text, false, "node_tls_ca = \"ca.pem\""},
};
inline constexpr std::array jurisdiction_keys{
    Key{"law", Type::text, false, "law = \"Regulation (EU) 2016/679\""},
    Key{"countries", Type::texts, false, "countries = [\"DE\", \"FR\"]"},
    Key{"rest_of_world", Type::flag, false, "rest_of_world = true"},
    Key{"guard_rails", Type::texts, false, "guard_rails = [\"policies/eu.json\"]"},
    Key{"holidays", Type::texts, false, "holidays = [\"12-25\", \"easter+1\"]"},
};
inline constexpr std::array region_keys{
    Key{"jurisdiction", Type::text, true, "jurisdiction = \"eu\""},
    Key{"writer", Type::flag, false, "writer = true"},
    Key{"http", Type::text, true, "http = \"127.0.0.1:8101\""},
    Key{"sql", Type::text, true, "sql = \"127.0.0.1:7101\""},
    Key{"tls_certificate", Type::text, false, "tls_certificate = \"door.pem\""},
    Key{"tls_key", Type::text, false, "tls_key = \"door.key\""},
    Key{"mesh", Type::text, false, "mesh = \"10.1.0.1:7901\""},
};
inline constexpr std::array shard_keys{
    Key{"ranges", Type::list, true, "ranges = [[0, 30_000]]"},
    Key{"open", Type::flag, false, "open = false"},
    Key{"writer", Type::text, true, "writer = \"eu-west-1\""},
    Key{"readers", Type::texts, false, "readers = [\"eu-central-1\"]"},
    Key{"nodes", Type::list, false, "nodes = [\"10.1.0.11:5432\", \"10.1.0.12:5432\"]"},
};
inline constexpr std::array node_keys{
    Key{"address", Type::text, true, "address = \"10.1.0.11:5432\""},
    Key{"region", Type::text, false, "region = \"eu-central-1\""},
};
inline constexpr std::array central_keys{
    Key{"region", Type::text, true, "region = \"eu-west-1\""},
};
inline constexpr std::array embedded_keys{
    Key{"listen", Type::text, false, "listen = \"127.0.0.1\""},
    Key{"first_port", Type::integer, false, "first_port = 7500"},
    Key{"tls", Type::flag, false, "tls = true"},
    Key{"durable", Type::flag, false, "durable = false"},
    Key{"settings", Type::tables, false, "settings = { shared_buffers = \"64MB\" }"},
};
inline constexpr std::array table_keys{
    Key{"key", Type::text, false, "key = \"user_id\""},
    Key{"reference", Type::flag, false, "reference = true"},
    Key{"shard", Type::text, false, "shard = \"eu-1\""},
    Key{"person", Type::flag, false, "person = true"},
    Key{"country", Type::text, false, "country = \"country\""},
    Key{"personal", Type::tables, false, "personal.email = { erase = \"null\" }"},
    Key{"audit", Type::texts, false, "audit = [\"insert\"]"},
    Key{"policies", Type::texts, false, "policies = [\"policies/users.json\"]"},
    Key{"purpose", Type::text, false, "purpose = \"contract\""},
    Key{"retention", Type::text, false, "retention = \"10 years\""},
    Key{"retained_from", Type::text, false, "retained_from = \"invoiced_at\""},
};
inline constexpr std::array other_tables_keys{
    Key{"shard", Type::text, true, "shard = \"eu-1\""},
};
inline constexpr std::array personal_keys{
    Key{"erase", Type::text, true, "erase = \"null\""},
    Key{"to", Type::text, false, "to = \"year\""},
    Key{"class", Type::text, false, "class = \"contact\""},
    Key{"origin", Type::text, false, "origin = \"provided\""},
};
inline constexpr std::array privacy_keys{
    Key{"strict", Type::flag, false, "strict = true"},
    Key{"rewrite_h", Type::integer, false, "rewrite_h = 24"},
    Key{"wal_days", Type::integer, false, "wal_days = 7"},
    Key{"backup_days", Type::integer, false, "backup_days = 35"},
    Key{"package_days", Type::integer, false, "package_days = 7"},
    Key{"package_mb_max", Type::integer, false, "package_mb_max = 1024"},
};
inline constexpr std::array consent_keys{
    Key{"version", Type::text, true, "version = \"v2026-11\""},
    Key{"text", Type::text, true, "text = \"We may write to you about offers.\""},
};
inline constexpr std::array alarm_keys{
    Key{"fact", Type::text, false, "fact = \"node.lag_ms\""},
    Key{"above", Type::integer, false, "above = 10000"},
    Key{"below", Type::integer, false, "below = 1"},
    Key{"rate_above", Type::integer, false, "rate_above = 100"},
    Key{"absent_s", Type::integer, false, "absent_s = 60"},
    Key{"for", Type::text, false, "for = \"3 of 5\""},
    Key{"every_s", Type::integer, false, "every_s = 10"},
    Key{"missing", Type::text, false, "missing = \"breaching\""},
    Key{"severity", Type::text, false, "severity = \"high\""},
    Key{"any_of", Type::texts, false, "any_of = [\"node-down\"]"},
    Key{"all_of", Type::texts, false, "all_of = [\"node-down\"]"},
    Key{"none_of", Type::texts, false, "none_of = [\"region-silent\"]"},
    Key{"regions", Type::integer, false, "regions = 2"},
    Key{"why", Type::text, false, "why = \"Orders wait.\""},
    Key{"runbook", Type::text, false, "runbook = \"docs/runbooks.md\""},
    Key{"notify", Type::texts, false, "notify = [\"oncall\"]"},
    Key{"off", Type::flag, false, "off = true"},
};
inline constexpr std::array channel_keys{
    Key{"webhook", Type::text, false, "webhook = \"https://example.org/alarms\""},
    Key{"mail", Type::text, false, "mail = \"smtps://mail.example.org:465\""},
    Key{"from", Type::text, false, "from = \"domicile@example.org\""},
    Key{"to", Type::texts, false, "to = [\"oncall@example.org\"]"},
    Key{"command", Type::texts, false, "command = [\"/usr/local/bin/page\"]"},
};
inline constexpr std::array maintenance_keys{
    Key{"from", Type::text, true, "from = \"2026-12-01T02:00Z\""},
    Key{"until", Type::text, true, "until = \"2026-12-01T04:00Z\""},
    Key{"regions", Type::texts, false, "regions = [\"eu-west-1\"]"},
};
inline constexpr std::array statistic_keys{
    Key{"table", Type::text, true, "table = \"invoices\""},
    Key{"by", Type::texts, false, "by = [\"country\"]"},
    Key{"sums", Type::texts, false, "sums = [\"total\"]"},
    Key{"time", Type::text, false, "time = \"invoiced_at\""},
    Key{"bucket", Type::text, false, "bucket = \"month\""},
    Key{"histogram", Type::text, false, "histogram = \"total\""},
    Key{"bounds", Type::list, false, "bounds = [10, 100, 1_000]"},
    Key{"persons_min", Type::integer, false, "persons_min = 5"},
    Key{"rest_s", Type::integer, false, "rest_s = 60"},
};
inline constexpr std::array document_keys{
    Key{"title", Type::text, false, "title = \"Invoice {invoice_no}\""},
    Key{"fields", Type::texts, false, "fields = [\"invoice_no\", \"total\"]"},
    Key{"person", Type::texts, false, "person = [\"name\"]"},
    Key{"lines", Type::text, false, "lines = \"lines\""},
    Key{"by", Type::texts, false, "by = [\"invoice_no\"]"},
    Key{"columns", Type::texts, false, "columns = [\"description\", \"quantity\"]"},
};
inline constexpr std::array institution_keys{
    Key{"jurisdiction", Type::text, true, "jurisdiction = \"eu\""},
    Key{"documents", Type::texts, true, "documents = [\"invoices\"]"},
    Key{"deliver", Type::text, true, "deliver = \"directory:/srv/tax-office\""},
    Key{"credential", Type::text, false, "credential = \"tax-office-key\""},
    Key{"host_key", Type::text, false, "host_key = \"SHA256:uNiVztksCsDhcc0u9e8BrUXVUDSUodt8HlKjB6BYnCc\""},
    Key{"batch_documents", Type::integer, false, "batch_documents = 500"},
    Key{"batch_s", Type::integer, false, "batch_s = 60"},
};
inline constexpr std::array transfer_keys{
    Key{"from", Type::text, true, "from = \"eu\""},
    Key{"to", Type::text, true, "to = \"uk\""},
    Key{"basis", Type::text, true, "basis = \"adequacy\""},
    Key{"actions", Type::texts, true, "actions = [\"data:Select\"]"},
    Key{"tables", Type::texts, true, "tables = [\"invoices\"]"},
    Key{"columns", Type::texts, false, "columns = [\"total\"]"},
};
inline constexpr std::array identity_keys{
    Key{"audience", Type::text, false, "audience = \"https://data.example\""},
    Key{"issuers", Type::list, false, "[[identity.issuers]]"},
    Key{"client_ca", Type::text, false, "client_ca = \"clients.pem\""},
    Key{"clients", Type::list, false, "[[identity.clients]]"},
};
inline constexpr std::array client_keys{
    Key{"name", Type::text, true, "name = \"billing\""},
    Key{"roles", Type::texts, true, "roles = [\"app\"]"},
    Key{"jurisdiction", Type::text, true, "jurisdiction = \"eu\""},
};
inline constexpr std::array issuer_keys{
    Key{"issuer", Type::text, true, "issuer = \"https://login.example\""},
    Key{"jwks", Type::text, true, "jwks = \"keys.json\""},
    Key{"audiences", Type::texts, false, "audiences = [\"domicile\"]"},
    Key{"jurisdictions", Type::texts, true, "jurisdictions = [\"eu\"]"},
    Key{"roles", Type::texts, true, "roles = [\"subject\"]"},
    Key{"algorithms", Type::texts, false, "algorithms = [\"ES256\"]"},
    Key{"jwks_ca", Type::text, false, "jwks_ca = \"login-ca.pem\""},
};
inline constexpr std::array role_keys{
    Key{"policies", Type::texts, true, "policies = [\"policies/analyst.json\"]"},
    Key{"boundary", Type::texts, false, "boundary = [\"policies/most.json\"]"},
};
inline constexpr std::array vault_keys{
    Key{"driver", Type::text, false, "driver = \"aws\""},
    Key{"endpoint", Type::text, false, "endpoint = \"http://127.0.0.1:5000\""},
    Key{"key", Type::text, false, "key = \"alias/domicile\""},
};
inline constexpr std::array queue_keys{
    Key{"driver", Type::text, false, "driver = \"sqs\""},
    Key{"endpoint", Type::text, false, "endpoint = \"http://127.0.0.1:5000\""},
    Key{"name", Type::text, false, "name = \"figures\""},
};
inline constexpr std::array store_keys{
    Key{"driver", Type::text, false, "driver = \"s3\""},
    Key{"endpoint", Type::text, false, "endpoint = \"http://127.0.0.1:5000\""},
    Key{"bucket", Type::text, false, "bucket = \"audit\""},
    Key{"retain_days", Type::integer, false, "retain_days = 3_650"},
};
inline constexpr std::array secret_keys{
    Key{"jurisdictions", Type::texts, true, "jurisdictions = [\"eu\"]"},
};
inline constexpr std::array mesh_keys{
    Key{"first_port", Type::integer, true, "first_port = 7900"},
};
inline constexpr std::array edge_keys{
    Key{"content_security_policy", Type::text, false, "content_security_policy = \"default-src 'none'\""},
    Key{"report_only", Type::text, false, "report_only = \"require-trusted-types-for 'script'\""},
    Key{"strict_transport_security", Type::text, false, "strict_transport_security = \"max-age=63072000\""},
    Key{"referrer_policy", Type::text, false, "referrer_policy = \"no-referrer\""},
    Key{"permissions_policy", Type::text, false, "permissions_policy = \"camera=()\""},
    Key{"cross_origin_opener_policy", Type::text, false, "cross_origin_opener_policy = \"same-origin\""},
    Key{"cross_origin_resource_policy", Type::text, false, "cross_origin_resource_policy = \"same-origin\""},
    Key{"reporting", Type::tables, false, "reporting.csp = \"https://reports.shop.example/csp\""},
    Key{"countries", Type::tables, false, "countries.DE = \"eu-central-1\""},
    Key{"hosts", Type::tables, false, "hosts.eu = \"eu.shop.example\""},
};
inline constexpr std::array limits_keys{
    Key{"body_bytes_max", Type::integer, false, "body_bytes_max = 1_048_576"},
    Key{"page_rows_max", Type::integer, false, "page_rows_max = 1_000"},
    Key{"statement_ms_max", Type::integer, false, "statement_ms_max = 5_000"},
    Key{"node_connections_max", Type::integer, false, "node_connections_max = 16"},
    Key{"client_connections_max", Type::integer, false, "client_connections_max = 4_096"},
    Key{"gateway_threads", Type::integer, false, "gateway_threads = 1"},
};

inline constexpr Section topology{"topology", topology_keys};
inline constexpr Section database{"database", database_keys};
inline constexpr Section jurisdiction{"jurisdiction", jurisdiction_keys};
inline constexpr Section region{"region", region_keys};
inline constexpr Section shard{"shard", shard_keys};
inline constexpr Section node{"node", node_keys};
inline constexpr Section central{"central", central_keys};
inline constexpr Section embedded{"embedded", embedded_keys};
inline constexpr Section table{"table", table_keys};
inline constexpr Section other_tables{"other_tables", other_tables_keys};
inline constexpr Section personal{"personal", personal_keys};
inline constexpr Section privacy{"privacy", privacy_keys};
inline constexpr Section consent{"consent", consent_keys};
inline constexpr Section alarm{"alarm", alarm_keys};
inline constexpr Section channel{"channel", channel_keys};
inline constexpr Section maintenance{"maintenance", maintenance_keys};
inline constexpr Section statistic{"statistic", statistic_keys};
inline constexpr Section transfer{"transfer", transfer_keys};
inline constexpr Section identity{"identity", identity_keys};
inline constexpr Section issuer{"issuer", issuer_keys};
inline constexpr Section client{"client", client_keys};
inline constexpr Section role{"role", role_keys};
inline constexpr Section vault{"vault", vault_keys};
inline constexpr Section queue{"queue", queue_keys};
inline constexpr Section store{"store", store_keys};
inline constexpr Section document{"document", document_keys};
inline constexpr Section institution{"institution", institution_keys};
inline constexpr Section secret{"secret", secret_keys};
inline constexpr Section mesh{"mesh", mesh_keys};
inline constexpr Section edge{"edge", edge_keys};
inline constexpr Section limits{"limits", limits_keys};

inline constexpr std::array all{topology, database, jurisdiction, region,   shard,       node,     central,
                                embedded, table,    other_tables, personal, statistic,   transfer, identity,
                                issuer,   client,   role,         vault,    queue,       store,    secret,
                                mesh,     edge,     limits,       document, institution, privacy,  consent,
                                alarm,    channel,  maintenance};

}  // namespace domicile::topology::keys
