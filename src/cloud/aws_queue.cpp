#include "cloud/aws_queue.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>

namespace domicile::cloud {
namespace {

namespace json = boost::json;
using base::Code;

std::unexpected<base::Error> odd() {
    return base::fail(Code::protocol_violation, "The queue service gives something else than messages.");
}

std::string text_of(const json::object& body, std::string_view name) {
    const json::value* value = body.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

template <class Number>
Number number_of(const json::object& body, std::string_view name) {
    const std::string text = text_of(body, name);
    Number value{};
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// All of a batch, or an error: SQS answers 200 although some entries have failed.
base::Status all_done(const base::Result<json::object>& answer) {
    if (!answer) {
        return std::unexpected(answer.error());
    }
    const auto* failed = answer->if_contains("Failed");
    if (failed != nullptr && failed->is_array() && !failed->get_array().empty()) {
        const auto* first = failed->get_array()[0].if_object();
        return base::fail(Code::node_unavailable, "The queue service took a part of a batch only.", "",
                          first != nullptr ? text_of(*first, "Code") : std::string());
    }
    return {};
}

}  // namespace

base::Status AwsQueue::create() {
    const auto made = service_.run(
        "CreateQueue",
        {{"QueueName", name_ + "-dead.fifo"},
         {"Attributes", json::object{{"FifoQueue", "true"}, {"MessageRetentionPeriod", "1209600"}}}});
    if (!made) {
        return std::unexpected(made.error());
    }
    const auto known = service_.run("GetQueueAttributes", {{"QueueUrl", text_of(*made, "QueueUrl")},
                                                           {"AttributeNames", json::array{"QueueArn"}}});
    if (!known || known->if_contains("Attributes") == nullptr) {
        return known ? odd() : base::Status(std::unexpected(known.error()));
    }
    const std::string policy = json::serialize(
        json::object{{"deadLetterTargetArn", text_of(known->at("Attributes").as_object(), "QueueArn")},
                     {"maxReceiveCount", queue_receives_max}});
    const auto queue = service_.run(
        "CreateQueue",
        {{"QueueName", name_ + ".fifo"},
         {"Attributes", json::object{{"FifoQueue", "true"},
                                     {"MessageRetentionPeriod", "1209600"},
                                     {"MaximumMessageSize", std::to_string(queue_body_bytes_max)},
                                     {"RedrivePolicy", policy}}}});
    return queue ? base::Status() : std::unexpected(queue.error());
}

base::Result<std::string> AwsQueue::url(bool dead) {
    std::string& known = urls_[dead ? 1 : 0];
    if (known.empty()) {
        const auto found =
            service_.run("GetQueueUrl", {{"QueueName", name_ + (dead ? "-dead.fifo" : ".fifo")}});
        if (!found) {
            return std::unexpected(found.error());
        }
        known = text_of(*found, "QueueUrl");
    }
    return known;
}

base::Status AwsQueue::send(std::span<const Outgoing> messages) {
    const auto to = url(false);
    if (!to) {
        return std::unexpected(to.error());
    }
    for (const auto& message : messages) {
        if (message.body.empty() || message.body.size() > queue_body_bytes_max) {
            return base::fail(Code::invalid_value, "A message of the queue is empty, or longer than 1 MiB.");
        }
    }
    while (!messages.empty()) {
        std::size_t count = 0;
        for (std::size_t bytes = 0; count < std::min(messages.size(), queue_batch_max); ++count) {
            bytes += messages[count].body.size();
            if (bytes > queue_body_bytes_max) {
                break;
            }
        }
        if (auto sent = send_some(*to, messages.first(count)); !sent) {
            return sent;
        }
        messages = messages.subspan(count);
    }
    return {};
}

base::Status AwsQueue::send_some(const std::string& url, std::span<const Outgoing> messages) {
    json::array entries;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        entries.push_back({{"Id", std::to_string(i)},
                           {"MessageBody", messages[i].body},
                           {"MessageGroupId", messages[i].group},
                           {"MessageDeduplicationId", messages[i].deduplication}});
    }
    return all_done(service_.run("SendMessageBatch", {{"QueueUrl", url}, {"Entries", std::move(entries)}}));
}

base::Result<std::vector<Message>> AwsQueue::receive(std::size_t most, std::chrono::seconds visibility,
                                                     std::chrono::seconds wait) {
    const auto from = url(false);
    return from ? receive_from(*from, most, visibility, wait, nullptr) : std::unexpected(from.error());
}

base::Result<std::vector<Message>> AwsQueue::receive_from(const std::string& url, std::size_t most,
                                                          std::chrono::seconds visibility,
                                                          std::chrono::seconds wait,
                                                          std::vector<std::string>* deduplications) {
    constexpr std::int64_t wait_max = 20;  // SQS: the longest poll
    const auto answer =
        service_.run("ReceiveMessage", {{"QueueUrl", url},
                                        {"MaxNumberOfMessages", std::min(most, queue_batch_max)},
                                        {"VisibilityTimeout", visibility.count()},
                                        {"WaitTimeSeconds", std::min<std::int64_t>(wait.count(), wait_max)},
                                        {"AttributeNames", json::array{"All"}},
                                        {"MessageSystemAttributeNames", json::array{"All"}}});
    if (!answer) {
        return std::unexpected(answer.error());
    }
    std::vector<Message> messages;
    const auto* list = answer->if_contains("Messages");
    if (list == nullptr || list->is_null()) {
        return messages;
    }
    if (!list->is_array()) {
        return odd();
    }
    for (const auto& value : list->get_array()) {
        const auto* one = value.if_object();
        const auto* attributes = one != nullptr ? one->if_contains("Attributes") : nullptr;
        if (attributes == nullptr || !attributes->is_object()) {
            return odd();
        }
        const auto& known = attributes->get_object();
        messages.push_back({text_of(*one, "MessageId"), text_of(known, "MessageGroupId"),
                            text_of(*one, "Body"), text_of(*one, "ReceiptHandle"),
                            number_of<int>(known, "ApproximateReceiveCount")});
        if (deduplications != nullptr) {
            deduplications->push_back(text_of(known, "MessageDeduplicationId"));
        }
    }
    return messages;
}

base::Status AwsQueue::remove(std::span<const Message> messages) {
    const auto from = url(false);
    if (!from) {
        return std::unexpected(from.error());
    }
    while (!messages.empty()) {
        json::array entries;
        for (const auto& message : messages.first(std::min(messages.size(), queue_batch_max))) {
            entries.push_back({{"Id", std::to_string(entries.size())}, {"ReceiptHandle", message.receipt}});
        }
        messages = messages.subspan(entries.size());
        if (auto done = all_done(
                service_.run("DeleteMessageBatch", {{"QueueUrl", *from}, {"Entries", std::move(entries)}}));
            !done) {
            return done;
        }
    }
    return {};
}

base::Status AwsQueue::hide(const Message& message, std::chrono::seconds time) {
    const auto from = url(false);
    const auto done = from ? service_.run("ChangeMessageVisibility", {{"QueueUrl", *from},
                                                                      {"ReceiptHandle", message.receipt},
                                                                      {"VisibilityTimeout", time.count()}})
                           : std::unexpected(from.error());
    return done ? base::Status() : std::unexpected(done.error());
}

base::Result<QueueDepth> AwsQueue::depth() {
    QueueDepth depth;
    for (const bool dead : {false, true}) {
        const auto of = url(dead);
        const auto answer = of ? service_.run("GetQueueAttributes",
                                              {{"QueueUrl", *of}, {"AttributeNames", json::array{"All"}}})
                               : std::unexpected(of.error());
        if (!answer) {
            return std::unexpected(answer.error());
        }
        const auto* attributes = answer->if_contains("Attributes");
        if (attributes == nullptr || !attributes->is_object()) {
            return odd();
        }
        const auto waiting =
            number_of<std::uint64_t>(attributes->get_object(), "ApproximateNumberOfMessages");
        (dead ? depth.dead : depth.waiting) = waiting;
        if (!dead) {
            depth.in_flight =
                number_of<std::uint64_t>(attributes->get_object(), "ApproximateNumberOfMessagesNotVisible");
        }
    }
    return depth;
}

base::Result<std::uint64_t> AwsQueue::redrive() {
    const auto from = url(true);
    const auto to = url(false);
    if (!from || !to) {
        return std::unexpected(from ? to.error() : from.error());
    }
    std::uint64_t moved = 0;
    for (;;) {
        const auto dead =
            receive_from(*from, queue_batch_max, std::chrono::seconds{60}, std::chrono::seconds{0}, nullptr);
        if (!dead || dead->empty()) {
            return dead ? base::Result<std::uint64_t>(moved) : std::unexpected(dead.error());
        }
        for (const auto& message : *dead) {
            // A name of its own: the first one may still be remembered, and the message would be dropped.
            const Outgoing again{message.group, "again-" + message.id, message.body};
            if (auto sent = send_some(*to, {&again, 1}); !sent) {
                return std::unexpected(sent.error());
            }
            const auto gone =
                service_.run("DeleteMessage", {{"QueueUrl", *from}, {"ReceiptHandle", message.receipt}});
            if (!gone) {
                return std::unexpected(gone.error());
            }
            ++moved;
        }
    }
}

}  // namespace domicile::cloud
