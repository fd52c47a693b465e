#pragma once
// The subcommands of `domicile`: options in, exit status out (0 good, 1 refused or failed, 2 wrong usage).
// main.cpp turns arguments into these structs; each command has a file of its own.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace domicile::app {

/// Options every command with a topology takes.
struct Common {
    std::filesystem::path topology = "domicile.toml";
    std::filesystem::path state;  ///< empty: the default for the topology
    bool json = false;
};

int check(const Common& common);

struct UpOptions {
    bool detach = false;
    std::string region;  ///< only what stands there; empty: everything
};
int up(const Common& common, const UpOptions& options);
int down(const Common& common, const UpOptions& options);

struct StatusOptions {
    bool watch = false;
    std::string mesh;  ///< the region whose relay is asked what it sees; empty: the machine itself
};
int status(const Common& common, const StatusOptions& options);

struct OpsOptions {
    std::string what;
    std::string name;    ///< an alarm, or a finding's id
    std::string region;  ///< seen from there; a silence: only there
    std::string resource;
    std::string reason;
    std::string until;  ///< a day
    std::string pillar;
    std::int64_t minutes = 60;
    bool all = false;
    bool once = false;
};
int top(const Common& common, const OpsOptions& options);
int alarms(const Common& common, const OpsOptions& options);
int advise(const Common& common, const OpsOptions& options);

struct WorkerOptions {
    std::string region;
    std::filesystem::path files;  ///< what the topology's files are relative to
};
int worker(const Common& common, const WorkerOptions& options);
/// As a Lambda function: AWS_LAMBDA_RUNTIME_API says where the events come from.
int lambda(const Common& common, const WorkerOptions& options);

struct StatsOptions {
    std::string what;  ///< show, verify, queue, redrive
    std::string metric;
    std::string by, from, to;
    std::vector<std::string> where;  ///< "country=DE"
};
int stats(const Common& common, const StatsOptions& options);

struct AuditOptions {
    std::string what;  ///< status, show, key, prove
    std::string id;    ///< of a document: "eu-1.42"
    std::string jurisdiction;
    std::string institution;
    std::uint64_t since = 0;  ///< of a log: the size it once had
};
int audit(const Common& common, const AuditOptions& options);

struct UserOptions {
    std::string what;  ///< erase, certificate, hold, release
    std::int64_t id = 0;
    bool dry_run = false;
    int wait = 30;  ///< seconds
    std::string by = "operator";
    std::string ground;
    std::string until;
    bool pdf = false;
    std::filesystem::path out;
    std::string table, key = "{}", set;  ///< of a rectification
    std::string purpose, version;        ///< of a consent
    bool withdraw = false;
};
int user(const Common& common, const UserOptions& options);
int privacy_retention(const Common& common);
struct DecideOptions {
    std::string shard;
    std::int64_t request = 0;
    bool upheld = false;
    bool refused = false;
    std::string because;
};
int privacy_decide(const Common& common, const DecideOptions& options);
int privacy_requests(const Common& common, bool all);
/// The record of processing (Art. 30), or its differences from `check`.
int privacy_register(const Common& common, const std::filesystem::path& check);
struct ExtendOptions {
    std::string shard;
    std::int64_t request = 0;
    std::string because;
};
int privacy_extend(const Common& common, const ExtendOptions& options);

struct ResetOptions {
    bool yes = false;
};
int reset(const Common& common, const ResetOptions& options);

struct LoadOptions {
    std::filesystem::path spec;
    std::filesystem::path refused;  ///< where refused rows go; empty: beside the state
    bool quiet = false;
};
int load(const Common& common, const LoadOptions& options);

struct UrlOptions {
    std::string region;  ///< empty: the writer region of the first jurisdiction
    std::string login = "app";
};
int url(const Common& common, const UrlOptions& options);

struct TokenOptions {
    std::string role;
    std::string jurisdiction;  ///< empty: the first
    std::string name;          ///< empty: the role's
    std::string purpose;
    std::string ttl = "1h";
    std::optional<std::int64_t> user;  ///< the data subject it acts for
};
int token(const Common& common, const TokenOptions& options);

struct PolicyOptions {
    std::string what;  ///< simulate, explain, who-can
    std::vector<std::filesystem::path> files;
    std::string kind = "identity";
    std::string role;
    std::string jurisdiction;  ///< the principal's; empty: the first
    std::string action;
    std::string resource;
    std::vector<std::string> context;
    bool json = false;
};
int policy_check(const PolicyOptions& options);
int policy(const Common& common, const PolicyOptions& options);
/// Checks the chain of a region's access log.
int access_log(const Common& common, const std::filesystem::path& folder);

struct SecretOptions {
    std::string what;  ///< list, get, put, rotate, rotate-keys, replicate, delete
    std::string name;
    std::string jurisdiction;  ///< or "central"; empty: a declared secret of that name, else the first
    std::string region;
    std::string stage = "current";
    std::string field;  ///< of a database login: username or password
    bool all = false;
    int settle = 10;  ///< seconds
};
int secret(const Common& common, const SecretOptions& options);

struct CspOptions {
    std::string policy;
    std::string url;
    bool declared = false;  ///< check what the topology declares
    std::string authority;  ///< of the URL's server (PEM); empty: the machine's
    bool page = false;      ///< headers of a page, nonces marked
};
int csp_check(const Common& common, const CspOptions& options);
int csp_headers(const Common& common, const CspOptions& options);

struct CostOptions {
    double mean = 20, peak = 0, burst = 0;  ///< requests a second; 0: as the one before
    double hours = 24;                      ///< a day
    double cpu_us = 0, wait_us = -1;        ///< 0, below 0: as measured
    double duration_ms = 0;                 ///< 0: from CPU and waiting
    double memory_mb = 512;
    std::string architecture = "arm64";
    std::string front_door = "http-api";
    std::string instance = "t3.medium";
    double utilisation = 0.6;
    int instances_min = 2;
    double disk_gigabytes = 20;
    bool free_tier = false;
    std::string region = "us-east-1";  ///< without a topology
    bool by_jurisdiction = false;      ///< a topology is given
    std::vector<std::string> shares;   ///< "eu=60": per cent of the load
    std::filesystem::path prices;      ///< empty: as built in
    std::filesystem::path picture;
};
int cost(const Common& common, const CostOptions& options);

struct MeshOptions {
    std::string region;
    bool routes = false;  ///< print the route table instead
};
int mesh(const Common& common, const MeshOptions& options);

struct GatewayCommand {
    std::string region;
    std::string log_level = "info";
    std::filesystem::path files;  ///< what the topology's files are relative to; empty: its folder
    std::vector<std::string> node_authorities;
    std::string tls_certificate;
    std::string tls_key;
};
int gateway(const Common& common, const GatewayCommand& command);

}  // namespace domicile::app
