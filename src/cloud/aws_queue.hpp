#pragma once
// An SQS FIFO queue, with a dead-letter queue beside it (Amazon SQS API Reference, JSON protocol). Batches of
// ten and of a mebibyte, long polling.

#include "cloud/aws_call.hpp"
#include "cloud/queue.hpp"

#include <boost/json/fwd.hpp>

namespace domicile::cloud {

class AwsQueue final : public Queue {
  public:
    /// `name` without ".fifo": the queues are NAME.fifo and NAME-dead.fifo.
    AwsQueue(AwsAccess access, std::string region, std::string name)
        : service_(std::move(access), std::move(region), "sqs", "AmazonSQS", "1.0"), name_(std::move(name)) {}

    /// Makes both queues if they are not there: what infrastructure code does in an account.
    [[nodiscard]] base::Status create();

    base::Status send(std::span<const Outgoing> messages) override;
    base::Result<std::vector<Message>> receive(std::size_t most, std::chrono::seconds visibility,
                                               std::chrono::seconds wait) override;
    base::Status remove(std::span<const Message> messages) override;
    base::Status hide(const Message& message, std::chrono::seconds time) override;
    base::Result<QueueDepth> depth() override;
    base::Result<std::uint64_t> redrive() override;

  private:
    base::Result<std::string> url(bool dead);
    base::Status send_some(const std::string& url, std::span<const Outgoing> messages);
    base::Result<std::vector<Message>> receive_from(const std::string& url, std::size_t most,
                                                    std::chrono::seconds visibility,
                                                    std::chrono::seconds wait,
                                                    std::vector<std::string>* deduplications);
    AwsService service_;
    std::string name_;
    std::string urls_[2];
};

}  // namespace domicile::cloud
