// Arguments to structs. CLI11 is compiled here only.

#include "app/commands.hpp"

#include <algorithm>
#include <iostream>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>

namespace {

namespace app = domicile::app;

void add_topology(CLI::App& command, app::Common& common) {
    command.add_option("-t,--topology", common.topology, "The topology file")->capture_default_str();
}

void add_state(CLI::App& command, app::Common& common) {
    command.add_option("--state", common.state, "The state directory (default: one per topology file)");
}

void add_json(CLI::App& command, app::Common& common) {
    command.add_flag("--json", common.json, "Print JSON");
}

void add_policy(CLI::App& cli, app::Common& common, app::PolicyOptions& options, int& status) {
    CLI::App* policy = cli.add_subcommand("policy", "Check policies, and ask what they allow");
    policy->require_subcommand(1);
    CLI::App* check = policy->add_subcommand("check", "Print every finding of policy files");
    check->add_option("files", options.files, "JSON policies")->required();
    check->add_option("--kind", options.kind, "What they are for")
        ->check(CLI::IsMember({"identity", "resource", "boundary", "session", "guard-rail"}))
        ->capture_default_str();
    check->add_flag("--json", options.json, "Print JSON");
    check->footer("Example:\n  domicile policy check analyst.json");
    check->callback([&] { status = app::policy_check(options); });
    for (const auto& [name, text] :
         {std::pair("simulate", "The verdict on one request"),
          std::pair("explain", "The verdict, and how each statement stands to it"),
          std::pair("who-can", "Which roles could, by which statement, on which terms")}) {
        CLI::App* ask = policy->add_subcommand(name, text);
        add_topology(*ask, common);
        add_json(*ask, common);
        const std::string what = name;
        if (what != "who-can") {
            ask->add_option("--role", options.role, "Who asks")->required();
        }
        ask->add_option("-j,--jurisdiction", options.jurisdiction,
                        "The principal's own (default: the first)");
        ask->add_option("--action", options.action, "Such as data:Select")->required();
        ask->add_option("--resource", options.resource, "Such as arn:domicile:data::eu:table/users")
            ->required();
        ask->add_option("--context", options.context,
                        "Condition keys: domicile:SubjectMatch=true; several values: a,b");
        ask->footer("Example:\n  domicile policy " + what + (what == "who-can" ? "" : " --role analyst") +
                    " --action data:ReadPersonal --resource arn:domicile:data::eu:table/users");
        ask->callback([&common, &options, &status, what] {
            options.what = what;
            status = app::policy(common, options);
        });
    }
}

void add_csp(CLI::App& cli, app::Common& common, app::CspOptions& options, int& status) {
    CLI::App* csp = cli.add_subcommand("csp", "Content-Security-Policy and the headers beside it");
    csp->require_subcommand(1);
    CLI::App* check =
        csp->add_subcommand("check", "What is weak in a policy; exit status 1 if something of it is high");
    CLI::Option* policy = check->add_option("policy", options.policy, "A policy, as it stands in the header");
    CLI::Option* topology =
        check->add_option("-t,--topology", common.topology, "Check what [edge] of this file declares");
    CLI::Option* url = check->add_option(
        "--url", options.url, "Check what this server sends, with its pages, its errors and its nonces");
    check->add_option("--ca", options.authority, "Authority of the server's certificate (PEM)")->needs(url);
    policy->excludes(topology)->excludes(url);
    topology->excludes(url);
    add_json(*check, common);
    check->footer(
        "Examples:\n  domicile csp check \"script-src 'unsafe-inline'\"\n"
        "  domicile csp check -t examples/retail/domicile.toml\n"
        "  domicile csp check --url http://127.0.0.1:8101/ --json");
    check->callback([&, topology] {
        options.declared = topology->count() > 0;
        status = app::csp_check(common, options);
    });
    CLI::App* headers =
        csp->add_subcommand("headers", "The headers that [edge] puts on every response over TLS");
    add_topology(*headers, common);
    headers->add_flag("--page", options.page, "As a page has them, with {nonce} where its nonce stands");
    add_json(*headers, common);
    headers->footer("Example:\n  domicile csp headers -t examples/retail/domicile.toml");
    headers->callback([&] { status = app::csp_headers(common, options); });
}

void add_cost(CLI::App& cli, app::Common& common, app::CostOptions& options, int& status) {
    CLI::App* cost = cli.add_subcommand("cost", "Lambda or instances: what a load costs a month either way");
    CLI::Option* topology = cost->add_option("-t,--topology", common.topology,
                                             "One line for each jurisdiction, by its writer region's prices");
    cost->add_option("--share", options.shares,
                     "NAME=PERCENT of the load, for a jurisdiction (default: each has all of it)")
        ->needs(topology);
    cost->add_option("--region", options.region, "Whose prices, without a topology")->capture_default_str();
    cost->add_option("--mean", options.mean, "Requests a second on average, while the day's load lasts")
        ->capture_default_str();
    cost->add_option("--peak", options.peak, "Requests a second at the busiest minutes (default: the mean)");
    cost->add_option("--burst", options.burst,
                     "Requests a second at the busiest seconds (default: the peak)");
    cost->add_option("--hours", options.hours, "How long the load lasts each day")->capture_default_str();
    cost->add_option("--cpu-us", options.cpu_us, "CPU of one request in microseconds (default: as measured)");
    cost->add_option("--wait-us", options.wait_us, "What it waits for the database (default: as measured)");
    cost->add_option("--duration-ms", options.duration_ms,
                     "What Lambda bills for one request (default: from CPU, waiting and memory)");
    cost->add_option("--memory-mb", options.memory_mb, "Memory of a function")->capture_default_str();
    cost->add_option("--architecture", options.architecture, "Lambda: arm64 or x86_64")
        ->capture_default_str();
    cost->add_option("--front-door", options.front_door, "Lambda: none, http-api or rest-api")
        ->capture_default_str();
    cost->add_option("--instance", options.instance, "Instances: a type of the price file")
        ->capture_default_str();
    cost->add_option("--utilisation", options.utilisation, "Of a processor at the worst moment, at most")
        ->capture_default_str();
    cost->add_option("--instances-min", options.instances_min, "So many at least")->capture_default_str();
    cost->add_option("--disk-gb", options.disk_gigabytes, "Of each instance")->capture_default_str();
    cost->add_flag("--free-tier", options.free_tier, "Count Lambda's free tier");
    cost->add_option("--prices", options.prices, "A price file (default: infra/prices.json, as built in)");
    cost->add_option("--picture", options.picture, "Write the curves and the break-even as SVG");
    add_json(*cost, common);
    cost->footer(
        "Examples:\n  domicile cost --mean 20 --peak 80 --burst 200\n"
        "  domicile cost -t examples/retail/domicile.toml --share eu=60 --share uk=30 --share us=10\n"
        "  domicile cost --cpu-us 20000 --mean 5 --hours 10 --picture cost.svg --json");
    cost->callback([&, topology] {
        options.by_jurisdiction = topology->count() > 0;
        status = app::cost(common, options);
    });
}

void add_stats(CLI::App& cli, app::Common& common, app::StatsOptions& options, int& status) {
    CLI::App* stats =
        cli.add_subcommand("stats", "Figures of all jurisdictions, and whether the books agree");
    stats->require_subcommand(1);
    struct Command {
        const char* name;
        const char* text;
        const char* example;
    };
    for (const auto& [name, text, example] :
         {Command{"show", "A statistic as a table with bars",
                  "stats show sales --by month --where country=DE"},
          Command{"verify", "Compare central with the sum of the shards, batch for batch", "stats verify"},
          Command{"queue", "What waits, and what was set aside", "stats queue"},
          Command{"redrive", "Put what was set aside back into the queue", "stats redrive"}}) {
        CLI::App* one = stats->add_subcommand(name, text);
        add_topology(*one, common);
        add_state(*one, common);
        const std::string what = name;
        if (what != "redrive") {
            add_json(*one, common);
        }
        if (what == "show") {
            one->add_option("metric", options.metric, "The statistic (default: the first)");
            one->add_option("--by", options.by, "Dimensions to group by, between commas (default: all)");
            one->add_option("--from", options.from, "First time bucket, such as 2011 or 2011-03");
            one->add_option("--to", options.to, "Last time bucket");
            one->add_option("--where", options.where, "DIMENSION=VALUE; may be given again");
        }
        one->footer("Example:\n  domicile " + std::string(example) + " -t examples/retail/domicile.toml");
        one->callback([&common, &options, &status, what] {
            options.what = what;
            status = app::stats(common, options);
        });
    }
}

void add_audit(CLI::App& cli, app::Common& common, app::AuditOptions& options, int& status) {
    CLI::App* audit = cli.add_subcommand("audit", "Audit documents: whether all are there, and one of them");
    audit->require_subcommand(1);
    struct Command {
        const char* name;
        const char* text;
        const char* example;
    };
    for (const auto& [name, text, example] :
         {Command{"status", "Audited events, stored documents and acknowledged batches; 0 if they are equal",
                  "audit status"},
          Command{"show", "A document's PDF, to standard output", "audit show eu-1.42 > document.pdf"},
          Command{"prove",
                  "A proof out of an institution's log, to standard output, for domicile-audit-verify",
                  "audit prove eu-1.42 > document.proof"},
          Command{"key", "The public key that institutions check manifests with", "audit key -j eu"}}) {
        CLI::App* one = audit->add_subcommand(name, text);
        add_topology(*one, common);
        add_state(*one, common);
        const std::string what = name;
        if (what == "status") {
            add_json(*one, common);
        } else if (what == "show") {
            one->add_option("id", options.id, "The document's id: SHARD.NUMBER")->required();
        } else if (what == "prove") {
            one->add_option("id", options.id, "That the log holds this document: SHARD.NUMBER");
            one->add_option("--since", options.since,
                            "That the log has only grown since it had so many entries");
            one->add_option("--institution", options.institution,
                            "Whose log (default: the first that receives from the document's shard)");
        } else {
            one->add_option("-j,--jurisdiction", options.jurisdiction, "Whose key (default: the first)");
        }
        one->footer("Example:\n  domicile " + std::string(example) + " -t examples/retail/domicile.toml");
        one->callback([&common, &options, &status, what] {
            options.what = what;
            status = app::audit(common, options);
        });
    }
}

void add_user(CLI::App& cli, app::Common& common, app::UserOptions& options, int& status) {
    CLI::App* user = cli.add_subcommand("user", "One person's rights (GDPR Art. 7, 15 to 21)");
    user->require_subcommand(1);
    struct Command {
        const char* name;
        const char* text;
        const char* example;
    };
    for (const auto& [name, text, example] :
         {Command{"erase", "Erase a person's personal data (GDPR Art. 17); exits with 0 when it is done",
                  "user erase 5 --dry-run"},
          Command{"certificate",
                  "The signed certificate of the last erasure, for domicile-certificate-verify",
                  "user certificate 5 > 5.cert"},
          Command{"hold", "Nothing of the person is erased until a day has passed (Art. 17(3))",
                  "user hold 5 --ground \"Art. 17(3)(e): case 4711\" --until 2027-06-30"},
          Command{"release", "Lift a hold before its time", "user release 5"},
          Command{"restrict", "Store the person's data, and nothing else (Art. 18)",
                  "user restrict 5 --ground \"Art. 18(1)(a)\""},
          Command{"lift", "End a restriction; the person is told before (Art. 18(3))", "user lift 5"},
          Command{"export", "The person's data as a package (Art. 15, 20); goes on where it stopped",
                  "user export 5 --out 5.zip"},
          Command{"rectify", "Set values right, and tell recipients (Art. 16, 19)",
                  "user rectify 5 --set '{\"name\": \"Ada\"}'"},
          Command{"consent", "Record a consent, or that it was withdrawn (Art. 7)",
                  "user consent 5 --purpose newsletter --version v2026-11"},
          Command{"object", "Record an objection, for a human to decide (Art. 21)",
                  "user object 5 --ground \"direct marketing\""}}) {
        CLI::App* one = user->add_subcommand(name, text);
        add_topology(*one, common);
        add_state(*one, common);
        one->add_option("id", options.id, "The user id")->required();
        const std::string what = name;
        if (what == "erase") {
            add_json(*one, common);
            one->add_flag("--dry-run", options.dry_run, "Only say what would be done, or what is in the way");
            one->add_option("--wait", options.wait, "Seconds to wait until a worker has done it")
                ->capture_default_str();
        } else if (what == "certificate") {
            one->add_flag("--pdf", options.pdf, "As a page to read (PDF/A-1b); what is signed is the text");
        } else if (what == "restrict" || what == "lift" || what == "export") {
            add_json(*one, common);
            one->add_option("--wait", options.wait, "Seconds to wait until a worker has done it")
                ->capture_default_str();
            if (what == "restrict") {
                one->add_option("--ground", options.ground, "Why, by which article");
            } else if (what == "export") {
                one->add_option("--out", options.out, "The file to write (ZIP)");
            }
        } else if (what == "rectify") {
            add_json(*one, common);
            one->add_option("--table", options.table, "Its table; the person's own if absent");
            one->add_option("--key", options.key, "The row, as JSON, without the user id")
                ->capture_default_str();
            one->add_option("--set", options.set, "The right values, as JSON")->required();
        } else if (what == "consent") {
            one->add_option("--purpose", options.purpose, "As the topology names it")->required();
            one->add_option("--version", options.version, "Of the words that were put before the person");
            one->add_flag("--withdraw", options.withdraw, "It is withdrawn");
        } else if (what == "object") {
            one->add_option("--ground", options.ground, "The person's grounds, in your words")->required();
        } else if (what == "hold") {
            one->add_option("--ground", options.ground, "Why, by which article");
            one->add_option("--until", options.until, "The last day, such as 2027-06-30");
        }
        if (what != "certificate") {
            one->add_option("--by", options.by, "Who asks; never the person's name")->capture_default_str();
        }
        one->footer("Example:\n  domicile " + std::string(example) + " -t examples/retail/domicile.toml");
        one->callback([&common, &options, &status, what] {
            options.what = what;
            status = app::user(common, options);
        });
    }
}

void add_privacy(CLI::App& cli, app::Common& common, bool& all, app::ExtendOptions& extension,
                 app::DecideOptions& decision, std::filesystem::path& check, int& status) {
    CLI::App* privacy =
        cli.add_subcommand("privacy", "What people have asked for, and until when they must be answered");
    privacy->require_subcommand(1);
    CLI::App* requests =
        privacy->add_subcommand("requests", "Open requests with the days left; exits with 1 if one is late");
    add_topology(*requests, common);
    add_state(*requests, common);
    add_json(*requests, common);
    requests->add_flag("--all", all, "Answered ones, too");
    requests->footer("Example:\n  domicile privacy requests -t examples/retail/domicile.toml");
    requests->callback([&common, &all, &status] { status = app::privacy_requests(common, all); });
    CLI::App* retention = privacy->add_subcommand(
        "retention", "Rows whose time is over, and what has been removed (Art. 5(1)(e))");
    add_topology(*retention, common);
    add_state(*retention, common);
    add_json(*retention, common);
    retention->footer("Example:\n  domicile privacy retention -t examples/retail/domicile.toml");
    retention->callback([&common, &status] { status = app::privacy_retention(common); });
    CLI::App* decide =
        privacy->add_subcommand("decide", "Decide an objection, with reasons (Art. 21, 12(4))");
    add_topology(*decide, common);
    add_state(*decide, common);
    decide->add_option("request", decision.request, "Its number")->required();
    decide->add_option("--shard", decision.shard, "Where it is")->required();
    decide->add_flag("--upheld", decision.upheld, "The processing ends");
    decide->add_flag("--refused", decision.refused, "Compelling grounds override the person's");
    decide->add_option("--because", decision.because, "Why; the person is told")->required();
    decide->footer(
        "Example:\n  domicile privacy decide 3 --shard eu-1 --upheld --because \"no more letters\" -t "
        "examples/retail/domicile.toml");
    decide->callback([&common, &decision, &status] { status = app::privacy_decide(common, decision); });
    CLI::App* record = privacy->add_subcommand(
        "register", "The record of processing activities (GDPR Art. 30), from topology and live schema");
    add_topology(*record, common);
    add_state(*record, common);
    record->add_option("--check", check,
                       "Only say what differs from this file; exits with 1 if anything does");
    record->footer(
        "Example:\n  domicile privacy register --check docs/register.md -t examples/retail/domicile.toml");
    record->callback([&common, &check, &status] { status = app::privacy_register(common, check); });
    CLI::App* extend =
        privacy->add_subcommand("extend", "Two months more for a request, with reasons (GDPR Art. 12(3))");
    add_topology(*extend, common);
    add_state(*extend, common);
    extend->add_option("request", extension.request, "Its number")->required();
    extend->add_option("--shard", extension.shard, "Where it is")->required();
    extend->add_option("--because", extension.because, "Why; the person is told")->required();
    extend->footer(
        "Example:\n  domicile privacy extend 3 --shard eu-1 --because \"many requests at once\" -t "
        "examples/retail/domicile.toml");
    extend->callback([&common, &extension, &status] { status = app::privacy_extend(common, extension); });
}

void add_secret(CLI::App& cli, app::Common& common, app::SecretOptions& options, int& status) {
    CLI::App* secret =
        cli.add_subcommand("secret", "The vault: passwords and keys, their versions, their rotation");
    secret->require_subcommand(1);
    struct Command {
        const char* name;
        const char* text;
        const char* example;
    };
    for (const auto& [name, text, example] :
         {Command{"list", "Every secret, region by region: versions and stages, never values",
                  "secret list -j eu"},
          Command{"get", "Print a value", "secret get db/domicile_monitor -j eu --field password"},
          Command{"put", "Write a new version; the value comes from standard input",
                  "secret put payment-key < key.txt"},
          Command{"rotate",
                  "Give database logins new passwords, without a failed statement; goes on where it was cut "
                  "off",
                  "secret rotate --all"},
          Command{"rotate-keys", "A new version of the key that new values are sealed under",
                  "secret rotate-keys -r eu-west-1"},
          Command{"replicate", "Bring regions that were out of reach up to the writer region",
                  "secret replicate -j eu"},
          Command{"delete", "Delete a declared secret of the application, in every region",
                  "secret delete payment-key"}}) {
        CLI::App* one = secret->add_subcommand(name, text);
        add_topology(*one, common);
        add_state(*one, common);
        const std::string what = name;
        if (what == "list") {
            add_json(*one, common);
        }
        if (what != "rotate-keys") {
            one->add_option(
                "-j,--jurisdiction", options.jurisdiction,
                "Whose secrets, or central (default: a declared one of that name, else the first)");
        } else {
            one->add_option("-r,--region", options.region, "The region (default: all)");
        }
        if (what == "get" || what == "put" || what == "delete") {
            one->add_option("name", options.name, "The secret's name")->required();
        } else if (what == "rotate" || what == "replicate") {
            one->add_option("name", options.name, "The secret's name");
        }
        if (what == "get") {
            one->add_option("--stage", options.stage, "current, pending or previous")
                ->check(CLI::IsMember({"current", "pending", "previous"}));
            one->add_option("--field", options.field, "Of a database login")
                ->check(CLI::IsMember({"username", "password"}));
        }
        if (what == "rotate") {
            one->add_flag("--all", options.all,
                          "Every database login, of all jurisdictions or of the one named");
            one->add_option("--settle", options.settle,
                            "Seconds a login must have served before the other one changes")
                ->check(CLI::Range(0, 86'400))
                ->capture_default_str();
        }
        one->footer("Example:\n  domicile " + std::string(example) + " -t examples/retail/domicile.toml");
        one->callback([&common, &options, &status, what] {
            options.what = what;
            status = app::secret(common, options);
        });
    }
}

void add_operations(CLI::App& cli, app::Common& common, app::OpsOptions& options, int& status) {
    CLI::App* top = cli.add_subcommand("top", "All regions, live: load, lag, alarms");
    CLI::App* alarms = cli.add_subcommand("alarms", "What stands, where, since when; and silences");
    CLI::App* advise = cli.add_subcommand("advise", "What could be better, with the command that mends it");
    for (CLI::App* one : {top, alarms, advise}) {
        add_topology(*one, common);
        add_state(*one, common);
        add_json(*one, common);
        one->add_option("-r,--region", options.region, "As this region sees it (default: the newest)");
    }
    top->add_flag("--once", options.once, "Print once and end, as into a file");
    top->footer("Example:\n  domicile top -t examples/retail/domicile.toml");
    top->callback([&] { status = app::top(common, options); });
    alarms->add_flag("-a,--all", options.all, "Those that are well, too");
    alarms->footer(
        "Examples:\n  domicile alarms -t examples/retail/domicile.toml\n"
        "  domicile alarms silence replica-lag --minutes 30 --reason \"new disk\"");
    alarms->require_subcommand(0, 1);
    CLI::App* silence = alarms->add_subcommand("silence", "Tell nobody of an alarm for a while");
    silence->fallthrough();
    silence->add_option("alarm", options.name, "Its name")->required();
    silence->add_option("-m,--minutes", options.minutes, "A week at most")
        ->check(CLI::Range(1, 10'080))
        ->capture_default_str();
    silence->add_option("--reason", options.reason, "Why, for the others")->required();
    silence->add_option("--resource", options.resource, "Only of this resource");
    silence->callback([&] { options.what = "silence"; });
    alarms->callback([&] { status = app::alarms(common, options); });
    advise->add_flag("-a,--all", options.all, "What somebody has accepted, too");
    advise->add_option("-p,--pillar", options.pillar, "Only of this pillar")
        ->check(CLI::IsMember(
            {"cost", "performance", "security", "resilience", "limits", "operations", "residency"}));
    advise->footer(
        "Examples:\n  domicile advise -t examples/retail/domicile.toml --pillar residency\n"
        "  domicile advise acknowledge no-backups-0123456789ab --until 2027-01-31 --reason \"test system\"");
    advise->require_subcommand(0, 1);
    CLI::App* accept = advise->add_subcommand("acknowledge", "Accept a finding until a day");
    accept->fallthrough();
    accept->add_option("id", options.name, "As `domicile advise` prints it")->required();
    accept->add_option("--until", options.until, "The last day, such as 2027-01-31")->required();
    accept->add_option("--reason", options.reason, "Why, for the others")->required();
    accept->callback([&] { options.what = "acknowledge"; });
    advise->callback([&] { status = app::advise(common, options); });
}

/// Secrets must not end in a core dump: neither in a file nor, where cores are piped to a program, there.
void keep_memory_private() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli{
        "Keeps every user's rows in the user's home jurisdiction, on sharded PostgreSQL.\n"
        "One file, domicile.toml, describes the whole system."};
#ifndef DOMICILE_SANITIZED
    keep_memory_private();
#endif
    cli.require_subcommand(1);
    cli.name("domicile");
    cli.set_version_flag("--version", std::string(DOMICILE_VERSION));
    cli.failure_message(CLI::FailureMessage::help);
    int status = 0;
    app::Common common;

    CLI::App* check = cli.add_subcommand("check", "Validate a topology and print every finding");
    check->add_option("file", common.topology, "The topology file")->capture_default_str();
    check->add_flag("--json", common.json, "Print JSON");
    check->footer("Example:\n  domicile check examples/retail/domicile.toml");
    check->callback([&] { status = app::check(common); });

    app::UpOptions up_options;
    CLI::App* up =
        cli.add_subcommand("up", "Start every embedded PostgreSQL node and one gateway per region");
    add_topology(*up, common);
    add_state(*up, common);
    up->add_option("-r,--region", up_options.region,
                   "Only what stands in this region; the others have supervisors of their own");
    up->add_flag("-d,--detach", up_options.detach, "Return when all is ready and go on in the background");
    up->footer(
        "Examples:\n  domicile up -t examples/retail/domicile.toml            # Ctrl-C stops all in order\n"
        "  domicile up -t examples/retail/domicile.toml --detach");
    up->callback([&] { status = app::up(common, up_options); });

    CLI::App* down = cli.add_subcommand("down", "Stop everything in order; data stays");
    add_topology(*down, common);
    add_state(*down, common);
    down->add_option("-r,--region", up_options.region, "Only what stands in this region");
    down->footer("Example:\n  domicile down -t examples/retail/domicile.toml");
    down->callback([&] { status = app::down(common, up_options); });

    app::StatusOptions status_options;
    CLI::App* show = cli.add_subcommand("status", "Show doors, shards, readers, lag and row counts");
    add_topology(*show, common);
    add_state(*show, common);
    show->add_flag("--json", common.json, "Print JSON");
    show->add_option("--mesh", status_options.mesh,
                     "What this region's relay sees of the others, over the mesh");
    show->add_flag("-w,--watch", status_options.watch, "Refresh every second until Ctrl-C");
    show->footer(
        "Example:\n  domicile status -t examples/retail/domicile.toml --watch\n"
        "  domicile status --mesh eu-west-1");
    show->callback([&] { status = app::status(common, status_options); });

    app::OpsOptions ops_options;
    add_operations(cli, common, ops_options, status);

    app::ResetOptions reset_options;
    CLI::App* reset = cli.add_subcommand("reset", "Delete all data of a stopped fleet; asks first");
    add_topology(*reset, common);
    add_state(*reset, common);
    reset->add_flag("-y,--yes", reset_options.yes, "Do not ask");
    reset->footer("Example:\n  domicile reset -t examples/retail/domicile.toml");
    reset->callback([&] { status = app::reset(common, reset_options); });

    app::LoadOptions load_options;
    CLI::App* load =
        cli.add_subcommand("load", "Stream CSV files through routing into all shards; resumable");
    load->add_option("spec", load_options.spec, "What to load: a TOML file")->required();
    add_topology(*load, common);
    add_state(*load, common);
    load->add_option("--refused", load_options.refused, "Where refused rows go, with the reason");
    load->add_flag("-q,--quiet", load_options.quiet, "No progress bar");
    load->add_flag("--json", common.json, "Print the result as JSON");
    load->footer("Example:\n  domicile load examples/retail/load.toml -t examples/retail/domicile.toml");
    load->callback([&] { status = app::load(common, load_options); });

    app::UrlOptions url_options;
    CLI::App* url = cli.add_subcommand("url", "Print the address of a region's SQL door, password included");
    add_topology(*url, common);
    add_state(*url, common);
    url->add_option("-r,--region", url_options.region, "The region (default: the first writer region)");
    url->add_option("-l,--login", url_options.login, "app (rows) or operator (tables, too)")
        ->capture_default_str();
    url->footer("Example:\n  psql \"$(domicile url -t examples/retail/domicile.toml -r eu-west-1)\"");
    url->callback([&] { status = app::url(common, url_options); });

    app::TokenOptions token_options;
    CLI::App* token =
        cli.add_subcommand("token", "Issue a bearer token; it is a password at the SQL door, too");
    add_topology(*token, common);
    add_state(*token, common);
    token
        ->add_option("--role", token_options.role,
                     "Whose policies count: app, operator, analyst, auditor, subject …")
        ->required();
    token->add_option("-j,--jurisdiction", token_options.jurisdiction,
                      "The principal's own (default: the first)");
    token->add_option("--user", token_options.user, "The person it acts for, by user id");
    token->add_option("--name", token_options.name, "Who it is for (default: the role)");
    token->add_option("--purpose", token_options.purpose, "What the data is used for (domicile:Purpose)");
    token->add_option("--ttl", token_options.ttl, "Lifetime: 90s, 15m, 1h, 2d")->capture_default_str();
    token->footer(
        "Example:\n  PGPASSWORD=$(domicile token -t examples/retail/domicile.toml --role analyst -j eu) \\\n"
        "    psql postgresql://analyst@127.0.0.1:7101/retail");
    token->callback([&] { status = app::token(common, token_options); });

    app::PolicyOptions policy_options;
    std::filesystem::path log_folder;
    app::SecretOptions secret_options;
    add_secret(cli, common, secret_options, status);
    app::CostOptions cost_options;
    add_cost(cli, common, cost_options, status);
    app::CspOptions csp_options;
    add_csp(cli, common, csp_options, status);
    app::StatsOptions stats_options;
    add_stats(cli, common, stats_options, status);
    app::AuditOptions audit_options;
    add_audit(cli, common, audit_options, status);
    app::UserOptions user_options;
    add_user(cli, common, user_options, status);
    bool all_requests = false;
    app::ExtendOptions extension;
    app::DecideOptions decision;
    std::filesystem::path record;
    add_privacy(cli, common, all_requests, extension, decision, record, status);
    add_policy(cli, common, policy_options, status);
    CLI::App* log = cli.add_subcommand("access-log", "Check the chain of a region's access log");
    add_json(*log, common);
    log->add_option("folder", log_folder, "The region's folder: STATE/access/REGION")->required();
    log->footer("Example:\n  domicile access-log /var/lib/domicile/retail-1234/access/eu-west-1");
    log->callback([&] { status = app::access_log(common, log_folder); });

    app::GatewayCommand gateway_options;
    CLI::App* gateway = cli.add_subcommand("gateway", "Serve one region (the fleet runs this for you)");
    add_topology(*gateway, common);
    add_state(*gateway, common);
    gateway->add_option("-r,--region", gateway_options.region, "The region to serve")->required();
    gateway->add_option("--tls-cert", gateway_options.tls_certificate,
                        "Certificate chain of the SQL door (PEM)");
    gateway->add_option("--tls-key", gateway_options.tls_key, "Its private key (PEM)");
    gateway->add_option("--node-ca", gateway_options.node_authorities,
                        "Authority of the nodes' certificates (PEM), where the topology wants TLS");
    gateway->add_option("--files", gateway_options.files,
                        "What the topology's files are relative to (default: its folder)");
    gateway->add_option("--log-level", gateway_options.log_level, "debug, info or warn")
        ->check(CLI::IsMember({"debug", "info", "warn"}))
        ->capture_default_str();
    gateway->footer("Example:\n  domicile gateway -t examples/retail/domicile.toml --region eu-west-1");
    gateway->callback([&] { status = app::gateway(common, gateway_options); });

    app::WorkerOptions worker_options;
    CLI::App* worker =
        cli.add_subcommand("worker", "Figures and documents after the commit (the fleet runs this for you)");
    add_topology(*worker, common);
    add_state(*worker, common);
    worker->add_option("-r,--region", worker_options.region, "The region to work for")->required();
    worker->add_option("--files", worker_options.files,
                       "What the topology's files are relative to (default: its folder)");
    worker->footer("Example:\n  domicile worker -t examples/retail/domicile.toml --region eu-west-1");
    worker->callback([&] { status = app::worker(common, worker_options); });

    app::WorkerOptions lambda_options;
    CLI::App* lambda =
        cli.add_subcommand("lambda", "Apply figures as an AWS Lambda function behind an SQS trigger");
    add_topology(*lambda, common);
    add_state(*lambda, common);
    lambda->add_option("-r,--region", lambda_options.region, "Where it runs (default: where central stands)");
    lambda->footer("Example (bootstrap of a custom runtime):\n  exec ./domicile lambda -t domicile.toml");
    lambda->callback([&] { status = app::lambda(common, lambda_options); });

    app::MeshOptions mesh_options;
    CLI::App* mesh =
        cli.add_subcommand("mesh", "A region's relay over mutual TLS (the fleet runs this for you)");
    add_topology(*mesh, common);
    add_state(*mesh, common);
    add_json(*mesh, common);
    mesh->add_option("-r,--region", mesh_options.region, "The region to serve");
    mesh->add_flag("--routes", mesh_options.routes, "Print which region may ask which for what");
    mesh->footer("Example:\n  domicile mesh --routes -t examples/retail/domicile.toml");
    mesh->callback([&] { status = app::mesh(common, mesh_options); });

    const auto known = [&](std::string_view name) {
        return std::ranges::any_of(cli.get_subcommands({}),
                                   [&](const CLI::App* one) { return one->get_name() == name; });
    };
    const std::string_view first = argc > 1 ? argv[1] : "";
    if (!first.empty() && !first.starts_with('-') && !known(first)) {
        std::cerr << "domicile: there is no command \"" << first << "\". `domicile --help` lists them.\n";
        return 2;
    }
    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = cli.exit(error);
        return code == 0 ? 0 : 2;
    } catch (const std::exception& error) {
        std::cerr << "domicile: " << error.what() << '\n';
        return 1;
    }
    return status;
}
