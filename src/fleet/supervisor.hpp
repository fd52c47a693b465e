#pragma once
// The life of one `domicile up`: take over what lives, start the rest, keep all of it alive, stop it in
// order.

#include "base/error.hpp"
#include "fleet/unit.hpp"

#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace domicile::fleet {

class Supervisor {
  public:
    /// `topology_changed`: living gateways serve an older topology and are replaced.
    Supervisor(const Context& context, bool topology_changed);

    /// Returns when everything has stopped. An error if it could not come up; what was started then is
    /// stopped again, what was adopted stays.
    [[nodiscard]] base::Status run();

  private:
    [[nodiscard]] base::Status come_up();
    [[nodiscard]] base::Status adopt();
    [[nodiscard]] base::Status check_ports() const;
    [[nodiscard]] base::Status start_servers(UnitKind kind);
    [[nodiscard]] base::Status wait_gateway(Unit& unit) const;
    void note_up();
    void tend(Unit& unit);
    void restart(Unit& unit);
    void schedule(Unit& unit);
    [[nodiscard]] bool serves(const Unit& unit) const;
    void mend_readers(const std::stop_token& stop);
    void mend_reader(Unit& unit);

    const Context& context_;
    bool topology_changed_;
    Units units_;
};

/// Stops processes whose pid files name no part of the topology any more. Tells which.
void stop_strangers(const Context& context, const Units& units);

}  // namespace domicile::fleet
