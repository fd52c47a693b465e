#pragma once
// `domicile.toml` as plain values: what exists, where it stands, and how each table is treated. No I/O, no
// clock. A Topology that came out of parse() is valid: indices fit their vectors, ranges do not overlap, no
// shard leaves its jurisdiction. Immutable after that, so threads share it freely.

#include "base/ids.hpp"
#include "topology/operations.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::topology {

using base::JurisdictionIndex;
using base::NodeIndex;
using base::RegionIndex;
using base::ShardIndex;
using base::UserId;

/// A legal area. A person's home is exactly one.
struct Jurisdiction {
    std::string name;
    std::string law;
    std::vector<std::string> countries;  ///< ISO 3166-1 alpha-2, upper case
    bool rest_of_world = false;  ///< home of people of every country no jurisdiction lists; at most one
    /// Policy files (JSON), relative to the topology file; instead of the default guard rail.
    std::vector<std::string> guard_rails = {};
    /// Public holidays, for due dates: "12-25" each year, "2026-05-14" once, "easter+1" by Easter Sunday.
    std::vector<std::string> holidays = {};
};

struct Address {
    std::string host;
    std::uint16_t port = 0;
    friend bool operator==(const Address&, const Address&) = default;
};

/// A place where machines run. One region per jurisdiction is its writer region.
struct Region {
    std::string name;
    JurisdictionIndex jurisdiction;
    bool writer = false;
    Address http;  ///< where the HTTP door listens
    Address sql;   ///< where the SQL door listens
    std::string tls_certificate =
        {};  ///< PEM files of the SQL door, relative to the topology file; empty: no TLS
    std::string tls_key = {};
    /// Whether the HTTP door speaks TLS, and nothing else: off the loopback address.
    [[nodiscard]] bool http_tls() const;
    Address mesh = {};  ///< where other regions' relays reach this one over mutual TLS; port 0: no mesh
};

/// User ids from <= id < to.
struct KeyRange {
    std::int64_t from = 0;
    std::int64_t to = 0;
    friend bool operator==(const KeyRange&, const KeyRange&) = default;
};

/// One PostgreSQL server. `writer` is the role the topology declares; which node is the writer now is found
/// out by asking the nodes (pool), because a failover does not edit this file.
struct Node {
    std::string name;  ///< embedded: "eu-1.eu-west-1.w"; existing server: "eu-1.HOST:PORT"
    ShardIndex shard;  ///< for the central node: value == shards.size()
    RegionIndex region;
    Address address;
    bool embedded = true;  ///< the fleet runs it; otherwise it is an existing server that we only follow
    bool writer = false;
};

struct Shard {
    std::string name;
    JurisdictionIndex jurisdiction;  ///< that of the writer's region
    std::vector<KeyRange> ranges;    ///< sorted by `from`
    bool open = true;                ///< new people may get ids here
    RegionIndex writer;
    std::vector<RegionIndex> readers;
    std::vector<NodeIndex> nodes;  ///< embedded: writer first, then readers in their order
};

/// "0-30000,60000-90000": how a database and a gateway say the same ranges.
[[nodiscard]] std::string ranges_text(std::span<const KeyRange> ranges);

/// The one place where anonymous figures of all jurisdictions meet. Has no user ranges.
struct Central {
    RegionIndex region;
    NodeIndex node;
};

/// How a personal column's value is erased (mission: GDPR Art. 17 without deleting records that must stay).
enum class Erasure : std::uint8_t { delete_row, set_null, generalise, tokenise, keyed_hash, shred };

/// Where a value comes from: portability (GDPR Art. 20) is of the first two, access (Art. 15) of all.
enum class Origin : std::uint8_t { provided, observed, inferred };
[[nodiscard]] std::string_view name(Origin origin) noexcept;

struct PersonalColumn {
    std::string name;
    Erasure erasure = Erasure::set_null;
    std::string to = {};     ///< generalise: "year", "month", "decade", "prefix:N", "step:N"
    std::string klass = {};  ///< class of personal data, such as "contact"
    Origin origin = Origin::provided;
};

enum class TableKind : std::uint8_t {
    sharded,    ///< rows belong to a user by the key column
    reference,  ///< the same rows on every shard
    single,     ///< lives on one named shard
};

enum class RowEvent : std::uint8_t { inserted, updated, deleted };

struct Table {
    std::string name;
    TableKind kind = TableKind::sharded;
    std::string key;      ///< the user-id column; empty unless sharded
    bool person = false;  ///< the table with one row per person; its primary key is `key`. Exactly one table
    std::string country;  ///< column of the person table from which home follows; may be empty
    std::optional<ShardIndex> shard;  ///< for kind single
    std::vector<PersonalColumn> personal;
    std::vector<RowEvent> audited;
    std::vector<std::string> policies = {};  ///< resource policy files, relative to the topology file
    std::string purpose = {};                ///< why the rows are kept (GDPR Art. 5(1)(b)); empty: not said
    std::string retention = {};              ///< how long: "10 years"; empty: not said
    std::string retained_from = {};          ///< column from which that counts; empty: no row goes by itself
};

enum class Bucket : std::uint8_t { day, month, year };
[[nodiscard]] std::string_view name(Bucket bucket) noexcept;

/// One anonymous figure: what is counted, by which columns, which sums.
struct Statistic {
    std::string name;
    std::string table;
    std::vector<std::string> by;
    std::vector<std::string> sums;
    std::string time = {};  ///< column whose buckets are a dimension, after those of `by`; empty: none
    Bucket bucket = Bucket::month;
    std::string histogram = {};             ///< column whose value's range is the last dimension; empty: none
    std::vector<std::int64_t> bounds = {};  ///< upper, inclusive, growing; beyond the last is one more
    /// What leaves a shard is made of so many people at least …
    std::uint32_t persons_min = 5;
    std::uint32_t rest_s = 60;  ///< … and has not changed for so long.
    /// Names of the dimensions: those of `by`, "month", "total_range".
    [[nodiscard]] std::vector<std::string> dimensions() const;
};

/// How an audited event of a table is laid out as a document. Without one: all columns of the row.
struct DocumentLayout {
    std::string table;
    std::string title;                ///< "{column}" stands for the row's value
    std::vector<std::string> fields;  ///< columns of the row, in their order; empty: all
    std::vector<std::string> person;  ///< columns of the person's own row, above them
    std::string lines;                ///< a table whose rows are listed; empty: none
    std::vector<std::string> by;  ///< columns that a listed row shares with this one, beside the user's key
    std::vector<std::string> columns;  ///< of the list
};

/// Who receives documents, and how.
struct Institution {
    std::string name;
    JurisdictionIndex jurisdiction;
    std::vector<std::string> documents;  ///< tables
    std::string
        deliver;  ///< "directory:/…", "directory:NAME" (in the state directory), "https://…", "sftp://…"
    std::string credential;  ///< a declared secret: a bearer token, or a private key for SFTP; empty: none
    std::string host_key;    ///< SFTP: SHA-256 of the server's public key, base64 without padding
    std::uint32_t batch_documents = 500;  ///< a batch holds so many at most …
    std::uint32_t batch_s = 60;           ///< … and waits so long for them
};

enum class TransferBasis : std::uint8_t { adequacy, contract_clauses, consent };

/// A declared legal basis on which principals of `to` may reach data whose home is `from` (GDPR Ch. V).
struct Transfer {
    JurisdictionIndex from;
    JurisdictionIndex to;
    TransferBasis basis = TransferBasis::adequacy;
    std::vector<std::string> actions;
    std::vector<std::string> tables;
    std::vector<std::string> columns;  ///< personal ones of those tables; empty: all of them
};

/// Somebody else whose tokens are believed, and about what.
struct TokenIssuer {
    std::string name;  ///< the tokens' "iss"
    std::string jwks;  ///< its keys (RFC 7517): a file relative to the topology file, or an https URL
    std::vector<std::string> audiences;  ///< empty: the deployment's own
    std::vector<JurisdictionIndex> jurisdictions;
    std::vector<std::string> roles;
    std::vector<std::string> algorithms;  ///< of RS256, ES256, EdDSA; empty: all
    std::string authority =
        {};  ///< of the URL's server (PEM, relative to the topology file); empty: the machine's
};

/// Whom a client's certificate shows: a service.
struct CertifiedClient {
    std::string name;  ///< its subject's common name, as PostgreSQL's own `cert` method reads it
    std::vector<std::string> roles;
    JurisdictionIndex jurisdiction;
};

struct Identity {
    std::string audience;  ///< what tokens for this deployment name as "aud"
    std::vector<TokenIssuer> issuers;
    std::string client_authority = {};  ///< of clients' certificates (PEM, relative to the topology file)
    std::vector<CertifiedClient> clients;
};

/// What a role may do, in policy files (JSON) relative to the topology file. A default role that stands here
/// loses its default policy.
struct Role {
    std::string name;
    std::vector<std::string> policies;
    std::vector<std::string> boundary;
};

/// What is promised about people's data.
struct Privacy {
    bool strict =
        false;  ///< every table of users says purpose and retention, every personal column its class
    std::uint32_t rewrite_h = 24;    ///< pages that held erased values are rewritten within so many hours
    std::uint32_t wal_days = 7;      ///< write-ahead log is recycled or deleted by then
    std::uint32_t backup_days = 0;   ///< backups are kept so long; 0: none are made
    std::uint32_t package_days = 7;  ///< a person's package can be fetched so long
    std::uint32_t package_mb_max = 1'024;
};

/// What people may consent to, in the words that are put before them.
struct Consent {
    std::string purpose;
    std::string version;
    std::string text;
};

/// Where secrets live, and under which key.
struct Vault {
    enum class Driver : std::uint8_t { local, aws };
    Driver driver = Driver::local;
    std::string endpoint = {};           ///< aws: a server of one's own; empty: AWS itself
    std::string key = "alias/domicile";  ///< aws: the KMS key of each region
};

/// What carries batches of figures to central.
struct QueueChoice {
    enum class Driver : std::uint8_t { postgres, sqs };
    Driver driver = Driver::postgres;  ///< postgres: a table of central
    std::string endpoint = {};         ///< sqs: a server of one's own; empty: AWS itself
    std::string name = {};             ///< sqs: NAME.fifo and NAME-dead.fifo in central's region
};

/// Where audit documents are kept.
struct StoreChoice {
    enum class Driver : std::uint8_t { directory, s3 };
    Driver driver = Driver::directory;  ///< directory: STATE/objects/<jurisdiction>
    std::string endpoint = {};          ///< s3: a server of one's own; empty: AWS itself
    std::string bucket = {};            ///< s3: BUCKET-<jurisdiction> in its writer region
    std::uint32_t retain_days =
        0;  ///< s3: nobody deletes them for so long (object lock); 0: as the bucket says
};

/// A secret of the application, and where it may be.
struct SharedSecret {
    std::string name;
    std::vector<JurisdictionIndex> jurisdictions;  ///< the first one's writer region is where it is written
};

/// Mutual TLS between the regions of a jurisdiction.
struct Mesh {
    /// Relays of a region to nodes elsewhere take consecutive ports of the loopback address from here.
    std::uint16_t first_port = 0;
};

/// What every HTTP response says about itself, and who is served where at the edge. The defaults are those of
/// a door that serves data and one page of its own.
struct Edge {
    bool declared = false;  ///< [edge] stands in the file: the doors themselves send these headers
    /// CSP Level 3; 'nonce-{nonce}' stands for 128 random bits, fresh in each response that is a page.
    std::string content_security_policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    std::string report_only = {};  ///< the policy that is only reported; empty: none
    std::string strict_transport_security = "max-age=63072000; includeSubDomains";  ///< RFC 6797
    std::string referrer_policy = "no-referrer";
    std::string permissions_policy = "camera=(), geolocation=(), microphone=()";
    std::string opener_policy = "same-origin";    ///< Cross-Origin-Opener-Policy
    std::string resource_policy = "same-origin";  ///< Cross-Origin-Resource-Policy
    /// Reporting-Endpoints: name and URL.
    std::vector<std::pair<std::string, std::string>> reporting = {};
    /// Which region serves people of a country; one of their home. Others are served by its writer region.
    std::vector<std::pair<std::string, RegionIndex>> countries = {};
    /// The host name of a jurisdiction's edge: where people are sent whose home it is.
    std::vector<std::pair<JurisdictionIndex, std::string>> hosts = {};
};

struct Limits {
    std::uint32_t body_bytes_max = 1U << 20U;
    std::uint32_t page_rows_max = 1'000;
    std::uint32_t statement_ms_max = 5'000;
    std::uint32_t node_connections_max = 16;  ///< per gateway thread and node
    std::uint32_t client_connections_max = 4'096;
    std::uint32_t gateway_threads = 1;
};

/// The embedded PostgreSQL clusters.
struct Embedded {
    std::string listen = "127.0.0.1";
    std::uint16_t first_port = 0;  ///< nodes take consecutive ports from here, in the order of `nodes`
    bool tls = false;     ///< gateways and readers reach the nodes by TLS, under an authority of our own
    bool durable = true;  ///< false turns fsync off: for tests, never for data one wants to keep
    std::vector<std::pair<std::string, std::string>> settings;  ///< extra postgresql.conf lines
};

struct Database {
    std::string name;
    std::string
        migrations;  ///< folder of numbered SQL files of the application, relative to the topology file
    /// The SQL door lets `postgres` in, as superuser of the nodes: for test beds, where residency is not at
    /// stake. A superuser can disable every guard of a shard.
    bool superuser_login = false;
    /// The authority (PEM, relative to the topology file) of existing nodes: connections to them speak TLS
    /// and verify the node's name. Empty: no TLS.
    std::string node_tls_ca = {};
};

struct Topology {
    std::string name;
    std::vector<Jurisdiction> jurisdictions;
    std::vector<Region> regions;
    std::vector<Shard> shards;
    std::vector<Node> nodes;  ///< all shards' nodes in shard order, then central's
    std::optional<Central> central;
    std::vector<Table> tables;
    /// `[tables."*"]`: every table that the file does not name lives on this entry's shard. Its name is "*".
    std::optional<Table> other_tables;
    std::vector<Statistic> statistics;
    std::vector<DocumentLayout> documents;
    std::vector<Institution> institutions;
    std::vector<Transfer> transfers;
    Identity identity;
    std::vector<Role> roles;
    Vault vault;
    QueueChoice queue;
    StoreChoice store;
    std::vector<SharedSecret> secrets;
    Privacy privacy;
    std::vector<Consent> consents;
    Mesh mesh;
    Limits limits;
    std::uint32_t map_epoch = 1;  ///< of the ranges; grows at each change of them
    Embedded embedded;
    Database database;
    std::vector<AlarmRule> alarms = {};  ///< the default ones, and what the file says
    std::vector<Channel> channels = {};
    std::vector<Maintenance> maintenance = {};
    Edge edge = {};

    [[nodiscard]] const Jurisdiction& at(JurisdictionIndex index) const { return jurisdictions[index.value]; }
    [[nodiscard]] const Region& at(RegionIndex index) const { return regions[index.value]; }
    [[nodiscard]] const Shard& at(ShardIndex index) const { return shards[index.value]; }
    [[nodiscard]] const Node& at(NodeIndex index) const { return nodes[index.value]; }

    [[nodiscard]] std::optional<RegionIndex> region(std::string_view region_name) const;
    [[nodiscard]] std::optional<JurisdictionIndex> jurisdiction(std::string_view jurisdiction_name) const;
    [[nodiscard]] std::optional<ShardIndex> shard(std::string_view shard_name) const;
    /// Null if there is no such table.
    [[nodiscard]] const Table* table(std::string_view table_name) const;
    /// The table with one row per person.
    [[nodiscard]] const Table& person_table() const;
    /// The writer region of a jurisdiction.
    [[nodiscard]] RegionIndex writer_region(JurisdictionIndex index) const;
    /// The home of people of `country` (ISO alpha-2, any case); empty if no jurisdiction takes them.
    [[nodiscard]] std::optional<JurisdictionIndex> home_of_country(std::string_view country) const;
    /// The jurisdiction a node stands in, by its region.
    [[nodiscard]] JurisdictionIndex jurisdiction_of(NodeIndex index) const;
    /// Where something that stands in `from` reaches a node: at its address, or at the region's own relay to
    /// it, if the node stands elsewhere and both regions are in the mesh.
    [[nodiscard]] Address reach(RegionIndex from, NodeIndex node) const;
    /// Whether connections to the node speak TLS.
    [[nodiscard]] bool tls(const Node& node) const {
        return node.embedded ? embedded.tls : !database.node_tls_ca.empty();
    }
};

}  // namespace domicile::topology
