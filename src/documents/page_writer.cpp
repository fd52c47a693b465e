#include "documents/page_writer.hpp"

#include <charconv>

namespace domicile::documents {
namespace {

/// With at most two decimals, and a point whatever the locale.
void number(std::string& out, double value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 2).ptr;
    std::string_view view(text, static_cast<std::size_t>(end - text));
    while (view.ends_with('0')) {
        view.remove_suffix(1);
    }
    if (view.ends_with('.')) {
        view.remove_suffix(1);
    }
    out.append(view == "-0" ? "0" : view).append(1, ' ');
}

void hex(std::string& out, std::uint16_t glyph) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const unsigned shift : {12U, 8U, 4U, 0U}) {
        out += digits[glyph >> shift & 15U];
    }
}

}  // namespace

FontUse& PageWriter::use(const Typeface* face) {
    FontUse& font = fonts_[face];
    if (font.resource.empty()) {
        font.resource = "F" + std::to_string(fonts_.size() - 1);
    }
    return font;
}

void PageWriter::text(const Line& line, double size, double x, double y, double grey) {
    std::string& out = pages_[page_];
    double pen = x;
    for (const Piece& piece : line.pieces) {
        FontUse& font = use(piece.face);
        out += "BT ";
        number(out, grey);
        out += "g /" + font.resource + " ";
        number(out, size);
        out += "Tf 1 0 0 1 ";
        number(out, pen);
        number(out, y);
        out += "Tm [<";
        double drift = 0;  // by how much the glyphs' own widths differ from where they belong
        for (const PlacedGlyph& glyph : piece.glyphs) {
            if (glyph.up != 0 || glyph.right != 0) {
                out += ">] TJ 1 0 0 1 ";
                number(out, pen + glyph.right * size / 1000);
                number(out, y + glyph.up * size / 1000);
                out += "Tm [<";
                drift = -glyph.right;
            } else if (drift > 0.5 || drift < -0.5) {
                out += "> ";
                number(out, -drift);
                out += "<";
                drift = 0;
            }
            hex(out, glyph.glyph);
            auto& letters = font.glyphs[glyph.glyph];
            if (letters.empty() && glyph.text_bytes > 0) {
                letters = line.letters.substr(glyph.text, glyph.text_bytes);
            }
            drift += glyph.advance - piece.face->width(glyph.glyph);
            pen += glyph.advance * size / 1000;
        }
        out += ">] TJ ET\n";
    }
}

void PageWriter::rule(double x, double y, double to_x, double width, double grey) {
    std::string& out = pages_[page_];
    number(out, grey);
    out += "G ";
    number(out, width);
    out += "w ";
    number(out, x);
    number(out, y);
    out += "m ";
    number(out, to_x);
    number(out, y);
    out += "l S\n";
}

}  // namespace domicile::documents
