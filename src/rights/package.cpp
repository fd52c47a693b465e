#include "rights/package.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace domicile::rights {
namespace {

namespace json = boost::json;

constexpr std::size_t rows_shown = 200;

const topology::PersonalColumn* personal(const topology::Table& table, std::string_view column) {
    const auto found = std::ranges::find(table.personal, column, &topology::PersonalColumn::name);
    return found == table.personal.end() ? nullptr : &*found;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

}  // namespace

void append_csv(std::string& out, const Texts& row) {
    const char* comma = "";
    for (const auto& text : row) {
        out += std::exchange(comma, ",");
        if (!text) {
            continue;
        }
        if (!text->empty() && text->find_first_of(",\"\r\n") == std::string::npos) {
            out += *text;
            continue;
        }
        out += '"';
        for (const char c : *text) {
            out += c;
            if (c == '"') {
                out += '"';
            }
        }
        out += '"';
    }
    out += "\r\n";
}

std::string_view origin_of(const topology::Table& table, std::string_view column) {
    const auto* rule = personal(table, column);
    return rule == nullptr ? std::string_view() : topology::name(rule->origin);
}

std::string manifest_of(const PackageFacts& facts, const std::vector<ArchivedFile>& files) {
    json::array tables;
    for (const auto& one : facts.tables) {
        json::array columns;
        for (const auto& column : one.live->columns) {
            const auto* rule = personal(*one.table, column.name);
            json::object entry{{"name", column.name}, {"type", column.type}};
            if (rule != nullptr) {
                entry["class"] = rule->klass;
                entry["origin"] = topology::name(rule->origin);
                entry["portable"] = rule->origin != topology::Origin::inferred;
            }
            columns.push_back(std::move(entry));
        }
        tables.push_back({{"name", one.table->name},
                          {"rows", one.rows},
                          {"purpose", one.table->purpose},
                          {"retention", one.table->retention},
                          {"columns", std::move(columns)}});
    }
    json::array list;
    for (const auto& file : files) {
        list.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
    }
    return json::serialize(json::object{{"version", 1},
                                        {"law", "Regulation (EU) 2016/679 (GDPR), Art. 15 and 20"},
                                        {"system", facts.system},
                                        {"jurisdiction", facts.jurisdiction},
                                        {"shard", facts.shard},
                                        {"user_id", facts.user_id},
                                        {"request", facts.request},
                                        {"made_at", facts.made_at},
                                        {"position", facts.position},
                                        {"recipients", json::value_from(facts.recipients)},
                                        {"tables", std::move(tables)},
                                        {"files", std::move(list)}}) +
           "\n";
}

PackagePage::PackagePage(const PackageFacts& facts) {
    out_ =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Your data</title><meta "
        "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\"><meta name=\"viewport\" content=\"width=device-width\"><style>body{font:16px/1.5 "
        "sans-serif;margin:2em auto;max-width:70em;padding:0 "
        "1em;color-scheme:light "
        "dark}table{border-collapse:collapse;display:block;overflow-x:auto}th,td{border:1px "
        "solid #8888;padding:.3em .6em;text-align:left;vertical-align:top}</style></head><body>\n<h1>Your "
        "data in " +
        escaped(facts.system) + "</h1>\n<p>What is kept about user " + std::to_string(facts.user_id) +
        ", in the jurisdiction " + escaped(facts.jurisdiction) + ", as it was at " + escaped(facts.made_at) +
        ".</p>\n";
    out_ += "<h2>Who has received something of it</h2>\n";
    if (facts.recipients.empty()) {
        out_ += "<p>Nobody.</p>\n";
    } else {
        out_ += "<ul>\n";
        for (const auto& one : facts.recipients) {
            out_ += "<li>" + escaped(one) + "</li>\n";
        }
        out_ += "</ul>\n";
    }
}

void PackagePage::table(const PackagedTable& table) {
    end_table();
    const auto or_not_said = [](const std::string& text) {
        return text.empty() ? "not said" : escaped(text);
    };
    out_ += "<h2>" + escaped(table.table->name) + "</h2>\n<p>Why: " + or_not_said(table.table->purpose) +
            ". How long: " + or_not_said(table.table->retention) + ".</p>\n<table><thead><tr>";
    for (const auto& column : table.live->columns) {
        const auto origin = origin_of(*table.table, column.name);
        out_ += "<th scope=\"col\">" + escaped(column.name) +
                (origin.empty() ? "" : "<br><small>" + std::string(origin) + "</small>") + "</th>";
    }
    out_ += "</tr></thead><tbody>\n";
    in_table_ = true;
    shown_ = 0;
    left_ = 0;
}

void PackagePage::row(const Texts& row) {
    if (shown_ == rows_shown) {
        ++left_;
        return;
    }
    ++shown_;
    out_ += "<tr>";
    for (const auto& text : row) {
        out_ += "<td>" + (text ? escaped(*text) : std::string()) + "</td>";
    }
    out_ += "</tr>\n";
}

void PackagePage::end_table() {
    if (!std::exchange(in_table_, false)) {
        return;
    }
    out_ += "</tbody></table>\n";
    if (shown_ == 0) {
        out_ += "<p>Nothing.</p>\n";
    }
    if (left_ > 0) {
        out_ += "<p>" + std::to_string(left_) + " more rows stand in the files.</p>\n";
    }
}

std::string PackagePage::finish(const std::vector<ArchivedFile>& files) {
    end_table();
    out_ += "<h2>The files beside this page</h2>\n<ul>\n";
    for (const auto& file : files) {
        out_ += "<li><a href=\"" + escaped(file.name) + "\">" + escaped(file.name) + "</a>, " +
                std::to_string(file.bytes) + " bytes</li>\n";
    }
    return out_ + "</ul></body></html>\n";
}

}  // namespace domicile::rights
