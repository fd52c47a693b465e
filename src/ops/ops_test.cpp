#include "ops/alarms.hpp"
#include "ops/facts.hpp"
#include "ops/gather.hpp"
#include "ops/notify.hpp"
#include "ops/overview.hpp"
#include "ops/series.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace domicile::ops {
namespace {

namespace json = boost::json;
using topology::AlarmRule;
using topology::Missing;
using Kind = AlarmRule::Test;
constexpr auto fine = Outcome::fine;
constexpr auto breach = Outcome::breach;
constexpr auto none = Outcome::none;

AlarmRule rule(std::uint32_t m, std::uint32_t n, Missing missing = Missing::missing) {
    AlarmRule one;
    one.name = "lag";
    one.resource = "node";
    one.fact = "lag_ms";
    one.threshold = 100;
    one.breaching = m;
    one.periods = n;
    one.missing = missing;
    return one;
}

/// Two jurisdictions with a region each, in the mesh; central in the first.
topology::Topology sample() {
    topology::Topology topology;
    topology.name = "t";
    topology.jurisdictions = {{"eu", "", {}}, {"uk", "", {}}};
    topology.regions = {{"eu-a", topology::JurisdictionIndex(0), true, {"127.0.0.1", 1}, {"127.0.0.1", 2}},
                        {"uk-a", topology::JurisdictionIndex(1), true, {"127.0.0.1", 3}, {"127.0.0.1", 4}}};
    for (auto& region : topology.regions) {
        region.mesh = {"127.0.0.1", 9};
    }
    topology.central = topology::Central{topology::RegionIndex(0), topology::NodeIndex(0)};
    return topology;
}

Resource node(std::string name, double lag, std::string region = "eu-a", std::string home = "eu") {
    Resource one{"node", std::move(name), std::move(region), std::move(home)};
    one.set("lag_ms", lag);
    return one;
}

TEST(Decide, CountsMOfNAndWhatIsMissing) {
    struct Case {
        std::uint32_t m, n;
        Missing missing;
        std::vector<Outcome> periods;
        std::optional<AlarmState> state;
    };
    const Case cases[] = {
        {1, 1, Missing::missing, {breach}, AlarmState::alarm},
        {1, 1, Missing::missing, {fine}, AlarmState::ok},
        {1, 1, Missing::missing, {none}, AlarmState::insufficient},
        {1, 1, Missing::breaching, {none}, AlarmState::alarm},
        {1, 1, Missing::not_breaching, {none}, AlarmState::ok},
        {1, 1, Missing::ignore, {none}, std::nullopt},
        {2, 3, Missing::missing, {breach}, std::nullopt},
        {2, 3, Missing::missing, {breach, breach}, AlarmState::alarm},
        {2, 3, Missing::missing, {breach, fine, breach}, AlarmState::alarm},
        {2, 3, Missing::missing, {breach, fine, fine}, AlarmState::ok},
        {2, 3, Missing::missing, {fine, fine}, AlarmState::ok},  // the third cannot change it
        {2, 3, Missing::missing, {none, none, none}, AlarmState::insufficient},
        {2, 3, Missing::missing, {none, fine, fine}, AlarmState::ok},
        {2, 3, Missing::breaching, {none, fine, none}, AlarmState::alarm},
        {3, 5, Missing::ignore, {breach, none, breach, none, breach}, AlarmState::alarm},
        {3, 3, Missing::ignore, {none, none, none}, std::nullopt},
    };
    for (std::size_t i = 0; i < std::size(cases); ++i) {
        const auto& one = cases[i];
        EXPECT_EQ(decide(rule(one.m, one.n, one.missing), one.periods), one.state) << "case " << i;
    }
}

TEST(Decide, MoreBadPeriodsNeverEndAnAlarm) {
    std::mt19937 random(20261127);
    for (int i = 0; i < 5'000; ++i) {
        const auto n = 1 + random() % 6;
        const auto one = rule(static_cast<std::uint32_t>(1 + random() % n), static_cast<std::uint32_t>(n),
                              static_cast<Missing>(random() % 4));
        std::vector<Outcome> periods;
        for (std::size_t k = 0; k < n; ++k) {
            periods.push_back(static_cast<Outcome>(random() % 3));
        }
        if (decide(one, periods) != AlarmState::alarm) {
            continue;
        }
        periods[random() % n] = breach;
        EXPECT_EQ(decide(one, periods), AlarmState::alarm);
    }
}

TEST(Alarms, ComeAndGoWithTheirFactAndTellEachChangeOnce) {
    auto topology = sample();
    topology.alarms = {rule(2, 3)};
    Alarms alarms(topology);
    std::vector<std::string> told;
    const double values[] = {0, 500, 500, 500, 0, 0, 0};
    std::int64_t now = 1'000'000'000;
    for (const double value : values) {
        const Resource one = node("n1", value);
        for (const auto& transition : alarms.judge(now += 1'000, {&one, 1})) {
            told.push_back(std::string(name(transition.from)) + ">" + std::string(name(transition.to)));
        }
    }
    // One good period of three decides nothing yet; each change is told once.
    EXPECT_EQ(told, (std::vector<std::string>{"insufficient>alarm", "alarm>ok"}));
    EXPECT_EQ(alarms.all().at(0).value, 0);
}

TEST(Alarms, ForgetWhatIsNotThereAnyMore) {
    auto topology = sample();
    topology.alarms = {rule(1, 1, Missing::ignore)};
    Alarms alarms(topology);
    const Resource one = node("n1", 500);
    ASSERT_EQ(alarms.judge(1'000, {&one, 1}).size(), 1U);
    EXPECT_TRUE(alarms.judge(30'000, {}).empty());
    const auto last = alarms.judge(62'000, {});
    ASSERT_EQ(last.size(), 1U);
    EXPECT_EQ(last[0].to, AlarmState::ok);
    EXPECT_TRUE(alarms.all().empty());
}

TEST(Alarms, RatesNeedTwoValuesAndSurviveARestart) {
    auto topology = sample();
    AlarmRule one = rule(1, 1, Missing::ignore);
    one.test = Kind::rate_above;
    one.threshold = 60;
    topology.alarms = {one};
    Alarms alarms(topology);
    const auto after = [&](std::int64_t at, double value) {
        const Resource resource = node("n1", value);
        alarms.judge(at, {&resource, 1});
        return alarms.all().at(0).state;
    };
    EXPECT_EQ(after(0, 1'000), AlarmState::insufficient);
    EXPECT_EQ(after(1'000, 1'002), AlarmState::alarm) << "120 a minute";
    EXPECT_EQ(after(2'000, 0), AlarmState::alarm) << "began anew: nothing is known";
    EXPECT_EQ(after(3'000, 0), AlarmState::ok);
}

TEST(Alarms, AbsenceIsMeasuredFromTheLastValue) {
    auto topology = sample();
    AlarmRule one = rule(1, 1);
    one.test = Kind::absent;
    one.threshold = 5;
    topology.alarms = {one};
    Alarms alarms(topology);
    Resource there = node("n1", 1);
    Resource empty{"node", "n1", "eu-a", "eu"};
    alarms.judge(1'000, {&there, 1});
    alarms.judge(6'000, {&empty, 1});
    EXPECT_EQ(alarms.all().at(0).state, AlarmState::ok);
    alarms.judge(6'001, {&empty, 1});
    EXPECT_EQ(alarms.all().at(0).state, AlarmState::alarm);
    alarms.judge(7'000, {&there, 1});
    EXPECT_EQ(alarms.all().at(0).state, AlarmState::ok);
}

TEST(Alarms, ComposeOverRegionsWhichNoCloudDoes) {
    auto topology = sample();
    AlarmRule spread;
    spread.name = "spread";
    spread.test = Kind::composite;
    spread.any_of = {"lag", "down"};
    spread.none_of = {"planned"};
    spread.regions = 2;
    topology.alarms = {spread};
    Alarms alarms(topology);
    const auto view = [](std::string name, std::string region) {
        return AlarmView{std::move(name), std::move(region), "eu", "", AlarmState::alarm};
    };
    std::vector<AlarmView> all = {view("lag", "eu-a"), view("down", "eu-a")};
    alarms.compose(1, all, "eu-a", "eu");
    EXPECT_EQ(alarms.all().at(0).state, AlarmState::ok) << "two alarms, one region";
    all.push_back(view("down", "uk-a"));
    EXPECT_EQ(alarms.compose(2, all, "eu-a", "eu").at(0).to, AlarmState::alarm);
    EXPECT_EQ(alarms.all().at(0).children.size(), 3U);
    all.push_back(view("planned", "uk-a"));
    EXPECT_EQ(alarms.compose(3, all, "eu-a", "eu").at(0).to, AlarmState::ok);
}

TEST(Alarms, SilenceAndPlannedWorkCoverWhatTheyName) {
    auto topology = sample();
    topology.maintenance = {{"upgrade", 100, 200, {"eu-a"}}};
    EXPECT_TRUE(in_maintenance(topology, "eu-a", 150'000));
    EXPECT_FALSE(in_maintenance(topology, "uk-a", 150'000));
    EXPECT_FALSE(in_maintenance(topology, "eu-a", 200'000));
    const AlarmRule one = rule(1, 1);
    const Alarm alarm{&one, "n1", "eu-a", "eu"};
    EXPECT_TRUE(covers({"lag", "", "", 10, "", ""}, alarm, 9));
    EXPECT_FALSE(covers({"lag", "", "", 10, "", ""}, alarm, 10));
    EXPECT_FALSE(covers({"lag", "uk-a", "", 10, "", ""}, alarm, 9));
    EXPECT_FALSE(covers({"lag", "", "n2", 10, "", ""}, alarm, 9));
    EXPECT_FALSE(covers({"other", "", "", 10, "", ""}, alarm, 9));
}

TEST(Alarms, DefaultOnesTestFactsThatExistAndNameARunbookThatExists) {
    std::ifstream file(DOMICILE_SOURCE_DIR "/docs/runbooks.md");
    const std::string runbooks{std::istreambuf_iterator<char>(file), {}};
    for (const auto& one : topology::default_alarms()) {
        EXPECT_NE(runbooks.find("\n## " + one.name + "\n"), std::string::npos)
            << one.name << " has no runbook";
        EXPECT_FALSE(one.why.empty()) << one.name;
        if (one.test != Kind::composite) {
            EXPECT_TRUE(std::ranges::any_of(topology::known_facts(), [&](const auto& known) {
                return known.kind == one.resource && std::ranges::count(known.facts, one.fact) == 1;
            })) << one.name;
        }
    }
}

TEST(Facts, AreReadBackAsTheyWere) {
    const auto topology = sample();
    RegionFacts facts;
    facts.region = "eu-a";
    facts.at_ms = 1'234;
    facts.map_epoch = 7;
    facts.figures = {{"requests_per_s", 1.5}};
    facts.resources = {node("n1", 12.25)};
    facts.resources[0].state = State::warning;
    facts.alarms = {json::object{{"name", "x"}, {"jurisdiction", "eu"}}};
    const auto read = parse_facts(topology, topology::RegionIndex(0), to_json(facts));
    ASSERT_TRUE(read) << base::describe(read.error());
    EXPECT_EQ(to_json(*read), to_json(facts));
}

TEST(Facts, OfARegionSpeakForItAlone) {
    const auto topology = sample();
    RegionFacts facts;
    facts.region = "eu-a";
    facts.resources = {node("n1", 1)};
    const auto refused = [&](const RegionFacts& these) {
        return !parse_facts(topology, topology::RegionIndex(0), to_json(these));
    };
    EXPECT_FALSE(refused(facts));
    auto other = facts;
    other.region = "uk-a";
    EXPECT_TRUE(refused(other)) << "in another's name";
    other = facts;
    other.resources[0].jurisdiction = "uk";
    EXPECT_TRUE(refused(other)) << "of another jurisdiction's node";
    other = facts;
    other.alarms = {json::object{{"name", "x"}, {"jurisdiction", "uk"}}};
    EXPECT_TRUE(refused(other)) << "another jurisdiction's alarm";
    other = facts;
    other.resources.assign(resources_max + 1, node("n", 1));
    EXPECT_TRUE(refused(other)) << "without end";
    for (const char* text :
         {"", "[]", "{}", "{\"region\":\"eu-a\"}", "{\"region\":\"eu-a\",\"at\":1,\"resources\":[1]}",
          "{\"region\":\"eu-a\",\"at\":1,\"resources\":{}}"}) {
        EXPECT_FALSE(parse_facts(topology, topology::RegionIndex(0), text)) << text;
    }
}

TEST(Gather, QuantilesAreWithinTheirBucket) {
    using Buckets = std::vector<std::pair<double, double>>;
    EXPECT_FALSE(quantile_ms(Buckets{{0.001, 0}, {INFINITY, 0}}, 0.99));
    EXPECT_DOUBLE_EQ(*quantile_ms(Buckets{{0.001, 50}, {0.002, 100}, {INFINITY, 100}}, 0.5), 1);
    EXPECT_DOUBLE_EQ(*quantile_ms(Buckets{{0.001, 0}, {0.002, 100}, {INFINITY, 100}}, 0.5), 1.5);
    EXPECT_DOUBLE_EQ(*quantile_ms(Buckets{{0.001, 0}, {INFINITY, 10}}, 0.99), 1)
        << "no upper bound: the lower one";
    EXPECT_EQ(label("a=\"x\\\"y\",le=\"0.5\"", "le"), "0.5");
    EXPECT_EQ(label("shard=\"eu-1\"", "le"), "");
}

class SeriesFile : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() / ("domicile-series-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::filesystem::path folder_;
    static constexpr std::int64_t start = 1'764'000'000'000;
};

TEST_F(SeriesFile, KeepsAnHourADayAndFourWeeksAndForgetsTheRest) {
    auto series = Series::open(folder_ / "h", 4, true);
    ASSERT_TRUE(series);
    // Five weeks, a value a minute.
    const std::int64_t end = start + 35LL * 86'400 * 1'000;
    for (auto at = start; at < end; at += 60'000) {
        ASSERT_TRUE(series->add("a", at, static_cast<double>((at - start) / 60'000 % 60)));
    }
    EXPECT_NEAR(static_cast<double>(series->read("a", 0, end).size()), 60, 1)
        << "one value a minute leaves five of six steps empty";
    EXPECT_NEAR(static_cast<double>(series->read("a", 1, end).size()), 288, 1);
    const auto weeks = series->read("a", 2, end);
    EXPECT_NEAR(static_cast<double>(weeks.size()), 672, 1);
    EXPECT_FLOAT_EQ(weeks[10].average, 29.5F);
    EXPECT_FLOAT_EQ(weeks[10].most, 59);
    EXPECT_TRUE(std::ranges::is_sorted(weeks, {}, &Point::at_ms));
    EXPECT_TRUE(series->read("b", 0, end).empty());
}

TEST_F(SeriesFile, SurvivesItsWriterAndTellsReadersInOtherProcesses) {
    const pid_t child = ::fork();
    if (child == 0) {
        auto series = Series::open(folder_ / "h", 4, true);
        series->add("a", start, 42);
        ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    auto reader = Series::open(folder_ / "h", 4, false);
    ASSERT_TRUE(reader);
    ASSERT_EQ(reader->read("a", 0, start).size(), 1U);
    auto writer = Series::open(folder_ / "h", 4, true);
    ASSERT_TRUE(writer);
    for (const char* name : {"b", "c", "d"}) {
        EXPECT_TRUE(writer->add(name, start, 1));
    }
    EXPECT_FALSE(writer->add("e", start, 1)) << "full";
    EXPECT_FALSE(writer->add(std::string(200, 'x'), start, 1));
    EXPECT_EQ(reader->read("d", 0, start).size(), 1U) << "a reader sees names that came later";
    EXPECT_EQ(reader->names(), (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST_F(SeriesFile, ADamagedFileIsMadeAnew) {
    std::ofstream(folder_ / "h") << "nonsense";
    EXPECT_FALSE(Series::open(folder_ / "h", 4, false));
    auto series = Series::open(folder_ / "h", 4, true);
    ASSERT_TRUE(series);
    EXPECT_TRUE(series->names().empty());
    EXPECT_TRUE(series->add("a", start, 1));
}

TEST(Overview, ShowsEachOnlyWhatPoliciesPermit) {
    const auto topology = sample();
    RegionFacts own;
    own.region = "eu-a";
    own.at_ms = 100'000;
    own.figures = {{"sessions", 5}};
    own.resources = {node("n1", 1)};
    PeerFacts uk{topology::RegionIndex(1)};
    uk.reachable = true;
    uk.facts = RegionFacts{};
    uk.facts->region = "uk-a";
    uk.facts->at_ms = 99'000;
    uk.facts->figures = {{"sessions", 9}};
    uk.facts->resources = {node("n2", 2, "uk-a", "uk")};
    uk.facts->alarms = {json::object{{"name", "lag"}, {"jurisdiction", "uk"}}};
    const std::string text = overview(topology, topology::RegionIndex(0), own, {&uk, 1});
    const auto all = permitted(text, [](std::string_view) { return true; });
    EXPECT_EQ(all.at("resources").as_array().size(), 2U);
    EXPECT_EQ(all.at("alarms").as_array().size(), 1U);
    const auto some = permitted(text, [](std::string_view home) { return home == "eu"; });
    EXPECT_EQ(some.at("resources").as_array().size(), 1U);
    EXPECT_TRUE(some.at("alarms").as_array().empty());
    EXPECT_EQ(json::serialize(some).find("n2"), std::string::npos);
    EXPECT_TRUE(some.at("regions").at(1).at("figures").at("sessions").is_null());
    EXPECT_TRUE(some.at("jurisdictions").at(1).as_object().contains("hidden"));
    EXPECT_TRUE(permitted("nonsense", [](std::string_view) { return true; }).empty());
}

TEST(Overview, WhoIsSilentIsUnknownAndSomebodyWatchesEachRegion) {
    const auto topology = sample();
    RegionFacts own;
    own.region = "eu-a";
    own.at_ms = 1'000'000;
    PeerFacts uk{topology::RegionIndex(1)};
    uk.facts = RegionFacts{};
    uk.facts->region = "uk-a";
    uk.facts->at_ms = own.at_ms - silent_ms - 1;
    const auto all = permitted(overview(topology, topology::RegionIndex(0), own, {&uk, 1}),
                               [](std::string_view) { return true; });
    EXPECT_EQ(all.at("regions").at(1).at("state").as_string(), "unknown");
    EXPECT_EQ(all.at("regions").at(0).at("state").as_string(), "ok");
    for (std::uint16_t i = 0; i < topology.regions.size(); ++i) {
        EXPECT_NE(watcher_of(topology, topology::RegionIndex(i)).value, i);
    }
    const auto regions = regions_as_resources(topology, topology::RegionIndex(0), {&uk, 1}, 0, own.at_ms);
    EXPECT_DOUBLE_EQ(*regions.at(0).fact("silent_s"), 15.001);
    EXPECT_EQ(regions.at(0).jurisdiction, "eu");
}

TEST(Mail, HasItsHeadersAndNoOthers) {
    const topology::Channel channel{
        "m", topology::Channel::Kind::mail, "smtp://127.0.0.1:25", {"a@x", "b@y"}, "d@z"};
    const auto message = mail(channel, "one\r\nBcc: evil@x", "first\nsecond", 0);
    EXPECT_TRUE(
        message.starts_with("Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nFrom: d@z\r\nTo: a@x, b@y\r\n"
                            "Subject: one  Bcc: evil@x\r\n"));
    EXPECT_TRUE(message.ends_with("\r\n\r\nfirst\r\nsecond\r\n"));
    EXPECT_EQ(message.find("\r\nBcc"), std::string::npos);
}

}  // namespace
}  // namespace domicile::ops
