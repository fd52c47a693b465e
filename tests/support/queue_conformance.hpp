#pragma once
// What every driver of the queue must do.

#include "cloud/queue.hpp"

#include <functional>
#include <memory>

namespace domicile::test_support {

/// `make` gives an empty queue whose messages die after cloud::queue_receives_max receptions.
void queue_conformance(const std::function<std::unique_ptr<cloud::Queue>()>& make);

}  // namespace domicile::test_support
