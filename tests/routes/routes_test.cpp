// Runs tests/routes/*.test: a statement, then "-> shards access" or "-> refused rule", at the European
// gateway of the sample. Each statement is also routed a second time, from the plan cache.

#include "routing/statement.hpp"
#include "session/prepared.hpp"
#include "sql/analyser.hpp"
#include "topology/parse.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace domicile {
namespace {

struct Route {
    std::string file, statement, expected;
    int line = 0;
};

std::vector<Route> all_routes() {
    std::vector<Route> routes;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(DOMICILE_SOURCE_DIR "/tests/routes")) {
        if (entry.path().extension() == ".test") {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    for (const auto& path : files) {
        std::ifstream in(path);
        Route route;
        int number = 0;
        for (std::string line; std::getline(in, line);) {
            ++number;
            if (line.starts_with("# ") || line.empty()) {
                continue;
            }
            if (!line.starts_with("-> ")) {
                route.statement += (route.statement.empty() ? "" : "\n") + line;
                route.line = number;
                continue;
            }
            route.file = path.filename();
            route.expected = line.substr(3);
            routes.push_back(route);
            route = {};
        }
    }
    return routes;
}

TEST(Routes, AreWhatTheFilesSay) {
    std::ifstream file(DOMICILE_SOURCE_DIR "/examples/retail/domicile.toml");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto parsed = topology::parse(text);
    ASSERT_TRUE(parsed.ok());
    const auto& topology = parsed.topology;
    const auto map = topology::RangeMap::of(topology);
    const auto own = *topology.jurisdiction("eu");
    sql::Analyser analyser(topology);
    const auto routes = all_routes();
    EXPECT_GT(routes.size(), 60U);
    for (const Route& route : routes) {
        for (int round = 0; round < 2; ++round) {
            const auto analysed = analyser.analyse(route.statement);
            ASSERT_TRUE(analysed) << route.statement << ": " << analysed.error().text;
            const sql::Statement& one = analysed->front();
            const session::LiteralConstants constants(one.text, one.literals);
            const auto routed = routing::admit(*one.facts, constants, routing::Session{},
                                               routing::Principal{own}, routing::Place{topology, map, own});
            std::string actual;
            if (!routed) {
                actual = "refused " + routed.error().error.rule;
            } else {
                std::vector<std::string> shards = {topology.at(routed->plan.shard()).name};
                for (const auto& plan : routed->more) {
                    shards.push_back(topology.at(plan.shard()).name);
                }
                std::ranges::sort(shards);
                for (const auto& shard : shards) {
                    actual += (actual.empty() ? "" : "+") + shard;
                }
                if (routed->kind == routing::Route::Kind::any) {
                    actual = "any";
                }
                actual += routed->plan.access() == routing::Access::reader ? " reader" : " writer";
            }
            EXPECT_EQ(actual, route.expected)
                << route.file << ":" << route.line << (round == 1 ? " (cached)" : "") << "\n"
                << route.statement;
        }
    }
    EXPECT_GT(analyser.stats().hits, 40U);
}

}  // namespace
}  // namespace domicile
