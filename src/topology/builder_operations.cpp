// [alarms.*], [notify.*], [maintenance.*]: what is watched, and who is told.

#include "topology/builder.hpp"
#include "topology/words.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace domicile::topology {
namespace {

constexpr std::size_t alarms_max = 256;
constexpr std::size_t channels_max = 64;

constexpr std::array severities = {std::string_view("low"), std::string_view("medium"),
                                   std::string_view("high"), std::string_view("critical")};
constexpr std::array missings = {std::string_view("missing"), std::string_view("ignore"),
                                 std::string_view("breaching"), std::string_view("not_breaching")};

struct TestKey {
    std::string_view key;
    AlarmRule::Test test;
};
constexpr std::array tests = {
    TestKey{"above", AlarmRule::Test::above}, TestKey{"below", AlarmRule::Test::below},
    TestKey{"rate_above", AlarmRule::Test::rate_above}, TestKey{"absent_s", AlarmRule::Test::absent}};

std::vector<std::string> strings(const std::vector<Word>& words) {
    std::vector<std::string> all;
    for (const Word& word : words) {
        all.emplace_back(word.text);
    }
    return all;
}

bool known_fact(std::string_view kind, std::string_view fact) {
    return std::ranges::any_of(known_facts(), [&](const KnownFacts& one) {
        return one.kind == kind && std::ranges::count(one.facts, fact) != 0;
    });
}

}  // namespace

/// One of `names`, by index; a finding otherwise.
template <std::size_t N>
static std::optional<std::size_t> choice(const Reader& reader, std::string_view key,
                                         const std::array<std::string_view, N>& names, Report& report) {
    const Value* value = reader.text(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto found = std::ranges::find(names, value->text);
    if (found == names.end()) {
        report.add(value->place, "unknown " + std::string(key) + " " + quoted(value->text),
                   suggest(value->text, {names.begin(), names.end()},
                           "use one of: " + listed({names.begin(), names.end()})));
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - names.begin());
}

void Builder::notify() {
    Names names;
    for (const Entry* entry : named("notify", channels_max, names)) {
        check_name(entry->key, entry->place, "channel");
        const Reader reader = open(*entry, "notify", keys::channel);
        Channel channel;
        channel.name = entry->key;
        const int ways = static_cast<int>(reader.given("webhook")) + static_cast<int>(reader.given("mail")) +
                         static_cast<int>(reader.given("command"));
        if (ways != 1) {
            report_.add(
                entry->place,
                reader.label() + " says " + (ways == 0 ? "no way" : "several ways") + " to tell somebody",
                "give one of webhook, mail and command");
        }
        if (const Value* webhook = reader.text("webhook")) {
            channel.target = webhook->text;
            const std::string_view text = webhook->text;
            const bool clear = text.starts_with("http://");
            const auto host = text.substr(clear ? 7 : 0);
            const auto address = read_address(clear ? host.substr(0, host.find('/')) : std::string_view());
            if (printable(text) != text ||
                (!text.starts_with("https://") && !(clear && address && is_loopback(address->host)))) {
                report_.add(webhook->place, "`webhook` in " + reader.label() + " is " + quoted(text),
                            "write an https URL, or http:// with a loopback address and a port");
            }
        } else if (const Value* mail = reader.text("mail")) {
            channel.kind = Channel::Kind::mail;
            channel.target = mail->text;
            channel.words = strings(reader.texts("to"));
            const auto host =
                mail->text.find("://") == std::string::npos
                    ? std::optional<Address>()
                    : read_address(std::string_view(mail->text).substr(mail->text.find("://") + 3));
            const bool safe = mail->text.starts_with("smtps://") ||
                              (mail->text.starts_with("smtp://") && host && is_loopback(host->host));
            if (!host || !safe) {
                report_.add(mail->place, "`mail` in " + reader.label() + " is no mail server",
                            "smtps://HOST:PORT, or smtp:// with a loopback address");
            }
        } else if (reader.given("command")) {
            channel.kind = Channel::Kind::command;
            channel.words = strings(reader.texts("command"));
            if (channel.words.empty() || channel.words.front().empty()) {
                report_.add(reader.place("command"), "`command` in " + reader.label() + " names no program",
                            "command = [\"/usr/local/bin/page\", \"oncall\"]");
            }
        }
        const bool mail = reader.given("mail");
        for (const std::string_view key : {std::string_view("from"), std::string_view("to")}) {
            if (reader.given(key) != mail && ways == 1) {
                report_.add(reader.place(key),
                            quoted(key) + " in " + reader.label() +
                                (mail ? " is missing" : " means nothing but to mail"),
                            "from = \"domicile@example.org\", to = [\"oncall@example.org\"]");
            }
        }
        for (const Word& word : reader.texts("to")) {
            if (word.text.find('@') == std::string_view::npos || printable(word.text) != word.text ||
                word.text.size() > 254) {
                report_.add(word.place, quoted(word.text) + " is no mail address", "NAME@HOST");
            }
        }
        if (const Value* from = reader.text("from")) {
            if (from->text.find('@') == std::string::npos || printable(from->text) != from->text ||
                from->text.size() > 254) {
                report_.add(from->place, quoted(from->text) + " is no mail address", "NAME@HOST");
            }
            channel.from = from->text;
        }
        topology_.channels.push_back(std::move(channel));
    }
}

void Builder::alarm(const Entry& entry, const Names& names, AlarmRule& rule) {
    const Reader reader = open(entry, "alarms", keys::alarm);
    const bool default_one =
        std::ranges::find(default_alarms(), rule.name, &AlarmRule::name) != default_alarms().end();
    rule.off = reader.flag("off", rule.off);
    if (const Value* fact = reader.text("fact")) {
        const auto dot = fact->text.find('.');
        rule.resource = fact->text.substr(0, dot);
        rule.fact = dot == std::string::npos ? std::string() : fact->text.substr(dot + 1);
        if (!known_fact(rule.resource, rule.fact)) {
            report_.add(fact->place, "unknown fact " + quoted(fact->text),
                        "docs/operations.md lists the facts, such as node.lag_ms");
        }
    }
    int given = 0;
    for (const auto& [key, test] : tests) {
        const Entry* value = reader.get(key);
        if (value == nullptr) {
            continue;
        }
        ++given;
        rule.test = test;
        rule.threshold = value->value.integer;
    }
    const bool composite = reader.given("any_of") || reader.given("all_of") || reader.given("none_of");
    if (given > 1 || (composite && (given != 0 || reader.given("fact")))) {
        report_.add(entry.place, reader.label() + " has several tests",
                    "give one of above, below, rate_above and absent_s, or any_of, all_of and none_of");
    }
    if (composite) {
        rule.test = AlarmRule::Test::composite;
        for (const auto& [key, list] :
             {std::pair{"any_of", &rule.any_of}, {"all_of", &rule.all_of}, {"none_of", &rule.none_of}}) {
            if (reader.given(key)) {
                *list = strings(reader.texts(key));
            }
            for (const Word& word : reader.texts(key)) {
                const auto other = std::ranges::find(default_alarms(), word.text, &AlarmRule::name);
                if (word.text == rule.name || (!names.find(word.text) && other == default_alarms().end())) {
                    report_.add(word.place, "unknown alarm " + quoted(word.text),
                                "declare it as [alarms." + std::string(word.text) + "]");
                }
            }
        }
        if (rule.any_of.empty() && rule.all_of.empty()) {
            report_.add(entry.place, reader.label() + " waits for no alarm", "name some in any_of or all_of");
        }
    }
    if (!default_one && !composite && (given != 1 || !reader.given("fact"))) {
        report_.add(entry.place, reader.label() + " tests nothing",
                    "give it a fact and one of above, below, rate_above and absent_s");
    }
    if (const Value* share = reader.text("for")) {
        if (const auto read = read_share(share->text)) {
            std::tie(rule.breaching, rule.periods) = *read;
        } else {
            report_.add(share->place, "`for` in " + reader.label() + " is no share of periods",
                        "for = \"3 of 5\"");
        }
    }
    bounded(reader, "every_s", 1, 3'600, rule.every_s);
    bounded(reader, "regions", 1, 1'024, rule.regions);
    if (reader.given("regions") && rule.test != AlarmRule::Test::composite) {
        report_.add(reader.place("regions"),
                    "`regions` in " + reader.label() + " means nothing but to a composite alarm",
                    "remove it");
    }
    if (const auto missing = choice(reader, "missing", missings, report_)) {
        rule.missing = static_cast<Missing>(*missing);
    }
    if (const auto severity = choice(reader, "severity", severities, report_)) {
        rule.severity = static_cast<Severity>(*severity);
    }
    if (const Value* why = reader.text("why")) {
        rule.why = why->text;
    }
    if (const Value* runbook = reader.text("runbook")) {
        rule.runbook = runbook->text;
    }
    if (reader.given("notify")) {
        rule.notify = strings(reader.texts("notify"));
        for (const Word& word : reader.texts("notify")) {
            if (std::ranges::find(topology_.channels, word.text, &Channel::name) ==
                topology_.channels.end()) {
                report_.add(word.place, "unknown channel " + quoted(word.text),
                            "declare it as [notify." + std::string(word.text) + "]");
            }
        }
    }
}

void Builder::alarms() {
    topology_.alarms = default_alarms();
    Names names;
    for (const Entry* entry : named("alarms", alarms_max, names)) {
        check_name(entry->key, entry->place, "alarm");
        auto found = std::ranges::find(topology_.alarms, entry->key, &AlarmRule::name);
        if (found == topology_.alarms.end()) {
            AlarmRule fresh;
            fresh.name = entry->key;
            found = topology_.alarms.insert(topology_.alarms.end(), std::move(fresh));
        }
        alarm(*entry, names, *found);
    }
    // Who declares a channel and names it nowhere means all alarms.
    const bool named_somewhere =
        std::ranges::any_of(topology_.alarms, [](const AlarmRule& one) { return !one.notify.empty(); });
    for (AlarmRule& rule : topology_.alarms) {
        for (const Channel& channel : topology_.channels) {
            if (!named_somewhere) {
                rule.notify.push_back(channel.name);
            }
        }
    }
}

void Builder::maintenance() {
    Names names;
    for (const Entry* entry : named("maintenance", alarms_max, names)) {
        check_name(entry->key, entry->place, "maintenance");
        const Reader reader = open(*entry, "maintenance", keys::maintenance);
        Maintenance work;
        work.name = entry->key;
        for (const auto& [key, into] : {std::pair{"from", &work.from_s}, {"until", &work.until_s}}) {
            if (const Value* text = reader.text(key)) {
                if (const auto at = read_instant(text->text)) {
                    *into = *at;
                } else {
                    report_.add(text->place, quoted(key) + " in " + reader.label() + " is no time",
                                "2026-12-01T04:00Z");
                }
            }
        }
        if (work.from_s != 0 && work.until_s != 0 && work.until_s <= work.from_s) {
            report_.add(entry->place, reader.label() + " ends before it begins",
                        "let `until` be later than `from`");
        }
        for (const Word& word : reader.texts("regions")) {
            if (resolve(word, "region", region_names_, reader.label())) {
                work.regions.emplace_back(word.text);
            }
        }
        topology_.maintenance.push_back(std::move(work));
    }
}

}  // namespace domicile::topology
