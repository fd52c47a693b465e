// `domicile url`: how to reach the SQL door of a region, ready for psql and every driver.

#include "app/commands.hpp"
#include "app/common.hpp"
#include "fleet/secrets.hpp"

#include <iostream>

namespace domicile::app {

int url(const Common& common, const UrlOptions& options) {
    const auto topology = read_topology(common.topology);
    if (!topology) {
        return 1;
    }
    const auto region = options.region.empty()
                            ? std::optional(topology->writer_region(base::JurisdictionIndex{0}))
                            : topology->region(options.region);
    if (!region) {
        std::string names;
        for (const auto& one : topology->regions) {
            names += " " + one.name;
        }
        return failed({base::Code::configuration,
                       "There is no region " + options.region + ".",
                       "Name one with --region:" + names,
                       {},
                       {}});
    }
    const auto& at = topology->at(*region);
    const auto& jurisdiction = topology->at(at.jurisdiction).name;
    const auto state = fleet_options(common, *topology).state;
    const auto password =
        fleet::Secrets(*topology, fleet::StateDir(state)).text(jurisdiction, "login/" + options.login);
    if (!password) {
        return failed({base::Code::configuration,
                       "There is no login " + options.login + " in " + jurisdiction + ".",
                       "app and operator are, once `domicile up` has run; only its user may read passwords.",
                       {},
                       {}});
    }
    std::cout << "postgresql://" << options.login << ":" << password->reveal() << "@" << at.sql.host << ":"
              << at.sql.port << "/" << topology->database.name << '\n';
    return 0;
}

}  // namespace domicile::app
