// Generated files: valid ones are accepted, each with one mutation of a known kind is found, and no bytes at
// all make the parser crash.

#include "topology/parse.hpp"
#include "topology/range_map.hpp"
#include "topology/test_file.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace domicile::topology {
namespace {

constexpr std::uint64_t seed = 20'250'311;

using Random = std::mt19937_64;
using Lines = std::vector<std::string>;

struct Section {
    std::string header;
    Lines lines;
};

/// A file as sections, so that a mutation can aim.
struct File {
    std::vector<Section> sections;
    std::size_t shards = 0;
    std::size_t ranges = 0;

    Section& add(std::string header, Lines lines) {
        return sections.emplace_back(Section{std::move(header), std::move(lines)});
    }
    [[nodiscard]] std::string text() const {
        std::string text;
        for (const Section& section : sections) {
            text += section.header + "\n";
            for (const std::string& line : section.lines) {
                text += line + "\n";
            }
        }
        return text;
    }
};

std::size_t below(Random& random, std::size_t bound) {
    return static_cast<std::size_t>(random() % bound);
}

File generated(Random& random) {
    File file;
    file.add("name = \"generated\"", {});
    file.add("[database]", {"name = \"app\"", "migrations = \"schema\""});
    std::size_t port = 2'000;
    std::int64_t id = static_cast<std::int64_t>(below(random, 100));
    const std::size_t jurisdictions = 2 + below(random, 3);
    for (std::size_t j = 0; j < jurisdictions; ++j) {
        const std::string name = "j" + std::to_string(j);
        file.add("[jurisdictions." + name + "]",
                 {"countries = [\"" + std::string{'A', static_cast<char>('A' + j)} + "\"]",
                  std::string("rest_of_world = ") + (j == 0 ? "true" : "false")});
        const std::size_t regions = 1 + below(random, 3);
        for (std::size_t r = 0; r < regions; ++r) {
            Section& region = file.add(
                "[regions." + name + "-r" + std::to_string(r) + "]",
                {"jurisdiction = \"" + name + "\"", "http = \"127.0.0.1:" + std::to_string(port) + "\"",
                 "sql = \"127.0.0.1:" + std::to_string(port + 1) + "\""});
            port += 2;
            if (r == 0) {
                region.lines.emplace_back("writer = true");
            }
        }
        const std::size_t shards = 1 + below(random, 4);
        for (std::size_t s = 0; s < shards; ++s) {
            std::string ranges;
            const std::size_t count = 1 + below(random, 3);
            for (std::size_t i = 0; i < count; ++i) {
                const auto from = id + static_cast<std::int64_t>(below(random, 2) * below(random, 1'000));
                id = from + 2 + static_cast<std::int64_t>(below(random, 100'000));
                ranges = ranges + (i == 0 ? "" : ", ") + "[" + std::to_string(from) + ", " +
                         std::to_string(id) + "]";
            }
            Section& shard = file.add("[shards." + name + "-s" + std::to_string(s) + "]",
                                      {"ranges = [" + ranges + "]", "writer = \"" + name + "-r0\""});
            if (below(random, 3) == 0) {
                shard.lines.push_back("nodes = [\"10.0.0.1:" + std::to_string(port++) + "\"]");
            } else {
                shard.lines.push_back("readers = [\"" + name + "-r" + std::to_string(below(random, regions)) +
                                      "\"]");
            }
            ++file.shards;
            file.ranges += count;
        }
    }
    file.add("[embedded]", {"first_port = 7500", "durable = false"});
    file.add("[central]", {"region = \"j0-r0\""});
    file.add("[tables.people]", {"key = \"id\"", "person = true", "personal.email = { erase = \"null\" }"});
    file.add("[tables.orders]", {"key = \"owner\"", "audit = [\"insert\", \"update\"]"});
    file.add("[tables.words]", {"reference = true"});
    file.add("[statistics.sales]", {"table = \"orders\"", "by = [\"country\"]"});
    file.add("[[transfers]]", {"from = \"j0\"", "to = \"j1\"", "basis = \"consent\"",
                               "actions = [\"data:Select\"]", "tables = [\"orders\"]"});
    file.add("[limits]", {"page_rows_max = 100"});
    return file;
}

/// A section whose header begins so; any of them.
Section& one_of(File& file, Random& random, std::string_view header) {
    std::vector<Section*> found;
    for (Section& section : file.sections) {
        if (section.header.starts_with(header)) {
            found.push_back(&section);
        }
    }
    return *found.at(below(random, found.size()));
}

void set(Section& section, std::string_view key, const std::string& value) {
    std::erase_if(section.lines,
                  [&](const std::string& line) { return line.starts_with(std::string(key) + " ="); });
    section.lines.push_back(std::string(key) + " = " + value);
}

struct Mutation {
    std::string_view name;
    std::function<void(File&, Random&)> apply;
    std::string_view what;  // part of one of the findings
};

const std::vector<Mutation>& mutations() {
    static const std::vector<Mutation> kinds{
        {"unknown key",
         [](File& f, Random& r) {
             f.sections[1 + below(r, f.sections.size() - 1)].lines.emplace_back("odd = 1");
         },
         "unknown key `odd`"},
        {"two shards with one range",
         [](File& f, Random& r) {
             Section& shard = one_of(f, r, "[shards.");
             f.add("[shards.twin]", {shard.lines[0], "writer = \"j1-r0\""});
         },
         "ranges overlap"},
        {"a range that holds all others",
         [](File& f, Random&) {
             f.add("[shards.all]", {"ranges = [[0, 9_223_372_036_854_775_807]]", "writer = \"j0-r0\""});
         },
         "ranges overlap"},
        {"reversed range", [](File& f, Random& r) { set(one_of(f, r, "[shards."), "ranges", "[[9, 3]]"); },
         "reversed range"},
        {"empty range", [](File& f, Random& r) { set(one_of(f, r, "[shards."), "ranges", "[[9, 9]]"); },
         "empty range"},
        {"negative bound", [](File& f, Random& r) { set(one_of(f, r, "[shards."), "ranges", "[[-9, 9]]"); },
         "negative bound"},
        {"bound that is no integer",
         [](File& f, Random& r) { set(one_of(f, r, "[shards."), "ranges", "[[0, 9.5]]"); },
         "must be an integer"},
        {"writer nowhere", [](File& f, Random& r) { set(one_of(f, r, "[shards."), "writer", "\"nowhere\""); },
         "unknown region `nowhere`"},
        {"reader abroad",
         [](File& f, Random& r) {
             Section& shard = one_of(f, r, "[shards.j0");
             std::erase_if(shard.lines, [](const std::string& line) { return line.starts_with("nodes"); });
             set(shard, "readers", "[\"j1-r0\"]");
         },
         "would stand abroad"},
        {"node abroad",
         [](File& f, Random& r) {
             Section& shard = one_of(f, r, "[shards.j0");
             std::erase_if(shard.lines, [](const std::string& line) { return line.starts_with("readers"); });
             set(shard, "nodes", "[{ address = \"h:1\", region = \"j1-r0\" }]");
         },
         "would stand abroad"},
        {"region without law",
         [](File& f, Random& r) { set(one_of(f, r, "[regions."), "jurisdiction", "\"none\""); },
         "unknown jurisdiction `none`"},
        {"no writer region",
         [](File& f, Random& r) { set(one_of(f, r, "[regions.j1-r0]"), "writer", "false"); },
         "has no writer region"},
        {"two writer regions",
         [](File& f, Random&) {
             f.add("[regions.extra]", {"jurisdiction = \"j0\"", "writer = true", "http = \"127.0.0.1:9001\"",
                                       "sql = \"127.0.0.1:9002\""});
         },
         "has two writer regions"},
        {"jurisdiction without region", [](File& f, Random&) { f.add("[jurisdictions.empty]", {}); },
         "has no region"},
        {"country twice", [](File& f, Random&) { f.add("[jurisdictions.thief]", {"countries = [\"AA\"]"}); },
         "country `AA` is listed by `thief`"},
        {"the world twice",
         [](File& f, Random& r) { set(one_of(f, r, "[jurisdictions.j1]"), "rest_of_world", "true"); },
         "claims the rest of the world"},
        {"port twice",
         [](File& f, Random& r) { set(one_of(f, r, "[regions.j1-r0]"), "http", "\"127.0.0.1:2000\""); },
         "takes `127.0.0.1:2000`"},
        {"embedded port on a door",
         [](File& f, Random& r) { set(one_of(f, r, "[embedded]"), "first_port", "2000"); },
         "takes `127.0.0.1:2000`"},
        {"open door", [](File& f, Random& r) { set(one_of(f, r, "[regions."), "sql", "\"192.0.2.1:99\""); },
         "without a certificate"},
        {"no key",
         [](File& f, Random& r) {
             one_of(f, r, "[tables.orders]").lines.erase(one_of(f, r, "[tables.orders]").lines.begin());
         },
         "has no user key"},
        {"two people", [](File& f, Random& r) { set(one_of(f, r, "[tables.orders]"), "person", "true"); },
         "two person tables"},
        {"no people", [](File& f, Random& r) { set(one_of(f, r, "[tables.people]"), "person", "false"); },
         "no table holds the people"},
        {"no erasure rule",
         [](File& f, Random& r) { set(one_of(f, r, "[tables.people]"), "personal.email", "{}"); },
         "lacks `erase`"},
        {"personal word",
         [](File& f, Random& r) {
             set(one_of(f, r, "[tables.words]"), "personal.x", "{ erase = \"null\" }");
         },
         "belong to nobody"},
        {"figure of a person",
         [](File& f, Random& r) { set(one_of(f, r, "[statistics."), "by", "[\"owner\"]"); },
         "groups by the user key"},
        {"figure of nothing",
         [](File& f, Random& r) { set(one_of(f, r, "[statistics."), "table", "\"none\""); },
         "unknown table `none`"},
        {"transfer home", [](File& f, Random& r) { set(one_of(f, r, "[[transfers]]"), "to", "\"j0\""); },
         "to itself"},
        {"transfer without basis",
         [](File& f, Random& r) { set(one_of(f, r, "[[transfers]]"), "basis", "\"none\""); },
         "unknown transfer basis"},
        {"no limit", [](File& f, Random& r) { set(one_of(f, r, "[limits]"), "page_rows_max", "0"); },
         "out of range"},
    };
    return kinds;
}

TEST(Generated, ValidFilesAreAccepted) {
    std::cout << "seed " << seed << '\n';
    Random random(seed);
    for (int round = 0; round < 500; ++round) {
        const File file = generated(random);
        const Parsed parsed = parse(file.text());
        ASSERT_TRUE(parsed.ok()) << testing::all(parsed) << file.text();
        const Topology& t = parsed.topology;
        ASSERT_EQ(t.shards.size(), file.shards);
        ASSERT_EQ(RangeMap::of(t).entries().size(), file.ranges);
        for (std::size_t n = 0; n < t.nodes.size(); ++n) {
            const Node& node = t.nodes[n];
            if (node.shard.value == t.shards.size()) {
                continue;
            }
            // No byte abroad begins here: every node of a shard stands in the shard's jurisdiction.
            ASSERT_EQ(t.jurisdiction_of(NodeIndex(static_cast<std::uint16_t>(n))),
                      t.at(node.shard).jurisdiction);
        }
        for (const Shard& shard : t.shards) {
            ASSERT_EQ(shard.writer, t.writer_region(shard.jurisdiction));
        }
    }
}

TEST(Generated, EveryKindOfMutationIsFound) {
    std::cout << "seed " << seed << '\n';
    Random random(seed);
    for (int round = 0; round < 40; ++round) {
        for (const Mutation& mutation : mutations()) {
            File file = generated(random);
            mutation.apply(file, random);
            const Parsed parsed = parse(file.text());
            ASSERT_NE(testing::all(parsed).find(mutation.what), std::string::npos)
                << mutation.name << "\n"
                << testing::all(parsed) << file.text();
            for (const Finding& finding : parsed.findings) {
                ASSERT_GT(finding.line, 0U) << finding.what;
                ASSERT_FALSE(finding.mend.empty()) << finding.what;
            }
        }
    }
}

TEST(Generated, TruncationsOfTheSampleDoNotCrash) {
    const std::string sample = testing::sample();
    for (std::size_t size = 0; size < sample.size(); ++size) {
        const Parsed parsed = parse(std::string_view(sample).substr(0, size));
        ASSERT_LE(parsed.findings.size(), findings_max);
    }
}

TEST(Generated, BrokenBytesDoNotCrash) {
    std::cout << "seed " << seed << '\n';
    Random random(seed);
    const std::string texts[] = {testing::sample(), std::string(testing::base)};
    constexpr std::string_view pieces[] = {"\"",        "'",    "\"\"\"",
                                           "'''",       "[",    "]",
                                           "{",         "}",    "=",
                                           ".",         ",",    "\n",
                                           "#",         "\\",   "\\u",
                                           "0x",        "1e9",  "true",
                                           "-",         "[[",   "]]",
                                           "inf",       "\0",   "\xEF\xBB\xBF",
                                           "\xFF",      "\xC3", "9223372036854775808",
                                           "1979-05-27"};
    for (int round = 0; round < 4'000; ++round) {
        std::string text = texts[below(random, 2)];
        for (std::size_t edit = 0; edit <= below(random, 4) && !text.empty(); ++edit) {
            const std::size_t at = below(random, text.size());
            switch (below(random, 5)) {
                case 0: text[at] = static_cast<char>(random()); break;
                case 1: text.erase(at, below(random, 40)); break;
                case 2: text.insert(at, pieces[below(random, std::size(pieces))]); break;
                case 3: text.insert(at, text.substr(below(random, text.size()), below(random, 60))); break;
                default: text = text.substr(0, at + 1); break;
            }
        }
        const Parsed parsed = parse(text);
        ASSERT_LE(parsed.findings.size(), findings_max);
    }
    for (int round = 0; round < 4'000; ++round) {
        std::string noise(below(random, 200), '\0');
        for (char& byte : noise) {
            const auto any = static_cast<char>(random());
            byte = round % 2 == 0 ? any : pieces[below(random, 20)][0];
        }
        ASSERT_FALSE(parse(noise).ok());
    }
}

}  // namespace
}  // namespace domicile::topology
