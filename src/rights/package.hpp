#pragma once
// How a person's package reads (GDPR Art. 15 and 20): its manifest, its CSV (RFC 4180), its page. Pure.

#include "privacy/live_schema.hpp"
#include "rights/archive.hpp"
#include "topology/topology.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::rights {

/// A row's texts in the columns' order, as PostgreSQL writes them.
using Texts = std::vector<std::optional<std::string>>;

/// One line with its end. NULL is nothing between the commas, an empty text is `""`.
void append_csv(std::string& out, const Texts& row);

struct PackagedTable {
    const topology::Table* table = nullptr;
    const privacy::LiveTable* live = nullptr;
    std::uint64_t rows = 0;
};

struct PackageFacts {
    std::string system, jurisdiction, shard;
    std::int64_t user_id = 0;
    std::int64_t request = 0;
    std::string made_at;   ///< RFC 3339
    std::string position;  ///< timeline and write-ahead log position of what was read
    std::vector<PackagedTable> tables;
    std::vector<std::string> recipients;
};

/// JSON: what is inside, each file with its hash; of each column where it comes from, what class it is.
[[nodiscard]] std::string manifest_of(const PackageFacts& facts, const std::vector<ArchivedFile>& files);

/// The page a person can read: HTML without script or anything from elsewhere.
class PackagePage {
  public:
    explicit PackagePage(const PackageFacts& facts);
    /// Its rows follow; only the first two hundred are shown, the files have all.
    void table(const PackagedTable& table);
    void row(const Texts& row);
    [[nodiscard]] std::string finish(const std::vector<ArchivedFile>& files);

  private:
    std::string out_;
    std::size_t shown_ = 0;
    std::uint64_t left_ = 0;
    void end_table();
    bool in_table_ = false;
};

/// "provided", "observed", "inferred": as declared; of other columns "provided" by nobody can be said: "".
[[nodiscard]] std::string_view origin_of(const topology::Table& table, std::string_view column);

}  // namespace domicile::rights
