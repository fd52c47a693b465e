#pragma once
// The access log of a region: one line of JSON for each decision about data, chained by hashes, so that no
// line can be changed, left out or put in between without notice. It holds no personal data: a person is a
// pseudonym, which only whoever holds the jurisdiction's key can make from a user id (GDPR Art. 4(5)).

#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/secret.hpp"
#include "crypto/hash.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace domicile::access {

/// One decision. Views are read during append() only.
struct Entry {
    std::string_view door;                ///< "sql", "http", "mesh"
    std::string_view who;                 ///< a login's name, or the pseudonym of a token's
    std::string_view role;                ///< roles, joined by blanks
    std::string_view from;                ///< the principal's jurisdiction
    std::optional<base::UserId> subject;  ///< written as its pseudonym
    std::string_view action;              ///< "data:Select", "login", …
    std::string_view what;                ///< tables or other resources, joined by blanks
    bool allowed = false;
    std::string_view rule;  ///< which rule refused; empty if allowed
    std::string_view by;    ///< policy statements that decided
};

/// The pseudonym of a user or a name under the jurisdiction's key: 128 bits of HMAC-SHA-256 in hexadecimal.
[[nodiscard]] std::string pseudonym(const base::Secret<std::string>& key, std::string_view what);

class AccessLog {
  public:
    /// Appends to the newest file of `folder`, or begins the first. configuration if it cannot be written;
    /// precondition_failed if its last line does not fit its chain.
    [[nodiscard]] static base::Result<std::unique_ptr<AccessLog>> open(const std::filesystem::path& folder,
                                                                       std::string_view region,
                                                                       base::Secret<std::string> key);
    ~AccessLog();
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    /// Thread-safe. Waits only when the disk is far behind.
    void append(const Entry& entry);
    /// False once a line could not be written: from then on nothing may be served that must be logged.
    [[nodiscard]] bool healthy() const noexcept { return healthy_.load(std::memory_order_acquire); }
    /// Until everything appended so far is in the file.
    void flush();

    /// The latest refusals after number `seen`, oldest first, as JSON objects {at, region, door, rule,
    /// subject, count}; `seen` moves on. Kept in memory only, a few hundred.
    [[nodiscard]] std::vector<std::string> refusals(std::uint64_t& seen) const;

    [[nodiscard]] std::string pseudonym_of(std::string_view what) const { return pseudonym(key_, what); }

  private:
    AccessLog(std::filesystem::path folder, std::string region, base::Secret<std::string> key);
    void write();
    bool roll();

    std::filesystem::path folder_;
    std::string region_;
    base::Secret<std::string> key_;
    int fd_ = -1;
    std::uint64_t number_ = 0;  ///< of the last line
    std::uint64_t bytes_ = 0;   ///< in the file
    crypto::Digest chain_{};
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable written_;
    std::vector<std::string> queue_;
    std::uint64_t queued_ = 0;
    std::deque<std::string> refused_;  ///< the latest
    std::uint64_t refusals_ = 0;       ///< all
    std::uint64_t done_ = 0;
    bool stop_ = false;
    std::atomic<bool> healthy_{true};
    std::thread writer_;
};

/// What a check of a folder's files finds.
struct LogCheck {
    std::uint64_t lines = 0;
    std::string head;    ///< hash of the last line: keep it elsewhere, and a cut-off tail shows, too
    std::string broken;  ///< "file:line: what is wrong"; empty if the chain holds
};
[[nodiscard]] base::Result<LogCheck> check_log(const std::filesystem::path& folder);

}  // namespace domicile::access
