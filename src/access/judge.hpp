#pragma once
// May this caller do that here? Policies and the residency rule together, for both doors. Immutable after it
// is made, so threads share one.

#include "access/access_log.hpp"
#include "iam/policy_set.hpp"
#include "iam/principal.hpp"
#include "routing/residency.hpp"
#include "routing/statement.hpp"
#include "sql/facts.hpp"
#include "topology/topology.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::access {

/// Who is connected, and how.
struct Caller {
    iam::Principal principal;
    std::string address;  ///< of the client, as text
    bool secure = false;  ///< TLS
    std::string door;     ///< "sql", "http"

    /// Callers with equal texts get equal answers.
    [[nodiscard]] std::string profile() const {
        std::string text;
        append_profile(text);
        return text;
    }
    void append_profile(std::string& text) const;
};

/// One thing to be permitted.
struct Wanted {
    std::string action;
    std::string table;
    std::vector<std::string> columns;   ///< touched, as far as known
    std::vector<std::string> personal;  ///< read
};
/// What a statement wants. A superset where its text leaves a doubt: a function that may read anything wants
/// the personal columns of every table.
[[nodiscard]] std::vector<Wanted> wanted_by(const sql::Facts& facts, const topology::Topology& topology);

/// What has been decided about one caller and one statement, before its values are known.
class Permit {
  public:
    /// Whether no value can change it.
    [[nodiscard]] bool decided() const noexcept { return open_.empty(); }
    /// REQUIRES: decided(). Nothing if it is permitted.
    [[nodiscard]] const std::optional<routing::Refusal>& refusal() const noexcept { return refusal_; }
    [[nodiscard]] bool by_transfer() const noexcept { return by_transfer_; }

  private:
    friend class Judge;
    struct Open {
        Wanted wanted;
        iam::Residual residual;
    };
    std::optional<routing::Refusal> refusal_;
    std::vector<Open> open_;
    std::string_view basis_;
    bool by_transfer_ = false;
};

class Judge {
  public:
    /// `log` may be null. REQUIRES: topology, policies and log outlive it.
    Judge(const topology::Topology& topology, topology::RegionIndex region,
          std::shared_ptr<const iam::PolicySet> policies, AccessLog* log);

    /// Decides as far as it can; the decision is written to the access log.
    [[nodiscard]] Permit judge(const Caller& caller, std::span<const Wanted> wanted,
                               const routing::Place& place) const;
    /// The rest, once it is known whether only the caller's own subject is meant. Refusals are logged.
    [[nodiscard]] std::optional<routing::Refusal> decide(const Permit& permit, const Caller& caller,
                                                         bool subject_match) const;
    /// Why a statement is permitted, for EXPLAIN (ROUTE): action, table, and the statements of policies that
    /// decide, or what it still depends on. Nothing is logged: nothing is done.
    [[nodiscard]] std::string reasons(const Caller& caller, std::span<const Wanted> wanted,
                                      const routing::Place& place) const;
    /// Anything but data, such as "ops:Read" on a resource of this jurisdiction. Logged.
    [[nodiscard]] base::Status permits(const Caller& caller, std::string_view action,
                                       std::string_view resource, bool subject_match = false) const;
    /// A login, good or refused.
    void note_login(const Caller& caller, bool good, std::string_view rule) const;
    /// A refusal by the residency rule or the range map, which the judge does not ask. Others are left out:
    /// its own are logged already, and the rest is not about who may do what.
    void note_refusal(const Caller& caller, std::string_view rule) const;
    /// False if the log cannot be written any more: then nothing is served.
    [[nodiscard]] bool healthy() const noexcept { return log_ == nullptr || log_->healthy(); }
    [[nodiscard]] const iam::PolicySet& policies() const noexcept { return *policies_; }

  private:
    struct Keys;  // of a request, and what its views stand on
    void log(const Caller& caller, std::string_view action, std::string_view what, bool allowed,
             std::string_view rule, std::string_view by) const;

    const topology::Topology& topology_;
    const topology::Region& region_;
    const std::string& jurisdiction_;
    std::shared_ptr<const iam::PolicySet> policies_;
    AccessLog* log_;
};

}  // namespace domicile::access
