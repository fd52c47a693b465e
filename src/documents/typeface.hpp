#pragma once
// One font file as a PDF needs it: widths, subsets, names. Over HarfBuzz. Private to this room.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

struct hb_face_t;
struct hb_font_t;

namespace domicile::documents {

/// A part of a font that holds some glyphs, ready to be embedded.
struct Subset {
    std::string name;                ///< "ABCDEF+DejaVuSans": follows from font and glyphs
    std::string file;                ///< TrueType
    std::set<std::uint16_t> glyphs;  ///< all that are in it, parts of others included
};

class Typeface {
  public:
    /// `font`: of any size; its face is kept.
    explicit Typeface(hb_font_t* font);
    Typeface(const Typeface&) = delete;
    Typeface& operator=(const Typeface&) = delete;
    ~Typeface();

    [[nodiscard]] const std::string& name() const { return name_; }
    /// TrueType outlines: what this room embeds.
    [[nodiscard]] bool usable() const { return usable_; }
    /// In thousandths of the font's size, as PDF counts.
    [[nodiscard]] int width(std::uint16_t glyph) const;
    [[nodiscard]] int ascent() const { return ascent_; }
    [[nodiscard]] int descent() const { return descent_; }
    [[nodiscard]] std::uint16_t glyph_of(std::uint32_t character) const;  ///< 0: it has none
    /// The same glyphs give the same bytes. Empty file if the font does not let itself be cut.
    [[nodiscard]] Subset subset(const std::set<std::uint16_t>& glyphs) const;

  private:
    hb_face_t* face_ = nullptr;
    hb_font_t* font_ = nullptr;
    std::string name_;
    int units_ = 1000, ascent_ = 0, descent_ = 0;
    bool usable_ = false;
};

}  // namespace domicile::documents
