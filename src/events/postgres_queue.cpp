#include "events/postgres_queue.hpp"

#include <charconv>
#include <thread>

namespace domicile::events {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_wait = 20s;
constexpr auto poll_interval = 100ms;

template <class Number>
Number number(const std::optional<std::string>& text) {
    Number value{};
    if (text) {
        std::from_chars(text->data(), text->data() + text->size(), value);
    }
    return value;
}

std::string seconds(std::chrono::seconds time) {
    return std::to_string(time.count()) + " seconds";
}

}  // namespace

base::Result<pool::ResultSet> PostgresQueue::run(std::string_view statement, const Parameters& parameters) {
    if (!client_) {
        auto opened = connect_();
        if (!opened) {
            return std::unexpected(std::move(opened.error()));
        }
        client_ = std::move(*opened);
    }
    auto done = client_->run(statement, parameters, answer_wait);
    if (!done && (done.error().code == base::Code::node_unavailable ||
                  done.error().code == base::Code::node_timeout)) {
        client_.reset();
    }
    return done;
}

base::Status PostgresQueue::send(std::span<const cloud::Outgoing> messages) {
    for (const auto& message : messages) {
        if (message.body.empty() || message.body.size() > cloud::queue_body_bytes_max) {
            return base::fail(base::Code::invalid_value,
                              "A message of the queue is empty, or longer than 1 MiB.");
        }
        if (const auto sent = run("SELECT domicile.queue_send($1, $2, $3, $4)",
                                  {name_, message.group, message.deduplication, message.body});
            !sent) {
            return std::unexpected(sent.error());
        }
    }
    return {};
}

base::Result<std::vector<cloud::Message>> PostgresQueue::receive(std::size_t most,
                                                                 std::chrono::seconds visibility,
                                                                 std::chrono::seconds wait) {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    for (;;) {
        const auto found =
            run("SELECT id, message_group, body, receipt, received FROM domicile.queue_receive($1, "
                "$2::integer, $3::interval, $4::integer) ORDER BY id",
                {name_, std::to_string(std::min(most, cloud::queue_batch_max)), seconds(visibility),
                 std::to_string(cloud::queue_receives_max)});
        if (!found) {
            return std::unexpected(found.error());
        }
        std::vector<cloud::Message> messages;
        for (const auto& row : found->rows) {
            messages.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or(""),
                                row[3].value_or(""), number<int>(row[4])});
        }
        if (!messages.empty() || std::chrono::steady_clock::now() >= deadline) {
            return messages;
        }
        std::this_thread::sleep_for(poll_interval);
    }
}

base::Status PostgresQueue::remove(std::span<const cloud::Message> messages) {
    for (const auto& message : messages) {
        if (const auto done =
                run("DELETE FROM domicile.queue WHERE id = $1::bigint AND receipt = $2 AND NOT dead",
                    {message.id, message.receipt});
            !done) {
            return std::unexpected(done.error());
        }
    }
    return {};
}

base::Status PostgresQueue::hide(const cloud::Message& message, std::chrono::seconds time) {
    const auto done =
        run("UPDATE domicile.queue SET visible_at = clock_timestamp() + $3::interval WHERE id = "
            "$1::bigint AND receipt = $2 AND NOT dead",
            {message.id, message.receipt, seconds(time)});
    return done ? base::Status() : std::unexpected(done.error());
}

base::Result<cloud::QueueDepth> PostgresQueue::depth() {
    const auto counted =
        run("SELECT count(*) FILTER (WHERE NOT dead AND visible_at <= clock_timestamp()), count(*) FILTER "
            "(WHERE NOT dead AND visible_at > clock_timestamp()), count(*) FILTER (WHERE dead) FROM "
            "domicile.queue WHERE queue = $1",
            {name_});
    if (!counted) {
        return std::unexpected(counted.error());
    }
    const auto& row = counted->rows.at(0);
    return cloud::QueueDepth{number<std::uint64_t>(row[0]), number<std::uint64_t>(row[1]),
                             number<std::uint64_t>(row[2])};
}

base::Result<std::uint64_t> PostgresQueue::redrive() {
    // A batch that its relay has sent again meanwhile stands in the queue already: the dead copy just goes.
    const auto done =
        run("WITH again AS (DELETE FROM domicile.queue WHERE queue = $1 AND dead RETURNING *), sent AS ("
            "SELECT domicile.queue_send(queue, message_group, deduplication, body) FROM again ORDER BY id) "
            "SELECT count(*) FROM sent",
            {name_});
    return done ? base::Result<std::uint64_t>(number<std::uint64_t>(done->rows.at(0)[0]))
                : std::unexpected(done.error());
}

}  // namespace domicile::events
