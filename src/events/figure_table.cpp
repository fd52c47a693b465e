#include "events/figure_table.hpp"

#include <algorithm>
#include <cstdlib>

#include <boost/json.hpp>

namespace domicile::events {
namespace {

namespace json = boost::json;

std::string names_of(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) {
        text += (text.empty() ? "" : ", ") + name;
    }
    return text;
}

/// "2011", "2011-03" or "2011-03-01".
bool is_time(std::string_view text) {
    constexpr std::string_view pattern = "dddd-dd-dd";
    if (text.size() != 4 && text.size() != 7 && text.size() != 10) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == 'd' ? !digit : text[i] != '-') {
            return false;
        }
    }
    return true;
}

bool within(const FigureQuery& query, const Dimension& time) {
    if (query.from.empty() && query.to.empty()) {
        return true;
    }
    if (!time) {
        return false;
    }
    // A bucket lies within a coarser bound if it begins like it; against a finer one its own beginning
    // counts.
    const auto compare = [&](const std::string& bound) {
        return std::string_view(*time)
            .substr(0, bound.size())
            .compare(std::string_view(bound).substr(0, time->size()));
    };
    return (query.from.empty() || compare(query.from) >= 0) && (query.to.empty() || compare(query.to) <= 0);
}

std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        return std::string(text);
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c;
        if (c == '"') {
            quoted += c;
        }
    }
    return quoted + "\"";
}

/// A count without decimals.
std::string count_text(const base::Decimal& count) {
    const std::string text = count.text();
    return text.substr(0, text.find('.'));
}

}  // namespace

base::Result<FigureQuery> parse_query(const topology::Statistic& statistic,
                                      std::span<const std::pair<std::string, std::string>> parameters) {
    const auto dimensions = statistic.dimensions();
    FigureQuery query;
    query.statistic = &statistic;
    const auto place = [&](std::string_view name) -> std::optional<std::size_t> {
        const auto found = std::ranges::find(dimensions, name);
        return found == dimensions.end()
                   ? std::nullopt
                   : std::optional(static_cast<std::size_t>(found - dimensions.begin()));
    };
    const auto refuse = [&](std::string what) {
        return base::fail(base::Code::invalid_value, std::move(what),
                          "Dimensions of " + statistic.name + ": " + names_of(dimensions) + ".");
    };
    bool grouped = false;
    for (const auto& [name, value] : parameters) {
        if (name == "format") {
            continue;
        }
        if (name == "by") {
            grouped = true;
            for (std::size_t at = 0; at < value.size();) {
                const auto comma = std::min(value.find(',', at), value.size());
                const auto known = place(std::string_view(value).substr(at, comma - at));
                if (!known || std::ranges::find(query.by, *known) != query.by.end()) {
                    return refuse("`by` names no dimension, or one twice.");
                }
                query.by.push_back(*known);
                at = comma + 1;
            }
        } else if (name == "from" || name == "to") {
            if (statistic.time.empty() || !is_time(value)) {
                return refuse(
                    "`" + name +
                    "` is a year, month or day (2011, 2011-03, 2011-03-01) of a statistic over time.");
            }
            (name == "from" ? query.from : query.to) = value;
        } else if (const auto known = place(name)) {
            query.filters.emplace_back(*known, value);
        } else {
            return refuse("There is no parameter of that name.");
        }
    }
    if (!grouped) {
        for (std::size_t i = 0; i < dimensions.size(); ++i) {
            query.by.push_back(i);
        }
    }
    return query;
}

std::vector<FigureCell> ask(const FigureQuery& query, const std::vector<FigureCell>& cells) {
    const std::size_t time = query.statistic->by.size();
    std::map<std::vector<Dimension>, std::vector<base::Decimal>> groups;
    for (const auto& cell : cells) {
        const bool wanted = (query.statistic->time.empty() || within(query, cell.values[time])) &&
                            std::ranges::all_of(query.filters, [&](const auto& filter) {
                                return cell.values[filter.first] == filter.second;
                            });
        if (!wanted) {
            continue;
        }
        std::vector<Dimension> key;
        for (const auto place : query.by) {
            key.push_back(cell.values[place]);
        }
        auto& sums = groups.try_emplace(std::move(key), cell.sums.size()).first->second;
        for (std::size_t i = 0; i < cell.sums.size(); ++i) {
            sums[i] += cell.sums[i];
        }
    }
    std::vector<FigureCell> rows;
    for (auto& [key, sums] : groups) {
        rows.push_back({key, std::move(sums)});
    }
    return rows;
}

std::string to_json(const FigureQuery& query, std::span<const FigureCell> rows, const Figures& figures) {
    const auto dimensions = query.statistic->dimensions();
    json::array by;
    for (const auto place : query.by) {
        by.emplace_back(dimensions[place]);
    }
    json::array all;
    for (const auto& row : rows) {
        json::object one;
        for (std::size_t i = 0; i < query.by.size(); ++i) {
            const auto& value = row.values[i];
            one[dimensions[query.by[i]]] = value ? json::value(*value) : json::value();
        }
        one["count"] = std::strtoll(count_text(row.sums[0]).c_str(), nullptr, 10);
        for (std::size_t i = 0; i < query.statistic->sums.size(); ++i) {
            one[query.statistic->sums[i]] = row.sums[i + 1].text();
        }
        all.push_back(std::move(one));
    }
    json::object marks;
    for (const auto& [shard, batch] : figures.marks) {
        marks[shard] = batch;
    }
    return json::serialize(json::object{{"metric", query.statistic->name},
                                        {"by", std::move(by)},
                                        {"persons_min", query.statistic->persons_min},
                                        {"as_of", figures.as_of},
                                        {"batches", std::move(marks)},
                                        {"rows", std::move(all)}}) +
           "\n";
}

std::string to_csv(const FigureQuery& query, std::span<const FigureCell> rows) {
    const auto dimensions = query.statistic->dimensions();
    std::string text;
    for (const auto place : query.by) {
        text += dimensions[place] + ",";
    }
    text += "count";
    for (const auto& sum : query.statistic->sums) {
        text += "," + sum;
    }
    text += "\r\n";
    for (const auto& row : rows) {
        for (const auto& value : row.values) {
            text += csv_field(value.value_or("")) + ",";
        }
        text += count_text(row.sums[0]);
        for (std::size_t i = 1; i < row.sums.size(); ++i) {
            text += "," + row.sums[i].text();
        }
        text += "\r\n";
    }
    return text;
}

std::string to_bars(const FigureQuery& query, std::span<const FigureCell> rows) {
    constexpr double bar_width = 30;
    const auto dimensions = query.statistic->dimensions();
    std::vector<std::vector<std::string>> table(1);
    for (const auto place : query.by) {
        table[0].push_back(dimensions[place]);
    }
    table[0].emplace_back("count");
    table[0].insert(table[0].end(), query.statistic->sums.begin(), query.statistic->sums.end());
    const std::size_t barred = query.statistic->sums.empty() ? 0 : 1;
    const auto amount = [&](const FigureCell& row) {
        return std::strtod(row.sums[barred].text().c_str(), nullptr);
    };
    double most = 0;
    for (const auto& row : rows) {
        auto& line = table.emplace_back();
        for (const auto& value : row.values) {
            line.push_back(value.value_or("(none)"));
        }
        line.push_back(count_text(row.sums[0]));
        for (std::size_t i = 1; i < row.sums.size(); ++i) {
            line.push_back(row.sums[i].text());
        }
        most = std::max(most, amount(row));
    }
    std::vector<std::size_t> widths(table[0].size());
    for (const auto& line : table) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], line[i].size());
        }
    }
    std::string text;
    for (std::size_t r = 0; r < table.size(); ++r) {
        std::string line;
        for (std::size_t i = 0; i < table[r].size(); ++i) {
            const std::string gap(widths[i] - table[r][i].size(), ' ');
            line += (i == 0 ? "" : "  ") + (i < query.by.size() ? table[r][i] + gap : gap + table[r][i]);
        }
        if (r > 0 && most > 0) {
            line += "  ";
            for (int i = 0; i < static_cast<int>(std::max(0.0, amount(rows[r - 1])) / most * bar_width + 0.5);
                 ++i) {
                line += "█";
            }
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

}  // namespace domicile::events
