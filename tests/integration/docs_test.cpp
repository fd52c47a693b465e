// Runs what the docs show. Every ```console block of README.md and docs/*.md is executed against a fleet of
// its own: lines that begin with "$ " are commands, the lines after them the expected output, in which "…"
// stands for anything (a line of its own: for any lines). The sample's ports are exchanged for free ones on
// the way in and back on the way out.

#include "support/temp_fleet.hpp"

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

namespace domicile {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view anything = "…";

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        lines.push_back(line);
    }
    return lines;
}

bool line_matches(std::string_view pattern, std::string_view line) {
    const auto at = pattern.find(anything);
    if (at == std::string_view::npos) {
        return pattern == line;
    }
    if (!line.starts_with(pattern.substr(0, at))) {
        return false;
    }
    const std::string_view rest = pattern.substr(at + anything.size());
    for (std::size_t from = at; from <= line.size(); ++from) {
        if (line_matches(rest, line.substr(from))) {
            return true;
        }
    }
    return false;
}

bool matches(std::span<const std::string> pattern, std::span<const std::string> lines) {
    if (pattern.empty()) {
        return lines.empty();
    }
    if (pattern.front() == anything) {
        for (std::size_t skip = 0; skip <= lines.size(); ++skip) {
            if (matches(pattern.subspan(1), lines.subspan(skip))) {
                return true;
            }
        }
        return false;
    }
    return !lines.empty() && line_matches(pattern.front(), lines.front()) &&
           matches(pattern.subspan(1), lines.subspan(1));
}

struct Example {
    std::size_t line = 0;
    std::string command;
    std::vector<std::string> expected;
};

std::vector<Example> examples_of(const std::string& page) {
    std::vector<Example> examples;
    bool inside = false;
    std::size_t number = 0;
    for (const std::string& line : lines_of(page)) {
        ++number;
        if (line == "```console") {
            inside = true;
        } else if (line == "```") {
            inside = false;
        } else if (inside && line.starts_with("$ ")) {
            examples.push_back({number, line.substr(2), {}});
        } else if (inside && !examples.empty()) {
            examples.back().expected.push_back(line);
        }
    }
    return examples;
}

/// One shell for a page, so that an exported variable lives on; each command's output ends with a mark.
class Shell {
  public:
    Shell(const fs::path& folder, std::map<std::string, std::string> ports)
        : folder_(folder), ports_(std::move(ports)) {}

    std::string run(std::string command) {
        for (const auto& [shown, real] : ports_) {
            replace(command, shown, real);
        }
        history_ += command.starts_with("export ") ? command + "\n" : "";
        std::ofstream(folder_ / "step.sh")
            << "cd '" << folder_.string() << "'\nexport PATH='" << folder_.string() << "/bin':$PATH\n"
            << history_ << command << "\n";
        std::string text;
        FILE* pipe = ::popen(("bash '" + (folder_ / "step.sh").string() + "' 2>&1").c_str(), "r");
        char piece[4096];
        for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) {
            text.append(piece, got);
        }
        ::pclose(pipe);
        for (const auto& [shown, real] : ports_) {
            replace(text, real, shown);
        }
        return text;
    }

  private:
    static void replace(std::string& text, const std::string& from, const std::string& to) {
        for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
            text.replace(at, from.size(), to);
        }
    }
    fs::path folder_;
    std::map<std::string, std::string> ports_;
    std::string history_;
};

TEST(Docs, EveryExampleDoesWhatThePageSays) {
    const fs::path source = DOMICILE_SOURCE_DIR;
    std::string pattern = (fs::temp_directory_path() / "domicile-docs.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    const fs::path folder = pattern;
    fs::permissions(folder, fs::perms(0755));
    fs::create_directories(folder / "examples");
    fs::create_directories(folder / "bin");
    fs::copy(source / "examples", folder / "examples", fs::copy_options::recursive);
    const fs::path binary = DOMICILE_BINARY;
    fs::create_symlink(binary, folder / "bin/domicile");
    for (const char* checker : {"domicile-audit-verify", "domicile-certificate-verify"}) {
        fs::create_symlink(binary.parent_path() / checker, folder / "bin" / checker);
    }

    // 8101… and 7101… for the doors, 7500… for the nodes. Five digits, so none is part of another number of a
    // page.
    std::map<std::string, std::string> ports;
    const auto first = test_support::free_port_block(32);
    for (int i = 0; i < 5; ++i) {
        ports["127.0.0.1:" + std::to_string(8101 + i)] = "127.0.0.1:" + std::to_string(first + i);
        ports["127.0.0.1:" + std::to_string(7101 + i)] = "127.0.0.1:" + std::to_string(first + 5 + i);
        ports["127.0.0.1:" + std::to_string(7901 + i)] = "127.0.0.1:" + std::to_string(first + 21 + i);
    }
    for (int i = 0; i < 11; ++i) {
        ports["127.0.0.1:" + std::to_string(7500 + i)] = "127.0.0.1:" + std::to_string(first + 10 + i);
    }
    std::string topology = read_file(source / "examples/retail/domicile.toml");
    for (const auto& [shown, real] : ports) {
        for (std::size_t at = 0; (at = topology.find(shown, at)) != std::string::npos; at += real.size()) {
            topology.replace(at, shown.size(), real);
        }
    }
    topology.replace(topology.find("first_port = 7500"), 17, "first_port = " + std::to_string(first + 10));
    topology.replace(topology.find("first_port = 7910"), 17,
                     "first_port = " + std::to_string(test_support::free_port_block(55)));
    std::ofstream(folder / "examples/retail/domicile.toml") << topology;
    ports["-p 7500"] = "-p " + std::to_string(first + 10);

    {
        Shell shell(folder, ports);
        const std::string up = shell.run("domicile up -t examples/retail/domicile.toml --detach && echo UP");
        ASSERT_TRUE(up.ends_with("UP\n")) << up;
        const std::string loaded = shell.run(
            "domicile load examples/retail/load.toml -t examples/retail/domicile.toml && echo LOADED");
        EXPECT_TRUE(loaded.ends_with("LOADED\n")) << loaded;
    }
    std::vector<fs::path> pages = {source / "README.md"};
    for (const auto& entry : fs::directory_iterator(source / "docs")) {
        if (entry.path().extension() == ".md") {
            pages.push_back(entry.path());
        }
    }
    // The README and the tour see the sample as it was loaded; the other pages may change it.
    const auto rank = [](const fs::path& page) {
        const auto name = page.filename();
        return std::pair(name == "README.md" ? 0 : name == "tour.md" ? 1 : 2, page);
    };
    std::ranges::sort(pages, {}, rank);
    std::size_t count = 0;
    for (const fs::path& page : pages) {
        Shell shell(folder, ports);
        for (const Example& example : examples_of(read_file(page))) {
            const std::string output = shell.run(example.command);
            EXPECT_TRUE(matches(example.expected, lines_of(output)))
                << page.filename().string() << ":" << example.line << ": " << example.command << "\ngave\n"
                << output;
            ++count;
        }
    }
    EXPECT_GE(count, 20U);
    Shell shell(folder, ports);
    EXPECT_TRUE(shell.run("domicile down -t examples/retail/domicile.toml >/dev/null && echo DOWN")
                    .ends_with("DOWN\n"));
    EXPECT_NE(shell.run("domicile reset --yes -t examples/retail/domicile.toml").find("Deleted"),
              std::string::npos);
    fs::remove_all(folder);
}

}  // namespace
}  // namespace domicile
