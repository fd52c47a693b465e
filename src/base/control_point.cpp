#include "base/control_point.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>

namespace domicile::base {
namespace {

struct Fate {
    const char* file = std::getenv("DOMICILE_DIE_AT");
    std::string name;
    std::atomic<long> left{0};
    Fate() {
        long count = 0;
        if (file != nullptr && std::ifstream(file) >> name >> count) {
            left = count;
        } else {
            name.clear();
        }
    }
};

}  // namespace

void control_point(std::string_view name) noexcept {
    static Fate fate;
    if (!fate.name.empty() && fate.name == name && --fate.left == 0 && ::unlink(fate.file) == 0) {
        ::kill(::getpid(), SIGKILL);
    }
}

}  // namespace domicile::base
