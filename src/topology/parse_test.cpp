#include "topology/parse.hpp"

#include "topology/test_file.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace domicile::topology {
namespace {

using testing::all;
using testing::base;
using testing::replaced;
using testing::sample;

TEST(Parse, AcceptsTheBaseFile) {
    const Parsed parsed = parse(base);
    ASSERT_TRUE(parsed.ok()) << all(parsed);
    const Topology& t = parsed.topology;
    EXPECT_EQ(t.database.name, "shop");
    EXPECT_EQ(t.database.migrations, "schema");
    EXPECT_EQ(t.jurisdictions[0].law, "GDPR");
    EXPECT_EQ(t.limits.body_bytes_max, 2'048U);
    EXPECT_EQ(t.limits.page_rows_max, Limits{}.page_rows_max);
    EXPECT_TRUE(t.embedded.durable);
    EXPECT_EQ(t.embedded.listen, "127.0.0.1");
    ASSERT_EQ(t.embedded.settings.size(), 1U);
    EXPECT_EQ(t.embedded.settings[0], (std::pair<std::string, std::string>("shared_buffers", "64MB")));

    ASSERT_EQ(t.shards.size(), 2U);
    EXPECT_TRUE(t.shards[0].open);
    EXPECT_FALSE(t.shards[1].open);
    EXPECT_EQ(t.shards[0].ranges, (std::vector<KeyRange>{{0, 100}, {200, 300}}));
    EXPECT_EQ(t.shards[0].readers, std::vector{*t.region("eu-b")});
    EXPECT_EQ(t.shards[1].jurisdiction, *t.jurisdiction("uk"));
    EXPECT_EQ(t.shards[1].nodes, (std::vector{NodeIndex(2), NodeIndex(3)}));

    std::vector<std::string> nodes;
    for (const Node& node : t.nodes) {
        nodes.push_back(node.name + " " + node.address.host + ":" + std::to_string(node.address.port) + " " +
                        t.at(node.region).name + (node.embedded ? " embedded" : "") +
                        (node.writer ? " writer" : ""));
    }
    EXPECT_EQ(nodes,
              (std::vector<std::string>{
                  "eu-1.eu-a.w 127.0.0.1:7500 eu-a embedded writer",
                  "eu-1.eu-b.r1 127.0.0.1:7501 eu-b embedded", "uk-1.10.0.0.1:5432 10.0.0.1:5432 uk-a",
                  "uk-1.10.0.0.2:5432 10.0.0.2:5432 uk-a", "central 127.0.0.1:7502 eu-b embedded writer"}));
    ASSERT_TRUE(t.central.has_value());
    EXPECT_EQ(t.central->node, NodeIndex(4));
    EXPECT_EQ(t.at(t.central->node).shard, ShardIndex(2));
    EXPECT_EQ(t.jurisdiction_of(NodeIndex(3)), *t.jurisdiction("uk"));

    EXPECT_FALSE(t.other_tables);
    ASSERT_EQ(t.tables.size(), 4U);
    EXPECT_EQ(t.tables[0].name, "people");
    EXPECT_EQ(t.tables[2].kind, TableKind::reference);
    EXPECT_EQ(t.tables[3].kind, TableKind::single);
    EXPECT_EQ(t.tables[3].shard, ShardIndex(0));
    EXPECT_EQ(t.table("orders")->personal[0].erasure, Erasure::shred);
    EXPECT_EQ(t.table("orders")->audited, std::vector{RowEvent::inserted});
    EXPECT_EQ(t.table("nothing"), nullptr);
    EXPECT_EQ(t.person_table().country, "country");
    EXPECT_EQ(t.writer_region(*t.jurisdiction("uk")), *t.region("uk-a"));
    ASSERT_EQ(t.transfers.size(), 1U);
    EXPECT_EQ(t.transfers[0].to, *t.jurisdiction("uk"));
    EXPECT_EQ(t.transfers[0].actions, std::vector<std::string>{"data:Select"});
}

TEST(Parse, AcceptsTheSample) {
    const Parsed parsed = parse(sample());
    ASSERT_TRUE(parsed.ok()) << all(parsed);
    const Topology& t = parsed.topology;
    EXPECT_EQ(t.name, "retail");
    ASSERT_EQ(t.jurisdictions.size(), 3U);
    EXPECT_EQ(t.jurisdictions[0].countries.size(), 31U);
    EXPECT_EQ(t.regions.size(), 5U);
    EXPECT_EQ(t.regions[4].name, "us-west-2");
    EXPECT_EQ(t.regions[4].http, (Address{"127.0.0.1", 8105}));
    EXPECT_EQ(t.shards.size(), 5U);
    ASSERT_EQ(t.nodes.size(), 11U);
    EXPECT_EQ(t.nodes[1].name, "eu-1.eu-central-1.r1");
    EXPECT_EQ(t.nodes[10].name, "central");
    EXPECT_EQ(t.nodes[10].address, (Address{"127.0.0.1", 7510}));
    EXPECT_EQ(t.person_table().name, "users");
    EXPECT_EQ(t.person_table().personal.size(), 2U);
    EXPECT_EQ(t.statistics[0].sums, (std::vector<std::string>{"total", "lines"}));
}

TEST(Parse, KnowsTheHomeOfACountry) {
    const Topology t = parse(sample()).topology;
    EXPECT_EQ(t.home_of_country("NO"), t.jurisdiction("eu"));
    EXPECT_EQ(t.home_of_country("no"), t.jurisdiction("eu"));
    EXPECT_EQ(t.home_of_country("US"), t.jurisdiction("us"));
    EXPECT_EQ(t.home_of_country("JP"), t.jurisdiction("uk"));
    EXPECT_EQ(t.home_of_country(""), std::nullopt);
    EXPECT_EQ(t.home_of_country("Unspecified"), std::nullopt);
    EXPECT_EQ(t.home_of_country("??"), std::nullopt);
    const Topology strict = parse(replaced(base, "rest_of_world = true\n", "")).topology;
    EXPECT_EQ(strict.home_of_country("JP"), std::nullopt);
}

TEST(Parse, KeepsTheOrderOfTheFile) {
    // The TOML library sorts by key; "z" is declared first and must stay index 0.
    std::string text = replaced(base, "[shards.eu-1]",
                                "[shards.zz]\nranges = [[500, 600]]\nwriter = \"uk-a\"\n[shards.eu-1]");
    text = replaced(text, "[tables.people]", "[tables.zz]\nreference = true\n[tables.people]");
    const Parsed parsed = parse(text);
    ASSERT_TRUE(parsed.ok()) << all(parsed);
    EXPECT_EQ(parsed.topology.shards[0].name, "zz");
    EXPECT_EQ(parsed.topology.tables[0].name, "zz");
    EXPECT_EQ(parsed.topology.nodes[0].name, "zz.uk-a.w");
}

TEST(Parse, TakesWhatTomlAllows) {
    const std::pair<std::string_view, std::string_view> edits[] = {
        {"law = \"GDPR\"", "law = \"Größe → ok\" # Straße"},
        {"law = \"GDPR\"", "'law' = '''\nit's \"here\"'''"},
        {"law = \"GDPR\"", "law = \"\"\"\n[not.a.section.at.all.]\n...\"\"\""},
        {"[central]", "  [ central ] # here"},
        {"[central]", "[\"central\"]\r"},
        {"[[transfers]]", "[[ 'transfers' ]]"},
        {"name = \"shop\"\n[d", "\xEF\xBB\xBFname = \"shop\"\n[d"},
        {", [200, 300]]", ", # [\n [0xC8, 0b100101100],\n]"},
    };
    for (const auto& [cut, paste] : edits) {
        const Parsed parsed = parse(replaced(base, cut, paste));
        EXPECT_TRUE(parsed.ok()) << paste << "\n" << all(parsed);
    }
}

TEST(Parse, ReportsTheMistakeBeforeWhatFollowsFromIt) {
    // The open list swallows the rest of the file, which is then one statement of very many dots.
    std::string text = "a = [\n";
    for (int i = 0; i < 100; ++i) {
        text += "b.c = 1\n";
    }
    const Parsed parsed = parse(text);
    ASSERT_EQ(parsed.findings.size(), 1U);
    EXPECT_EQ(parsed.findings[0].line, 2U) << all(parsed);
}

TEST(Parse, TakesSettingsInEveryForm) {
    const Parsed parsed = parse(replaced(
        base, "settings = { shared_buffers = \"64MB\" }",
        "settings = { b_text = \"x\", a_number = 7, on_flag = true, ext.max = -1, \"other.min\" = false }"));
    ASSERT_TRUE(parsed.ok()) << all(parsed);
    EXPECT_EQ(
        parsed.topology.embedded.settings,
        (std::vector<std::pair<std::string, std::string>>{
            {"b_text", "x"}, {"a_number", "7"}, {"on_flag", "on"}, {"ext.max", "-1"}, {"other.min", "off"}}));
}

TEST(Parse, NeedsNoEmbeddedSectionForListedServersOnly) {
    std::string text =
        replaced(base, "readers = [\"eu-b\"]", "nodes = [\"db.example.org:5432\", \"[::1]:5432\"]");
    text = replaced(text, "[central]\nregion = \"eu-b\"\n[embedded]\nfirst_port = 7500\n", "[embedded]\n");
    const Parsed parsed = parse(text);
    ASSERT_TRUE(parsed.ok()) << all(parsed);
    EXPECT_EQ(parsed.topology.nodes[1].address, (Address{"::1", 5432}));
    EXPECT_EQ(parsed.topology.nodes[1].name, "eu-1.[::1]:5432");
    EXPECT_FALSE(parsed.topology.central);
}

/// The edit, and line and part of `what` of each finding in order.
struct Several {
    std::string_view cut;
    std::string_view paste;
    std::vector<std::pair<std::uint32_t, std::string_view>> findings;
};

TEST(Parse, FindsAllDefectsAtOnceAndNoConsequences) {
    const Several cases[] = {
        // One wide range over two others.
        {"[0, 100]", "[0, 1_001]", {{26, "[200, 300) of `eu-1`"}, {30, "[1000, 1100) of `uk-1`"}}},
        {"[jurisdictions.uk]",
         "[jurisdictions.\"U S\"]\n[jurisdictions.uk]",
         {{8, "`U S` has no region"}, {8, "malformed jurisdiction name `U S`"}}},
        // Both doors and an embedded node on the ports of others.
        {"first_port = 7500",
         "first_port = 8101",
         {{37, "`central` takes `127.0.0.1:8103`"},
          {37, "`eu-1.eu-a.w` takes `127.0.0.1:8101`, which `http` in [regions.eu-a] has already (line 14)"},
          {37, "`eu-1.eu-b.r1` takes `127.0.0.1:8102`"}}},
        // Another loopback address is another port space.
        {"first_port = 7500", "first_port = 7100\nlisten = \"127.0.0.2\"", {}},
        // A broken name is one finding; what hangs on it stays silent.
        {"writer = \"eu-a\"", "writer = 1", {{27, "must be text in quotes"}}},
        {"jurisdiction = \"eu\"\nwriter", "jurisdiction = \"e\"\nwriter", {{12, "unknown jurisdiction `e`"}}},
        {"writer = true", "writer = 1", {{13, "must be true or false"}}},
        {"person = true", "person = 1", {{41, "must be true or false"}}},
        {"[tables.orders]\nkey = \"person_id\"", "[tables.orders]", {{44, "table `orders` has no user key"}}},
        {"[tables.people]\nkey = \"id\"",
         "[tables.people]\nreference = true",
         {{41, "the person table `people` is not sharded"}, {43, "whose rows belong to nobody"}}},
        {"[tables.jobs]\nshard = \"eu-1\"", "[tables]\njobs = 1", {{51, "[tables.jobs] must be a table"}}},
    };
    for (const Several& several : cases) {
        const Parsed parsed = parse(replaced(base, several.cut, several.paste));
        ASSERT_EQ(parsed.findings.size(), several.findings.size()) << several.paste << "\n" << all(parsed);
        for (std::size_t i = 0; i < several.findings.size(); ++i) {
            EXPECT_EQ(parsed.findings[i].line, several.findings[i].first) << all(parsed);
            EXPECT_NE(parsed.findings[i].what.find(several.findings[i].second), std::string::npos)
                << all(parsed);
        }
    }
}

TEST(Parse, FindsDefectsOfManySectionsInTheOrderOfTheFile) {
    std::string text(base);
    const std::pair<std::string_view, std::string_view> edits[] = {
        {"countries = [\"GB\"]", "countries = [\"DE\"]"},
        {"127.0.0.1:8102", "10.0.0.1:8102"},
        {"[200, 300]", "[300, 200]"},
        {"erase = \"shred\"", "erase = \"burn\""},
        {"basis = \"adequacy\"", "basis = \"trust\""},
        {"body_bytes_max", "body_bytes"},
    };
    for (const auto& [cut, paste] : edits) {
        text = replaced(text, cut, paste);
    }
    const Parsed parsed = parse(text);
    std::vector<std::uint32_t> lines;
    for (const Finding& finding : parsed.findings) {
        lines.push_back(finding.line);
    }
    EXPECT_EQ(lines, (std::vector<std::uint32_t>{9, 18, 26, 46, 59, 63})) << all(parsed);
}

TEST(Parse, NamesEveryMissingSection) {
    const Parsed parsed = parse("");
    ASSERT_EQ(parsed.findings.size(), 6U) << all(parsed);
    for (const Finding& finding : parsed.findings) {
        EXPECT_EQ(finding.line, 1U);
        EXPECT_NE(finding.what.find("the file lacks"), std::string::npos);
    }
    EXPECT_EQ(
        all(parse("name = \"x\"\n[database]\nname = \"x\"\nmigrations = \"m\"\n[jurisdictions]\n[regions]\n"
                  "[shards]\n[tables]\n")),
        "t.toml:5:2: [jurisdictions] is empty\n    mend: add a section [jurisdictions.NAME], or remove it\n"
        "t.toml:6:2: [regions] is empty\n    mend: add a section [regions.NAME], or remove it\n"
        "t.toml:7:2: [shards] is empty\n    mend: add a section [shards.NAME], or remove it\n"
        "t.toml:8:2: [tables] is empty\n    mend: add a section [tables.NAME], or remove it\n");
}

TEST(Parse, IsBounded) {
    EXPECT_EQ(all(parse(std::string(topology_bytes_max + 1, '#'))),
              "t.toml: the file is larger than 4 MiB\n    mend: split the system, or shorten the file\n");

    std::string many(base);
    for (int i = 0; i < 1'000; ++i) {
        many += "wrong" + std::to_string(i) + " = 1\n";
    }
    const Parsed parsed = parse(many);
    ASSERT_EQ(parsed.findings.size(), findings_max);
    EXPECT_EQ(parsed.findings.back().what, "801 more findings from here on are not shown");
    EXPECT_EQ(parsed.findings.back().line, 63U + 200U);

    std::string shards(base);
    for (std::size_t i = 0; i < shards_max; ++i) {
        const std::string from = std::to_string(10'000 + i * 10);
        shards += "[shards.s" + std::to_string(i) + "]\nwriter = \"eu-a\"\nranges = [[" + from + ", " +
                  std::to_string(10'010 + i * 10) + "]]\nnodes = [\"10.0.0.9:" + std::to_string(1 + i) +
                  "\"]\n";
    }
    EXPECT_NE(all(parse(shards)).find("more than 4096 shards"), std::string::npos);

    std::string ranges = "[1_000, 1_100]";
    for (std::size_t i = 0; i < ranges_max; ++i) {
        ranges += ", [" + std::to_string(2'000 + i) + ", " + std::to_string(2'001 + i) + "]";
    }
    EXPECT_NE(all(parse(replaced(base, "[1_000, 1_100]", ranges))).find("more than 65536 ranges"),
              std::string::npos);

    std::string readers;
    for (std::size_t i = 0; i < nodes_max; ++i) {
        readers += "\"eu-b\", ";
    }
    EXPECT_NE(
        all(parse(replaced(base, "readers = [", "readers = [" + readers))).find("more than 16384 nodes"),
        std::string::npos);
}

TEST(Parse, SurvivesDeepNesting) {
    for (const std::size_t depth : {60U, 100U, 300U, 10'000U, 1'000'000U}) {
        std::string dotted = "a";
        std::string header = "[a";
        std::string spaced = "a";
        std::string quotes = "\"a\"";
        for (std::size_t i = 0; i < depth; ++i) {
            dotted += ".a";
            header += ".a";
            spaced += " . a";
            quotes += ".\"\".''";
        }
        const std::string texts[] = {
            dotted + " = 1",
            header + "]\n" + dotted + " = 1\n",
            spaced + " = 1",
            quotes + " = 1",
            "a = " + std::string(depth, '['),
            "a = " + std::string(depth, '[') + std::string(depth, ']'),
            "a = {" + dotted + " = [\n{" + dotted + " = [\n{" + dotted + "= 1}]}]}",
            // Strings that a careless scan would take to go on.
            "b = \"\"\"x\"\"\"\"\"\n" + dotted + " = 1",
            "b = '''x'''''\n" + dotted + " = 1",
            "b = 'x\\'\n" + dotted + " = 1",
            "b = \"\\\"\" # \"\n" + dotted + " = 1",
        };
        for (const std::string& text : texts) {
            if (text.size() <= topology_bytes_max) {
                EXPECT_FALSE(parse(text).ok());
            }
        }
    }
}

TEST(Parse, KeepsFindingsShortAndFreeOfControlCharacters) {
    for (const Finding& finding : parse("\"\\u001b[31m\\u0007\" = 1\n").findings) {
        EXPECT_EQ(finding.what.find('\x1b'), std::string::npos);
    }
    const std::string word(5'000, 'x');
    EXPECT_LT(all(parse(replaced(base, "writer = \"uk-a\"", "writer = \"" + word + "\""))).size(), 300U);
}

TEST(Render, NamesFilePlaceAndMend) {
    EXPECT_EQ(render({41, 10, "ranges overlap", "let one end"}, "a/b.toml"),
              "a/b.toml:41:10: ranges overlap\n    mend: let one end");
    EXPECT_EQ(render({0, 0, "too large", ""}, "a/b.toml"), "a/b.toml: too large");
}

TEST(Parse, GivesTablesThatItDoesNotNameToOneShard) {
    const auto parsed =
        parse(replaced(base, "[tables.currencies]", "[tables.\"*\"]\nshard = \"uk-1\"\n[tables.currencies]"));
    ASSERT_TRUE(parsed.ok()) << all(parsed);
    EXPECT_EQ(parsed.topology.tables.size(), 4U) << "it is no table by itself";
    ASSERT_TRUE(parsed.topology.other_tables);
    EXPECT_EQ(parsed.topology.other_tables->shard, parsed.topology.shard("uk-1"));
    EXPECT_EQ(parsed.topology.other_tables->kind, TableKind::single);
    EXPECT_EQ(parsed.topology.statistics[0].table, "orders") << "and moves no other";
}

}  // namespace
}  // namespace domicile::topology
