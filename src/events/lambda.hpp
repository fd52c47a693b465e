#pragma once
// The consumer as a Lambda function behind an SQS trigger: AWS polls the queue and hands over an event; we
// say which of its messages have to come again (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS",
// partial batch responses; "Building a custom runtime").

#include "base/error.hpp"
#include "events/consumer.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace domicile::events {

/// The answer to one event: {"batchItemFailures": [{"itemIdentifier": "…"}]}. After the first message of a
/// group that cannot be applied now, the rest of its group is given back, too: a FIFO queue keeps its order.
/// A body that can never be applied is given back as well, until the queue sets it aside. invalid_value: not
/// an SQS event.
[[nodiscard]] base::Result<std::string> answer_event(
    std::string_view event, const std::function<base::Result<Applied>(std::string_view body)>& apply);

/// Asks the Lambda Runtime API at `host_and_port` for events until it says it is over, or nobody answers
/// there. `stop` is asked between two events.
[[nodiscard]] base::Status serve_lambda(
    const std::string& host_and_port,
    const std::function<base::Result<std::string>(std::string_view event)>& handle,
    const std::function<bool()>& stop);

}  // namespace domicile::events
