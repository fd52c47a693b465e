#pragma once
// Runs a command of a test's fleet, as an operator would.

#include "support/temp_fleet.hpp"

#include <cstdio>
#include <string>
#include <sys/wait.h>
#include <utility>

namespace domicile::test_support {

/// Exit status, and both outputs.
[[nodiscard]] inline std::pair<int, std::string> run_command(const std::string& command) {
    std::string text;
    FILE* pipe = ::popen(("{ " + command + "\n} 2>&1").c_str(), "r");
    char piece[4096];
    for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) {
        text.append(piece, got);
    }
    return {WEXITSTATUS(::pclose(pipe)), text};
}

/// `words` of the program under test, for this fleet.
[[nodiscard]] inline std::pair<int, std::string> run_domicile(const TempFleet& fleet,
                                                              const std::string& words) {
    return run_command("'" + fleet.options().self.string() + "' " + words + " -t '" +
                       fleet.options().topology_file.string() + "' --state '" +
                       fleet.options().state.string() + "'");
}

}  // namespace domicile::test_support
