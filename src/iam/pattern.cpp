#include "iam/pattern.hpp"

#include <algorithm>

namespace domicile::iam {
namespace {

char fold(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(char pattern, char value, bool ignore_case) {
    return pattern == value || (ignore_case && fold(pattern) == fold(value));
}

bool is_key_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
           c == '/' || c == '-' || c == '_' || c == '.';
}

}  // namespace

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), fold);
    return result;
}

bool glob(std::string_view pattern, std::string_view value, bool ignore_case) {
    std::size_t p = 0;
    std::size_t v = 0;
    std::size_t star = std::string_view::npos;  // the last `any`, and where its match ends so far
    std::size_t mark = 0;
    while (v < value.size()) {
        if (p < pattern.size() && pattern[p] == Pattern::any) {
            star = p++;
            mark = v;
        } else if (p < pattern.size() &&
                   (pattern[p] == Pattern::one || same(pattern[p], value[v], ignore_case))) {
            ++p;
            ++v;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            v = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == Pattern::any) {
        ++p;
    }
    return p == pattern.size();
}

std::optional<Pattern> Pattern::compile(std::string_view text, bool wildcards, bool variables,
                                        const std::function<std::uint16_t(std::string_view)>& intern) {
    Pattern pattern;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (static_cast<unsigned char>(c) < 0x20) {
            return std::nullopt;
        }
        if (variables && c == '$' && i + 1 < text.size() && text[i + 1] == '{') {
            const auto end = text.find('}', i);
            if (end == std::string_view::npos) {
                return std::nullopt;
            }
            std::string_view inside = text.substr(i + 2, end - i - 2);
            i = end;
            if (inside == "*" || inside == "?" || inside == "$") {
                pattern.text_ += inside;
                continue;
            }
            Variable meant;
            if (const auto comma = inside.find(','); comma != std::string_view::npos) {
                std::string_view rest = inside.substr(comma + 1);
                inside = inside.substr(0, comma);
                rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
                if (rest.size() < 2 || rest.front() != '\'' || rest.back() != '\'') {
                    return std::nullopt;
                }
                meant.otherwise = rest.substr(1, rest.size() - 2);
            }
            if (inside.empty() || !std::ranges::all_of(inside, is_key_char)) {
                return std::nullopt;
            }
            meant.key = intern(inside);
            pattern.keys_.push_back(meant.key);
            pattern.variables_.push_back(std::move(meant));
            pattern.text_ += Pattern::variable;
        } else if (wildcards && c == '*') {
            if (pattern.text_.empty() || pattern.text_.back() != any) {
                pattern.text_ += any;  // ** is *
            }
        } else if (wildcards && c == '?') {
            pattern.text_ += one;
        } else {
            pattern.text_ += c;
        }
    }
    return pattern;
}

bool Pattern::matches(std::string_view value, bool ignore_case) const {
    return is_any() || glob(text_, value, ignore_case);
}

Pattern::Result Pattern::match(std::string_view value, const Lookup& lookup, bool ignore_case) const {
    if (variables_.empty()) {
        return matches(value, ignore_case) ? Result::yes : Result::no;
    }
    std::string expanded;
    std::size_t next = 0;
    for (const char c : text_) {
        if (c != variable) {
            expanded += c;
            continue;
        }
        const Variable& meant = variables_[next++];
        const auto found = lookup(meant.key);
        if (!found && !meant.otherwise) {
            return Result::unresolved;
        }
        const std::string_view stands_for = found ? *found : std::string_view(*meant.otherwise);
        if (std::ranges::any_of(stands_for, [](char inner) { return inner >= any && inner <= variable; })) {
            return Result::unresolved;  // such bytes would act as wildcards
        }
        expanded += stands_for;
    }
    return glob(expanded, value, ignore_case) ? Result::yes : Result::no;
}

std::string_view Pattern::prefix() const noexcept {
    const auto end = std::ranges::find_if(text_, [](char c) { return c >= any && c <= variable; });
    return {text_.data(), static_cast<std::size_t>(end - text_.begin())};
}

}  // namespace domicile::iam
