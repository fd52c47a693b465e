#pragma once
// Pages as PDF's content streams (PDF 1.4, chapters 4 and 5), and which glyphs they use. Private to this
// room.

#include "documents/typesetter.hpp"

#include <map>
#include <string>
#include <vector>

namespace domicile::documents {

/// Glyphs a document uses of one font, with the letters each stands for.
struct FontUse {
    std::string resource;  ///< "F0"
    std::map<std::uint16_t, std::string> glyphs;
};

class PageWriter {
  public:
    void begin_page() { pages_.emplace_back(); }
    /// `x`, `y` in points from the lower left; `grey` 0 (black) to 1.
    void text(const Line& line, double size, double x, double y, double grey = 0);
    void rule(double x, double y, double to_x, double width, double grey);
    void select(std::size_t page) { page_ = page; }
    [[nodiscard]] std::vector<std::string>& pages() { return pages_; }
    [[nodiscard]] const std::map<const Typeface*, FontUse>& fonts() const { return fonts_; }
    /// What follows is written on the last page.
    void select_last() { page_ = pages_.size() - 1; }

  private:
    FontUse& use(const Typeface* face);
    std::vector<std::string> pages_;
    std::size_t page_ = 0;
    std::map<const Typeface*, FontUse> fonts_;
};

}  // namespace domicile::documents
