// `domicile worker`: what a region does after the commit. It relays what its jurisdiction's shards have told,
// one leader a shard; where central stands it also applies the figures.

#include "app/worker.hpp"

#include "app/commands.hpp"
#include "app/common.hpp"
#include "app/region_files.hpp"
#include "app/watch.hpp"
#include "base/log.hpp"
#include "cloud/aws_credentials.hpp"
#include "cloud/aws_queue.hpp"
#include "cloud/aws_store.hpp"
#include "cloud/directory_store.hpp"
#include "documents/dispatcher.hpp"
#include "events/lambda.hpp"
#include "fleet/context.hpp"
#include "fleet/issuer.hpp"
#include "rights/officer.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <thread>

namespace domicile::app {
namespace {

using base::Result;
using pool::MaintenanceClient;

Result<MaintenanceClient> connect_central(const fleet::Secrets& secrets,
                                          const Result<vault::DatabaseLogin>& login) {
    const auto& topology = secrets.topology();
    if (!login) {
        return std::unexpected(login.error());
    }
    return fleet::connect_as(topology, topology.at(topology.central->node), *login, topology.database.name,
                             secrets.near());
}

/// What runs in this worker, each with its own connections.
struct Works {
    std::deque<std::unique_ptr<cloud::Queue>> queues;
    std::deque<events::RelayMetrics> relay_metrics;
    std::deque<events::Relay> relays;
    std::deque<events::Consumer> consumers;
    std::shared_ptr<cloud::KeyService> keys;
    std::unique_ptr<cloud::ObjectStore> store;
    std::deque<documents::KeeperMetrics> keeper_metrics;
    std::deque<documents::Keeper> keepers;
    std::deque<documents::DispatchMetrics> dispatch_metrics;
    std::deque<documents::Dispatcher> dispatchers;
    std::deque<rights::OfficerMetrics> officer_metrics;
    std::deque<rights::Officer> officers;
    std::vector<std::jthread> threads;
};

}  // namespace

namespace {

/// Anew after a failure: the credential may have been put or changed meanwhile.
documents::OpenDelivery delivery_of(const fleet::Secrets& secrets, const topology::Institution& institution) {
    return [&secrets, &institution]() -> Result<std::unique_ptr<documents::Delivery>> {
        documents::Destination to{institution.deliver, secrets.state().delivered(), {}, institution.host_key};
        if (!institution.credential.empty()) {
            const auto& declared = secrets.topology().secrets;
            const auto vault = secrets.vault(
                *std::ranges::find(declared, institution.credential, &topology::SharedSecret::name));
            auto credential = vault ? vault->get(institution.credential)
                                    : Result<vault::Value>(std::unexpected(vault.error()));
            if (!credential) {
                return base::fail(base::Code::configuration,
                                  "The credential of " + institution.name + " cannot be read.",
                                  "Put it with `domicile secret put " + institution.credential + "`.",
                                  base::describe(credential.error()));
            }
            to.credential = std::move(credential->value);
        }
        return documents::delivery_to(std::move(to));
    };
}

/// Documents of the own jurisdiction's shards, and their way to its institutions.
base::Status add_documents(Works& works, const fleet::Secrets& secrets, base::JurisdictionIndex own,
                           base::Metrics& metrics) {
    const auto& topology = secrets.topology();
    const std::string& home = topology.at(own).name;
    std::vector<documents::Source> sources;
    for (std::uint16_t i = 0; i < topology.shards.size(); ++i) {
        const auto& shard = topology.shards[i];
        if (shard.jurisdiction != own) {
            continue;
        }
        sources.push_back({shard.name, writer_of(secrets, topology::ShardIndex(i))});
        auto& counts = works.keeper_metrics.emplace_back(metrics, shard.name);
        auto& keeper = works.keepers.emplace_back(topology, shard.name, sources.back().writer, *works.store,
                                                  *works.keys, counts);
        works.threads.emplace_back([&keeper](const std::stop_token& stop) { keeper.run(stop); });
    }
    for (const auto& institution : topology.institutions) {
        if (institution.jurisdiction != own || sources.empty()) {
            continue;
        }
        auto key = fleet::read_dispatch_key(secrets, home);
        if (!key) {
            return std::unexpected(std::move(key.error()));
        }
        auto& counts = works.dispatch_metrics.emplace_back(metrics, institution.name);
        auto& dispatcher =
            works.dispatchers.emplace_back(topology, institution, sources, *works.store, *works.keys,
                                           delivery_of(secrets, institution), std::move(*key), counts);
        works.threads.emplace_back([&dispatcher](const std::stop_token& stop) { dispatcher.run(stop); });
    }
    return {};
}

/// What people of the own jurisdiction's shards have asked for.
base::Status add_rights(Works& works, const fleet::Secrets& secrets, base::JurisdictionIndex own,
                        base::Metrics& metrics) {
    const auto& topology = secrets.topology();
    for (std::uint16_t i = 0; i < topology.shards.size(); ++i) {
        const auto& shard = topology.shards[i];
        if (shard.jurisdiction != own) {
            continue;
        }
        auto key = fleet::read_dispatch_key(secrets, topology.at(own).name);
        if (!key) {
            return std::unexpected(std::move(key.error()));
        }
        auto& counts = works.officer_metrics.emplace_back(metrics, shard.name);
        auto& officer = works.officers.emplace_back(
            topology, shard.name, writer_of(secrets, topology::ShardIndex(i), fleet::roles::officer),
            writer_of(secrets, topology::ShardIndex(i), fleet::roles::monitor), *works.store, *works.keys,
            std::move(*key), counts);
        works.threads.emplace_back([&officer](const std::stop_token& stop) { officer.run(stop); });
    }
    return {};
}

}  // namespace

events::Connect writer_of(const fleet::Secrets& secrets, topology::ShardIndex shard, std::string_view role) {
    return [&secrets, shard, role]() -> Result<MaintenanceClient> {
        const auto& topology = secrets.topology();
        base::Error last{base::Code::node_unavailable, "No node of the shard writes now.", {}, {}, {}};
        for (const auto index : topology.at(shard).nodes) {
            auto client = fleet::connect(secrets, topology.at(index), role, topology.database.name);
            if (!client) {
                last = std::move(client.error());
                continue;
            }
            const auto recovering = fleet::single_value(*client, "SELECT pg_is_in_recovery()");
            if (recovering && *recovering == "f") {
                return client;
            }
        }
        return std::unexpected(std::move(last));
    };
}

events::Connect central_worker(const fleet::Secrets& secrets) {
    return [&secrets] {
        return connect_central(secrets, secrets.login(fleet::central_scope, fleet::roles::worker));
    };
}

events::Connect central_figures(const fleet::Secrets& secrets, std::string_view jurisdiction) {
    return [&secrets, scope = std::string(jurisdiction)]() -> Result<MaintenanceClient> {
        const auto value = secrets.text(scope, fleet::figures_secret);
        return connect_central(secrets, value ? vault::parse_login(*value) : std::unexpected(value.error()));
    };
}

std::unique_ptr<cloud::ObjectStore> document_store(const fleet::Secrets& secrets,
                                                   std::string_view jurisdiction) {
    const auto& topology = secrets.topology();
    const auto& choice = topology.store;
    if (choice.driver == topology::StoreChoice::Driver::directory) {
        return std::make_unique<cloud::DirectoryStore>(secrets.state().objects(jurisdiction));
    }
    const auto region = topology.writer_region(topology.jurisdiction(jurisdiction).value());
    return std::make_unique<cloud::AwsStore>(
        cloud::AwsAccess{cloud::find_credentials, choice.endpoint}, topology.at(region).name,
        choice.bucket + "-" + std::string(jurisdiction), choice.retain_days);
}

std::unique_ptr<cloud::Queue> figures_queue(const topology::Topology& topology, events::Connect central) {
    if (topology.queue.driver == topology::QueueChoice::Driver::sqs) {
        return std::make_unique<cloud::AwsQueue>(
            cloud::AwsAccess{cloud::find_credentials, topology.queue.endpoint},
            topology.at(topology.central->region).name, topology.queue.name);
    }
    return std::make_unique<events::PostgresQueue>("figures", std::move(central));
}

int worker(const Common& common, const WorkerOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto region = topology->region(options.region);
    if (!region) {
        return failed({base::Code::configuration,
                       "The topology has no region " + options.region + ".",
                       "Name one with --region.",
                       {},
                       {}});
    }
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t ends;
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGTERM);
    ::sigaddset(&ends, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);

    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state), *region);
    const RegionFiles files(secrets.state().region(options.region));
    const auto own = topology->at(*region).jurisdiction;
    const std::string& home = topology->at(own).name;
    base::Metrics metrics;
    events::ConsumerMetrics consumer_metrics(metrics);
    Works works;
    const auto watermarks = [connect = central_figures(secrets, home)]() -> Result<events::Watermarks> {
        auto client = connect();
        return client ? events::read_watermarks(*client) : std::unexpected(client.error());
    };
    for (std::uint16_t i = 0; i < topology->shards.size(); ++i) {
        const auto& shard = topology->shards[i];
        if (shard.jurisdiction != own) {
            continue;
        }
        auto& queue = *works.queues.emplace_back(figures_queue(*topology, central_figures(secrets, home)));
        auto& counts = works.relay_metrics.emplace_back(metrics, shard.name);
        auto& relay = works.relays.emplace_back(shard.name, writer_of(secrets, topology::ShardIndex(i)),
                                                queue, watermarks, counts);
        works.threads.emplace_back([&relay](const std::stop_token& stop) { relay.run(stop); });
    }
    auto keys = secrets.keys_of(home);
    if (!keys) {
        return failed(keys.error());
    }
    works.keys = std::move(*keys);
    works.store = document_store(secrets, home);
    if (auto added = add_rights(works, secrets, own, metrics); !added) {
        return failed(added.error());
    }
    if (std::ranges::any_of(topology->tables, [](const auto& table) { return !table.audited.empty(); })) {
        if (auto added = add_documents(works, secrets, own, metrics); !added) {
            return failed(added.error());
        }
    }
    if (topology->central && topology->central->region == *region) {
        auto& queue = *works.queues.emplace_back(figures_queue(*topology, central_worker(secrets)));
        auto& consumer =
            works.consumers.emplace_back(*topology, queue, central_worker(secrets), consumer_metrics);
        works.threads.emplace_back([&consumer](const std::stop_token& stop) { consumer.run(stop); });
    }
    const auto folder = options.files.empty() ? common.topology.parent_path() : options.files;
    auto policies = read_policies(*topology, folder);
    if (!policies) {
        base::log::warn("watch.policies", {{"error", base::describe(policies.error())}});
    }
    Watch watch(secrets, *region, files, metrics, folder, policies ? std::move(*policies) : nullptr);
    works.threads.emplace_back([&watch](const std::stop_token& stop) { watch.run(stop); });
    base::log::info("worker.started", {{"region", options.region}});
    const timespec second{1, 0};
    while (::sigtimedwait(&ends, nullptr, &second) < 0) {
        files.keep_metrics(metrics.text());
    }
    for (auto& thread : works.threads) {
        thread.request_stop();
    }
    ::alarm(10);  // a database that does not answer does not keep us: the kernel ends the rest
    works.threads.clear();
    base::log::info("worker.stopped", {{"region", options.region}});
    return 0;
}

int lambda(const Common& common, const WorkerOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const char* api = std::getenv("AWS_LAMBDA_RUNTIME_API");
    if (api == nullptr || !topology->central) {
        return failed(
            {base::Code::configuration,
             api == nullptr ? "AWS_LAMBDA_RUNTIME_API is not set." : "The topology has no [central].",
             "AWS Lambda sets it; `domicile worker` does the same work on a server.",
             {},
             {}});
    }
    const auto region = options.region.empty()
                            ? topology->central->region
                            : topology->region(options.region).value_or(topology->central->region);
    const fleet::Secrets secrets(*topology, fleet::StateDir(fleet_options(common, *topology).state), region);
    const auto connect = central_worker(secrets);
    std::optional<MaintenanceClient> central;  // kept between events, as long as it works
    const auto served = events::serve_lambda(
        api,
        [&](std::string_view event) {
            return events::answer_event(event, [&](std::string_view body) -> Result<events::Applied> {
                if (!central) {
                    auto opened = connect();
                    if (!opened) {
                        return std::unexpected(std::move(opened.error()));
                    }
                    central = std::move(*opened);
                }
                auto applied = events::apply(*topology, *central, body);
                if (!applied && applied.error().code != base::Code::invalid_value) {
                    central.reset();
                }
                return applied;
            });
        },
        [] { return false; });
    return served ? 0 : failed(served.error());
}

}  // namespace domicile::app
