#include "app/watch.hpp"

#include "app/common.hpp"
#include "app/worker.hpp"
#include "base/log.hpp"
#include "crypto/certificate.hpp"
#include "fleet/context.hpp"
#include "ops/database_facts.hpp"
#include "ops/notify.hpp"
#include "privacy/calendar.hpp"
#include "vault/rotation.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/json.hpp>

namespace domicile::app {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using base::Result;
using pool::MaintenanceClient;

constexpr auto slow_interval = 5s;
constexpr int evidence_beats = 3;
constexpr std::int64_t advice_ms = 5'000;
constexpr std::size_t transitions_max = 200;
constexpr std::int64_t group_ms = 2'000;  // what happens within so long is told together

std::int64_t now_ms() {
    return std::chrono::system_clock::now().time_since_epoch() / 1ms;
}

/// What operators have said, from a file of this region or another region's facts. Not from a jurisdiction
/// that is neither the alarm's own nor the composer's: parse_facts saw to that.
void read_silences(const json::array& list, std::vector<ops::Silence>& into) {
    for (const auto& item : list) {
        const auto* one = item.if_object();
        const auto text = [&](std::string_view key) {
            const auto* found = one == nullptr ? nullptr : one->if_contains(key);
            return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
        };
        const auto* until = one == nullptr ? nullptr : one->if_contains("until");
        if (until == nullptr || !until->is_int64()) {
            continue;
        }
        into.push_back(
            {text("alarm"), text("region"), text("resource"), until->as_int64(), text("by"), text("reason")});
    }
}

json::array list_of(const std::string& text) {
    boost::system::error_code failed;
    json::parse_options bounds;
    bounds.max_depth = 6;
    auto value = json::parse(text, failed, {}, bounds);
    return failed || !value.is_array() ? json::array() : value.as_array();
}

/// When an answer to somebody is due, by the calendar of the shard's jurisdiction.
void add_requests(MaintenanceClient& client, const topology::Topology& topology, const topology::Shard& shard,
                  ops::Resource& resource, json::array& requests) {
    const auto found =
        client.run("SELECT id, kind, state, asked, extended FROM domicile.open_requests()", 3s);
    if (!found) {
        return;
    }
    const auto& jurisdiction = topology.at(shard.jurisdiction);
    const privacy::Date today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    for (const auto& row : found->at(0).rows) {
        privacy::Date received{};
        std::ignore = privacy::read_date(row.at(3).value_or(""), received);
        const bool extended = row.at(4) == "t";
        const auto due = privacy::due(received, extended ? privacy::extended_months : privacy::answer_months,
                                      jurisdiction.holidays);
        const int left = privacy::days_between(today, due);
        resource.set("days_left",
                     std::min(resource.fact("days_left").value_or(left), static_cast<double>(left)));
        requests.push_back(json::object{{"id", shard.name + "." + row.at(0).value_or("")},
                                        {"shard", shard.name},
                                        {"jurisdiction", jurisdiction.name},
                                        {"kind", row.at(1).value_or("")},
                                        {"state", row.at(2).value_or("")},
                                        {"asked", row.at(3).value_or("")},
                                        {"due", privacy::text_of(due)},
                                        {"days_left", left},
                                        {"extended", extended}});
    }
}

}  // namespace

ProcessMetrics::ProcessMetrics(base::Metrics& metrics, const std::string& what)
    : cpu_ms_(metrics.counter("domicile_" + what + "_cpu_milliseconds", "CPU time the process has used")),
      resident_(metrics.gauge("domicile_" + what + "_resident_bytes", "Memory of the process")) {}

void ProcessMetrics::update() {
    struct rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto ms = [](const timeval& time) { return time.tv_sec * 1'000 + time.tv_usec / 1'000; };
    const auto now = static_cast<std::uint64_t>(ms(used.ru_utime) + ms(used.ru_stime));
    cpu_ms_.add(now - cpu_ms_.value());
    // Pages, the second number (proc(5), statm).
    std::ifstream statm("/proc/self/statm");
    std::int64_t pages = 0;
    statm >> pages >> pages;
    resident_.set(pages * ::sysconf(_SC_PAGESIZE));
}

/// The series of one region's history: those of its own facts, and a few of other regions.
class HistoryFile {
  public:
    explicit HistoryFile(ops::Series series) : series(std::move(series)) {}
    ops::Series series;
};

Watch::Watch(const fleet::Secrets& secrets, topology::RegionIndex region, const RegionFiles& files,
             base::Metrics& metrics, std::filesystem::path folder,
             std::shared_ptr<const iam::PolicySet> policies)
    : secrets_(secrets),
      topology_(secrets.topology()),
      region_(region),
      files_(files),
      metrics_(metrics),
      process_(metrics, "worker"),
      active_(metrics.gauge("domicile_alarms_active", "Alarms of this region that stand")),
      told_(metrics.counter("domicile_notices_told", "Messages about alarms that somebody took")),
      untold_(metrics.counter("domicile_notices_failures", "Messages about alarms that nobody took")),
      gatherer_(topology_, region),
      alarms_(topology_),
      since_ms_(now_ms()),
      policies_(std::move(policies)),
      folder_(std::move(folder)) {
    auto opened = ops::Series::open(files.history(), history_series_max, true);
    if (opened) {
        history_ = std::make_unique<HistoryFile>(std::move(*opened));
    } else {
        base::log::warn("watch.history", {{"error", base::describe(opened.error())}});
    }
}

Watch::~Watch() = default;

std::vector<ops::Silence> Watch::silences(const ops::RegionFacts& own,
                                          std::span<const ops::PeerFacts> peers) const {
    std::vector<ops::Silence> all;
    read_silences(own.silences, all);
    for (const auto& peer : peers) {
        if (peer.facts && topology_.at(peer.region).jurisdiction == topology_.at(region_).jurisdiction) {
            read_silences(peer.facts->silences, all);
        }
    }
    return all;
}

void Watch::keep_history(const ops::RegionFacts& facts, std::span<const ops::PeerFacts> peers,
                         std::int64_t now) {
    if (history_ == nullptr) {
        return;
    }
    auto& series = history_->series;
    for (const ops::Resource& one : facts.resources) {
        for (const ops::Fact& fact : one.facts) {
            series.add(series_name(one.region, one.name, fact.name), now, fact.value);
        }
    }
    for (const ops::Fact& figure : facts.figures) {
        series.add(series_name(facts.region, facts.region, figure.name), now, figure.value);
    }
    for (const ops::PeerFacts& peer : peers) {
        const auto* known = peer.facts ? &*peer.facts : nullptr;
        for (const ops::Fact& figure : known != nullptr ? known->figures : std::vector<ops::Fact>()) {
            series.add(series_name(known->region, known->region, figure.name), now, figure.value);
        }
        for (const ops::Resource& one : known != nullptr ? known->resources : std::vector<ops::Resource>()) {
            for (const char* name : {"up", "lag_ms", "outbox_lag_ms", "requests_per_s"}) {
                if (const auto value = one.fact(name)) {
                    series.add(series_name(known->region, one.name, name), now, *value);
                }
            }
        }
    }
}

void Watch::step(std::int64_t now) {
    process_.update();
    ops::Sources sources;
    sources.now_ms = now;
    sources.gateway_view = files_.gateway();
    sources.relay_seen = files_.seen_now();
    sources.worker = metrics_.values();
    {
        const std::lock_guard lock(mutex_);
        sources.slow = slow_;
    }
    auto facts = gatherer_.gather(sources);
    facts.silences = list_of(files_.said(silences_file));
    facts.acknowledgements = list_of(files_.said(acknowledgements_file));
    const auto peers = ops::read_peers(topology_, region_, sources.relay_seen);

    auto judged = facts.resources;
    for (auto& one : ops::regions_as_resources(topology_, region_, peers, since_ms_, now)) {
        if (ops::watcher_of(topology_, topology_.region(one.name).value()) == region_) {
            judged.push_back(std::move(one));
        }
    }
    auto transitions = alarms_.judge(now, judged);
    if (ops::watcher_of(topology_, topology::RegionIndex(
                                       static_cast<std::uint16_t>(topology_.regions.size()))) == region_) {
        auto views = alarms_.views();
        for (auto& view : ops::known_alarms({}, peers)) {
            views.push_back(std::move(view));
        }
        const auto& home = topology_.at(topology_.at(region_).jurisdiction).name;
        for (auto& one : alarms_.compose(now, views, topology_.at(region_).name, home)) {
            transitions.push_back(std::move(one));
        }
    }
    auto alarms = alarms_.all();
    const auto said = silences(facts, peers);
    std::int64_t standing = 0;
    for (ops::Alarm& alarm : alarms) {
        for (const auto& silence : said) {
            if (ops::covers(silence, alarm, now)) {
                alarm.silenced_until_ms = std::max(alarm.silenced_until_ms, silence.until_ms);
            }
        }
        standing += alarm.state == ops::AlarmState::alarm ? 1 : 0;
        facts.alarms.push_back(ops::to_value(alarm));
    }
    active_.set(standing);
    for (ops::Resource& resource : facts.resources) {
        resource.state = ops::state_of(alarms, resource);
    }
    const auto& home = topology_.at(topology_.at(region_).jurisdiction).name;
    for (const auto& transition : transitions) {
        auto one = ops::to_value(transition);
        one["jurisdiction"] = home;
        transitions_.push_back(std::move(one));
        base::log::info("alarm.changed", {{"alarm", transition.alarm},
                                          {"to", ops::name(transition.to)},
                                          {"resource", transition.resource},
                                          {"region", transition.region}});
    }
    if (transitions_.size() > transitions_max) {
        transitions_.erase(
            transitions_.begin(),
            transitions_.begin() + static_cast<std::ptrdiff_t>(transitions_.size() - transitions_max));
    }
    facts.transitions = transitions_;
    facts.advice = advise(facts, peers, now);
    keep_history(facts, peers, now);
    files_.keep_facts(ops::to_json(facts));
    files_.keep_overview(ops::overview(topology_, region_, facts, peers));
    if (!transitions.empty() && !topology_.channels.empty()) {
        const std::lock_guard lock(mutex_);
        for (const auto& transition : transitions) {
            const auto alarm = std::ranges::find_if(alarms, [&](const ops::Alarm& one) {
                return one.rule->name == transition.alarm && one.resource == transition.resource &&
                       one.region == transition.region;
            });
            if (alarm != alarms.end() && alarm->silenced_until_ms <= now &&
                !ops::in_maintenance(topology_, transition.region, now)) {
                untold_queue_.push_back(*alarm);
            }
        }
        awake_.notify_all();
    }
}

/// Databases and vaults are asked at a slower beat, each with connections that are kept.
void Watch::look_slowly(const std::stop_token& stop) {
    const auto own = topology_.at(region_).jurisdiction;
    std::map<std::uint16_t, std::optional<MaintenanceClient>> nodes;
    std::map<std::uint16_t, std::optional<MaintenanceClient>> writers;
    std::map<std::uint16_t, std::pair<double, std::int64_t>> commits;
    for (int beat = 0; !stop.stop_requested(); ++beat) {
        ops::Slow slow;
        std::vector<ops::DatabaseEvidence> databases;
        for (std::uint16_t i = 0; i < topology_.nodes.size() && !stop.stop_requested(); ++i) {
            const auto& node = topology_.nodes[i];
            if (node.region != region_ || node.shard.value >= topology_.shards.size()) {
                continue;
            }
            auto& client = nodes[i];
            if (!client) {
                auto opened = fleet::connect(secrets_, node, fleet::roles::monitor, topology_.database.name);
                client = opened ? std::optional(std::move(*opened)) : std::nullopt;
            }
            ops::Resource resource{"node", node.name, topology_.at(region_).name, topology_.at(own).name};
            if (client && !ops::ask_node(*client, resource)) {
                client.reset();
            }
            if (client && beat % evidence_beats == 0) {
                if (auto evidence = ops::ask_evidence(*client, topology_, commits[i])) {
                    evidence->node = node.name;
                    databases.push_back(std::move(*evidence));
                }
            }
            slow.resources.push_back(std::move(resource));
        }
        for (std::uint16_t i = 0; i < topology_.shards.size() && !stop.stop_requested(); ++i) {
            const auto& shard = topology_.shards[i];
            if (shard.writer != region_) {
                continue;
            }
            auto& client = writers[i];
            if (!client) {
                auto opened = writer_of(secrets_, topology::ShardIndex(i), fleet::roles::monitor)();
                client = opened ? std::optional(std::move(*opened)) : std::nullopt;
            }
            ops::Resource resource{"shard", shard.name, topology_.at(region_).name, topology_.at(own).name};
            if (client) {
                if (!ops::ask_shard(*client, topology_, topology::ShardIndex(i), resource, slow.ranges)) {
                    client.reset();
                } else {
                    add_requests(*client, topology_, shard, resource, slow.requests);
                }
            }
            slow.resources.push_back(std::move(resource));
        }
        add_vault(slow);
        struct statvfs disk{};
        if (::statvfs(secrets_.state().root().c_str(), &disk) == 0 && disk.f_blocks > 0) {
            ops::Resource store{"store", "state." + topology_.at(region_).name, topology_.at(region_).name,
                                topology_.at(own).name};
            store.set("free_percent", std::floor(static_cast<double>(disk.f_bavail) * 100 /
                                                 static_cast<double>(disk.f_blocks)));
            slow.resources.push_back(std::move(store));
        }
        add_certificates(slow);
        std::unique_lock lock(mutex_);
        slow_ = std::move(slow);
        if (beat % evidence_beats == 0) {
            databases_ = std::move(databases);
            advised_ms_ = 0;
        }
        awake_.wait_for(lock, stop, slow_interval, [] { return false; });
    }
}

/// The doors' certificates, as they stand in their files.
void Watch::add_certificates(ops::Slow& slow) const {
    const auto& region = topology_.at(region_);
    if (region.tls_certificate.empty()) {
        return;
    }
    const auto text = read_file(folder_ / region.tls_certificate, 1U << 20U);
    const auto left = text ? crypto::seconds_left(*text) : std::nullopt;
    if (!left) {
        return;
    }
    ops::Resource certificate{"certificate", "doors." + region.name, region.name,
                              topology_.at(region.jurisdiction).name};
    certificate.set("days_left", std::floor(static_cast<double>(*left) / 86'400));
    certificate.summary = "TLS of the doors";
    slow.resources.push_back(std::move(certificate));
}

json::array Watch::advise(const ops::RegionFacts& facts, std::span<const ops::PeerFacts> peers,
                          std::int64_t now) {
    std::vector<ops::DatabaseEvidence> databases;
    {
        const std::lock_guard lock(mutex_);
        if (now - advised_ms_ < advice_ms) {
            return advice_;
        }
        advised_ms_ = now;
        databases = databases_;
    }
    ops::Evidence evidence{topology_, region_, facts, peers, policies_.get(), std::move(databases)};
    evidence.now_ms = now;
    for (const auto role : fleet::all_roles) {
        evidence.known_roles.emplace_back(role);
        evidence.known_roles.push_back(vault::other_user(role, role));
    }
    evidence.known_roles.emplace_back(fleet::roles::copier);
    for (const auto& resource : facts.resources) {
        if (resource.kind != "node" || history_ == nullptr) {
            continue;
        }
        const auto average = [](const std::vector<ops::Point>& points) {
            double sum = 0;
            for (const auto& point : points) {
                sum += point.average;
            }
            return points.empty() ? 0 : sum / static_cast<double>(points.size());
        };
        const std::string name = series_name(resource.region, resource.name, "lag_ms");
        const auto day = history_->series.read(name, 1, now);
        if (day.size() > 24) {  // two hours, at least
            evidence.lag_trend[resource.name] = {average(history_->series.read(name, 0, now)), average(day)};
        }
    }
    json::array acknowledged = facts.acknowledgements;
    for (const auto& peer : peers) {
        if (peer.facts && topology_.at(peer.region).jurisdiction == topology_.at(region_).jurisdiction) {
            acknowledged.insert(acknowledged.end(), peer.facts->acknowledgements.begin(),
                                peer.facts->acknowledgements.end());
        }
    }
    json::array advice;
    for (const auto& finding : ops::advise(evidence)) {
        const json::object* said = nullptr;
        for (const auto& one : acknowledged) {
            const auto* object = one.if_object();
            if (object != nullptr && object->contains("id") &&
                object->at("id") == json::value(finding.id()) && object->contains("until") &&
                object->at("until").is_int64() && object->at("until").as_int64() > now &&
                object->contains("by") && object->contains("reason") && object->contains("until_day")) {
                said = object;
            }
        }
        advice.push_back(ops::to_value(finding, said));
    }
    const std::lock_guard lock(mutex_);
    advice_ = std::move(advice);
    return advice_;
}

/// Secrets belong to a jurisdiction: its writer region speaks for them.
void Watch::add_vault(ops::Slow& slow) const {
    if (!topology_.at(region_).writer) {
        return;
    }
    const auto& home = topology_.at(topology_.at(region_).jurisdiction).name;
    auto vault = secrets_.vault(home);
    const auto names = vault ? vault->list() : std::unexpected(vault.error());
    for (const auto& name : names ? *names : std::vector<std::string>()) {
        const auto places = vault->describe(name);
        if (!places) {
            continue;
        }
        ops::Resource secret{"secret", home + "/" + name, topology_.at(region_).name, home};
        bool in_step = true;
        bool pending = false;
        std::int64_t changed_s = 0;
        for (const auto& place : *places) {
            in_step = in_step && place.reachable && place.in_step;
            for (const auto& version : place.versions) {
                pending = pending || std::ranges::count(version.stages, vault::Stage::pending) != 0;
                if (std::ranges::count(version.stages, vault::Stage::current) != 0) {
                    changed_s = std::max(changed_s, version.changed_s);
                }
            }
        }
        secret.set("in_step", in_step ? 1 : 0);
        secret.set("pending", pending ? 1 : 0);
        if (changed_s > 0) {
            secret.set("age_days", static_cast<double>((now_ms() / 1'000 - changed_s) / 86'400));
        }
        secret.summary =
            in_step ? "in step in " + std::to_string(places->size()) + " regions" : "a region is behind";
        slow.resources.push_back(std::move(secret));
    }
}

/// What belongs together is told together; what nobody takes is told again, with ever longer waits.
void Watch::tell(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        awake_.wait(lock, stop, [this] { return !untold_queue_.empty(); });
        if (stop.stop_requested()) {
            return;
        }
        awake_.wait_for(lock, stop, std::chrono::milliseconds(group_ms), [] { return false; });
        const std::vector<ops::Alarm> alarms(untold_queue_.begin(), untold_queue_.end());
        untold_queue_.clear();
        lock.unlock();
        for (const auto& channel : topology_.channels) {
            std::string text;
            json::array list;
            for (const auto& alarm : alarms) {
                if (std::ranges::count(alarm.rule->notify, channel.name) == 0) {
                    continue;
                }
                text += ops::sentence(alarm) + "\n  " + alarm.rule->why + "\n  " + alarm.rule->runbook + "\n";
                list.push_back(ops::to_value(alarm));
            }
            if (list.empty()) {
                continue;
            }
            const std::string subject = "[" + topology_.name + "] " +
                                        (list.size() == 1 ? text.substr(0, text.find('\n'))
                                                          : std::to_string(list.size()) + " alarms changed");
            const std::string body = json::serialize(
                json::object{{"deployment", topology_.name}, {"at", now_ms()}, {"alarms", std::move(list)}});
            base::Status taken;
            for (int attempt = 0; attempt < 4 && !stop.stop_requested(); ++attempt) {
                taken = ops::tell(channel, subject, text, body);
                if (taken) {
                    break;
                }
                std::unique_lock waiting(mutex_);
                awake_.wait_for(waiting, stop, std::chrono::seconds(1 << (2 * attempt)),
                                [] { return false; });
            }
            (taken ? told_ : untold_).add();
            if (!taken) {
                base::log::warn("alarm.untold",
                                {{"channel", channel.name}, {"error", base::describe(taken.error())}});
            }
        }
        lock.lock();
    }
}

void Watch::run(const std::stop_token& stop) {
    const std::jthread slowly([this](const std::stop_token& own) { look_slowly(own); });
    const std::jthread teller([this](const std::stop_token& own) { tell(own); });
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        try {
            step(now_ms());
        } catch (const std::exception& failure) {
            base::log::error("watch.failed", {{"what", failure.what()}});
        }
        asleep.wait_for(lock, stop, 1s, [] { return false; });
    }
}

}  // namespace domicile::app
