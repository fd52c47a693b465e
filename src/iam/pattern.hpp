#pragma once
// Text with wildcards and policy variables (AWS IAM User Guide, "Policy variables", "Wildcards"), compiled
// once. What a variable stands for is literal: a * in it matches a * only.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace domicile::iam {

/// Gives the one value of a key, or nothing if it is absent or has several.
using Lookup = std::function<std::optional<std::string_view>(std::uint16_t key)>;

class Pattern {
  public:
    enum class Result : std::uint8_t { no, yes, unresolved };

    /// `intern` numbers the keys of variables. With `variables` false ${…} is text (policies of before 2012).
    /// Nothing if a ${ is not closed or names no key.
    [[nodiscard]] static std::optional<Pattern> compile(
        std::string_view text, bool wildcards, bool variables,
        const std::function<std::uint16_t(std::string_view key)>& intern);

    [[nodiscard]] Result match(std::string_view value, const Lookup& lookup, bool ignore_case = false) const;
    /// Of a pattern without variables.
    [[nodiscard]] bool matches(std::string_view value, bool ignore_case = false) const;
    [[nodiscard]] bool has_variables() const noexcept { return !variables_.empty(); }
    /// Matches everything.
    [[nodiscard]] bool is_any() const noexcept { return text_.size() == 1 && text_[0] == any; }
    /// The text without wildcards and variables that everything it matches begins with.
    [[nodiscard]] std::string_view prefix() const noexcept;
    [[nodiscard]] bool is_literal() const noexcept { return prefix().size() == text_.size(); }
    [[nodiscard]] const std::vector<std::uint16_t>& keys() const noexcept { return keys_; }

    // Stand for themselves in the compiled text; policies hold no such bytes.
    static constexpr char any = '\x01';
    static constexpr char one = '\x02';
    static constexpr char variable = '\x03';

  private:
    struct Variable {
        std::uint16_t key = 0;
        std::optional<std::string> otherwise;
    };
    std::string text_;
    std::vector<Variable> variables_;  // one for each `variable` in the text, in their order
    std::vector<std::uint16_t> keys_;
};

/// Glob match of a compiled text. Linear in the value for each `any`.
[[nodiscard]] bool glob(std::string_view pattern, std::string_view value, bool ignore_case);

[[nodiscard]] std::string lower(std::string_view text);

}  // namespace domicile::iam
