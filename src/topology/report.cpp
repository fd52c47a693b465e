#include "topology/report.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

namespace domicile::topology {
namespace {

// A file of nothing but mistakes must not fill memory before the first ones are shown.
constexpr std::size_t kept_max = 4'096;
constexpr std::size_t quoted_bytes_max = 64;
constexpr std::size_t listed_max = 12;
constexpr std::size_t candidates_max = 256;

/// Optimal string alignment: insertions, deletions, changes, swaps of neighbours. REQUIRES: both <=
/// quoted_bytes_max.
std::size_t distance(std::string_view a, std::string_view b) {
    std::array<std::array<std::uint8_t, quoted_bytes_max + 1>, quoted_bytes_max + 1> cost;
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = static_cast<std::uint8_t>(i + j);
                continue;
            }
            int best = std::min(cost[i - 1][j], cost[i][j - 1]) + 1;
            best = std::min(best, cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                best = std::min(best, cost[i - 2][j - 2] + 1);
            }
            cost[i][j] = static_cast<std::uint8_t>(best);
        }
    }
    return cost[a.size()][b.size()];
}

}  // namespace

void Report::add(Place place, std::string what, std::string mend) {
    if (findings_.size() >= kept_max) {
        ++dropped_;
        return;
    }
    findings_.push_back({place.line, place.column, std::move(what), std::move(mend)});
}

std::vector<Finding> Report::take() {
    std::ranges::sort(findings_, {}, [](const Finding& f) { return std::tie(f.line, f.column, f.what); });
    if (findings_.size() + dropped_ > findings_max) {
        const std::size_t hidden = findings_.size() + dropped_ - (findings_max - 1);
        findings_.resize(findings_max);
        findings_.back().what = std::to_string(hidden) + " more findings from here on are not shown";
        findings_.back().mend = "mend the ones above first";
    }
    return std::exchange(findings_, {});
}

std::string printable(std::string_view text) {
    std::string clean(text);
    std::ranges::replace_if(
        clean, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
    return clean;
}

std::string quoted(std::string_view text) {
    if (text.size() <= quoted_bytes_max) {
        return "`" + printable(text) + "`";
    }
    std::size_t end = quoted_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return "`" + printable(text.substr(0, end)) + "…`";
}

std::string listed(const std::vector<std::string_view>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size() && i < listed_max; ++i) {
        text += (i == 0 ? "" : ", ") + printable(names[i].substr(0, quoted_bytes_max));
    }
    return names.size() > listed_max ? text + ", …" : text;
}

std::string_view closest(std::string_view name, const std::vector<std::string_view>& names) {
    if (name.size() < 2 || name.size() > quoted_bytes_max) {
        return {};
    }
    std::size_t best = 1 + std::clamp<std::size_t>(name.size() / 3, 1, 2);
    std::string_view close;
    for (const std::string_view candidate : std::span(names).first(std::min(names.size(), candidates_max))) {
        if (candidate.size() > quoted_bytes_max || candidate == name) {
            continue;
        }
        if (const std::size_t steps = distance(name, candidate); steps < best) {
            best = steps;
            close = candidate;
        }
    }
    return close;
}

std::string suggest(std::string_view name, const std::vector<std::string_view>& names,
                    std::string otherwise) {
    const std::string_view close = closest(name, names);
    return close.empty() ? otherwise : "did you mean " + quoted(close) + "?";
}

}  // namespace domicile::topology
