#pragma once
// Collects findings, and the few words they are made of. Private to this room.

#include "topology/document.hpp"
#include "topology/parse.hpp"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::topology {

class Report {
  public:
    void add(Place place, std::string what, std::string mend);
    /// In the order of the file, at most `findings_max`; the last one counts those left out.
    [[nodiscard]] std::vector<Finding> take();

  private:
    std::vector<Finding> findings_;
    std::size_t dropped_ = 0;
};

/// `text` in backticks, shortened and without control characters: a finding goes to a terminal.
[[nodiscard]] std::string quoted(std::string_view text);
[[nodiscard]] std::string printable(std::string_view text);

/// "a, b, c"; long lists are cut.
[[nodiscard]] std::string listed(const std::vector<std::string_view>& names);

/// The one of `names` that `name` is probably a misspelling of, or empty.
[[nodiscard]] std::string_view closest(std::string_view name, const std::vector<std::string_view>& names);

/// "did you mean `x`?" if one of `names` is close to `name`, else `otherwise`.
[[nodiscard]] std::string suggest(std::string_view name, const std::vector<std::string_view>& names,
                                  std::string otherwise);

}  // namespace domicile::topology
