#include "app/common.hpp"

#include "topology/parse.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>

namespace domicile::app {

base::Result<std::string> read_file(const std::filesystem::path& file, std::size_t bytes_max) {
    std::error_code ec;
    if (!std::filesystem::is_regular_file(file, ec)) {
        return base::fail(base::Code::configuration, "There is no file " + file.string() + ".",
                          "Name the topology with --topology FILE.");
    }
    std::ifstream in(file, std::ios::binary);
    std::string text;
    text.resize(bytes_max + 1);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad() || (!in.eof() && in.fail()) || !in.is_open()) {
        return base::fail(base::Code::configuration, "The file " + file.string() + " cannot be read.");
    }
    if (text.size() > bytes_max) {
        return base::fail(base::Code::configuration, "The file " + file.string() + " is larger than " +
                                                         std::to_string(bytes_max) + " bytes.");
    }
    return text;
}

std::optional<topology::Topology> read_topology(const std::filesystem::path& file) {
    const auto text = read_file(file, topology::topology_bytes_max);
    if (!text) {
        failed(text.error());
        return std::nullopt;
    }
    topology::Parsed parsed = topology::parse(*text);
    if (parsed.ok()) {
        return std::move(parsed.topology);
    }
    for (const topology::Finding& finding : parsed.findings) {
        std::cerr << topology::render(finding, file.string()) << '\n';
    }
    std::cerr << parsed.findings.size() << (parsed.findings.size() == 1 ? " finding" : " findings") << '\n';
    return std::nullopt;
}

base::Result<std::shared_ptr<const iam::PolicySet>> read_policies(const topology::Topology& topology,
                                                                  const std::filesystem::path& folder) {
    auto loaded = access::policies_of(topology, [&](const std::string& file) {
        auto text = read_file(folder / file, iam::policy_bytes_max + 1);
        if (!text) {
            text.error().hint =
                "The topology names it; the user who runs the gateways must be able to read it.";
        }
        return text;
    });
    if (!loaded.set) {
        return std::unexpected(access::first_error(loaded));
    }
    return std::move(loaded.set);
}

fleet::Options fleet_options(const Common& common, const topology::Topology& topology) {
    fleet::Options options;
    options.topology_file = std::filesystem::absolute(common.topology).lexically_normal();
    options.state = common.state.empty() ? fleet::default_state(topology, options.topology_file)
                                         : std::filesystem::absolute(common.state).lexically_normal();
    options.self = std::filesystem::read_symlink("/proc/self/exe");
    return options;
}

int failed(const base::Error& error) {
    std::cout.flush();
    std::cerr << "domicile: " << base::describe(error) << '\n';
    return 1;
}

}  // namespace domicile::app
