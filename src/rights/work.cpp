#include "rights/work.hpp"

#include "crypto/hash.hpp"
#include "crypto/random.hpp"

#include <ctime>
#include <thread>

namespace domicile::rights {

using namespace std::chrono_literals;

std::string random_hex(std::size_t bytes) {
    std::string raw(bytes, '\0');
    crypto::random_bytes({reinterpret_cast<unsigned char*>(raw.data()), raw.size()});
    return crypto::hex(raw);
}

std::string day_in(std::uint32_t days) {
    const std::time_t then = std::time(nullptr) + static_cast<std::time_t>(days) * 86'400;
    std::tm parts{};
    ::gmtime_r(&then, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

Readers wait_for_readers(base::Result<pool::MaintenanceClient> monitor, const std::string& position) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    for (;;) {
        const auto found = monitor ? ask(*monitor,
                                         // One that is away holds a slot: it may come back, and serve.
                                         "SELECT coalesce(r.application_name, s.slot_name), "
                                         "coalesce(r.replay_lsn >= $1::pg_lsn, false) FROM (SELECT * FROM "
                                         "pg_replication_slots WHERE slot_type = 'physical') AS s FULL JOIN "
                                         "pg_stat_replication AS r ON r.pid = s.active_pid ORDER BY 1",
                                         {position})
                                   : base::Result<pool::ResultSet>(std::unexpected(monitor.error()));
        if (!found) {
            return {{}, {"all: their positions are not known"}};
        }
        Readers readers;
        for (const auto& row : found->rows) {
            (row.at(1) == "t" ? readers.there : readers.not_there).push_back(row.at(0).value_or(""));
        }
        if (readers.not_there.empty() || std::chrono::steady_clock::now() > deadline) {
            return readers;
        }
        std::this_thread::sleep_for(20ms);
    }
}

}  // namespace domicile::rights
