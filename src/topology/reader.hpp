#pragma once
// Typed access to one section of the file. What is unknown, missing or of the wrong type is reported once,
// when the section is opened; the getters then only hand out what is right. Private to this room.

#include "topology/document.hpp"
#include "topology/keys.hpp"
#include "topology/report.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace domicile::topology {

/// A piece of text and where it stands. Views live as long as the document.
struct Word {
    std::string_view text;
    Place place;
};

class Reader {
  public:
    /// Checks `value` against the section's keys. `label` names it in findings: "[regions.eu-west-1]".
    /// `place` is where a missing key is reported. REQUIRES: `value` and `report` outlive the reader.
    Reader(const Value& value, Place place, std::string label, const keys::Section& section, Report& report);

    /// Whether the key stands in the file, right or wrong.
    [[nodiscard]] bool given(std::string_view key) const { return value_.find(key) != nullptr; }
    /// Whether the key stands in the file with a value of the wrong type.
    [[nodiscard]] bool broken(std::string_view key) const { return given(key) && get(key) == nullptr; }
    /// Null if absent or of the wrong type. REQUIRES: the section has this key.
    [[nodiscard]] const Entry* get(std::string_view key) const;

    /// Null if absent or of the wrong type.
    [[nodiscard]] const Value* text(std::string_view key) const;
    [[nodiscard]] bool flag(std::string_view key, bool otherwise) const;
    /// The texts of a list; wrong items have been reported and are left out.
    [[nodiscard]] std::vector<Word> texts(std::string_view key) const;
    /// The place of the key, or of the section if it does not stand there.
    [[nodiscard]] Place place(std::string_view key) const;

    [[nodiscard]] Place place() const { return place_; }
    [[nodiscard]] const std::string& label() const { return label_; }

  private:
    void check_entry(const Entry& entry, Report& report);

    const Value& value_;
    Place place_;
    std::string label_;
    const keys::Section& section_;
    std::vector<std::string_view> meant_;  // keys that stand in the file misspelled
};

/// "text", "an integer", "a list": for findings.
[[nodiscard]] std::string_view describe(Value::Kind kind);

}  // namespace domicile::topology
