#pragma once
// From text to facts. A tokenizer turns constants into slots and hashes the shape; a bounded cache answers;
// on a miss PostgreSQL's own grammar (libpg_query) parses once. One Analyser per long-lived thread.

#include "base/error.hpp"
#include "sql/facts.hpp"
#include "sql/tokenizer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace domicile::sql {

/// One statement of a script.
struct Statement {
    std::shared_ptr<const Facts> facts;
    std::string_view text;              ///< without the semicolon; views the analysed text
    std::span<const Literal> literals;  ///< of this statement; offsets count from the start of `text`
};

class Analyser {
  public:
    /// `topology` outlives the analyser. At most `shapes_max` shapes are remembered.
    explicit Analyser(const topology::Topology& topology, std::size_t shapes_max = 4'096);
    ~Analyser();
    Analyser(const Analyser&) = delete;
    Analyser& operator=(const Analyser&) = delete;

    /// The statements of a script, one entry (Kind::empty) if it holds none. The span and its literals are
    /// valid until the next call; facts live as long as they are held. `standard_strings` is the session's
    /// standard_conforming_strings. Errors: syntax (SQLSTATE 42601, as PostgreSQL words it), and statements
    /// too large or too deep to be judged (54000, 54001).
    [[nodiscard]] base::Result<std::span<const Statement>> analyse(std::string_view text,
                                                                   bool standard_strings = true);

    /// Replaces what is known of the tables' columns.
    void know(KeyPlaces places);

    struct Stats {
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
        std::uint64_t uncached = 0;
    };
    [[nodiscard]] const Stats& stats() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace domicile::sql
