#pragma once
// From text of any script to glyphs in place: itemising, shaping, bidirectional order, breaking of lines and
// the choice of a font that has the letters, all by Pango. What has been set once is remembered: documents of
// a kind share most of their texts. One thread at a time.

#include "documents/typeface.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace domicile::documents {

/// In thousandths of the font's size.
struct PlacedGlyph {
    std::uint16_t glyph = 0;
    int advance = 0;
    int right = 0, up = 0;         ///< off the pen's place
    std::uint32_t text = 0;        ///< where its letters stand in Line::letters …
    std::uint32_t text_bytes = 0;  ///< … and how many bytes they are; 0 for all but the first of a cluster
};

/// Glyphs of one font, in the order they are seen, from left to right.
struct Piece {
    const Typeface* face = nullptr;
    std::vector<PlacedGlyph> glyphs;
};

struct Line {
    std::vector<Piece> pieces;
    int width = 0;  ///< thousandths of the font's size
    std::string letters;
};

class Typesetter {
  public:
    /// Fonts come from Debian's packages (tools/packages.txt), never from the machine's own configuration, so
    /// that the same text gives the same glyphs everywhere. Throws if they are not there.
    Typesetter();
    Typesetter(const Typesetter&) = delete;
    Typesetter& operator=(const Typesetter&) = delete;
    ~Typesetter();

    /// Lines of at most `width_max` (thousandths of the size; 0: one line). Control characters become spaces.
    /// Valid until the next call.
    const std::vector<Line>& set(std::string_view text, bool bold, int width_max = 0);
    /// The font of plain text.
    [[nodiscard]] const Typeface& plain(bool bold) const { return *plain_[bold ? 1 : 0]; }

  private:
    struct Pango;
    std::vector<Line> shape(const std::string& text, bool bold, int width_max);
    /// `missing`: where the letters stand that no font has.
    std::vector<Line> shape_once(const std::string& text, bool bold, int width_max,
                                 std::set<std::size_t>& missing);
    const Typeface& face_of(void* font);

    std::unique_ptr<Pango> pango_;
    std::map<std::string, std::unique_ptr<Typeface>> faces_;  // by file and index
    std::map<void*, const Typeface*> known_;                  // by PangoFont, which the font map keeps alive
    std::map<std::tuple<std::string, bool, int>, std::vector<Line>> remembered_;
    std::size_t remembered_bytes_ = 0;
    const Typeface* plain_[2] = {};
};

}  // namespace domicile::documents
