#include "documents/pdf.hpp"

#include "crypto/hash.hpp"
#include "documents/page_writer.hpp"
#include "documents/pdf_file.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace domicile::documents {
namespace {

constexpr double page_width = 595;  // A4 in points
constexpr double page_height = 842;
constexpr double margin = 50;
constexpr double right_edge = page_width - margin;
constexpr double bottom = 70;
constexpr double grey_text = 0.45;
constexpr const char* profile_file = "/usr/share/color/icc/Gray.icc";

std::string xml(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
        }
    }
    return out;
}

/// UTF-8 as the hexadecimal UTF-16BE of a ToUnicode map.
std::string utf16_hex(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    const auto unit = [&](std::uint32_t value) {
        for (const unsigned shift : {12U, 8U, 4U, 0U}) {
            out += digits[value >> shift & 15U];
        }
    };
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        std::uint32_t point = length == 1 ? lead : lead & (0xffU >> (length + 1));
        for (std::size_t k = 1; k < length && i + k < text.size(); ++k) {
            point = point << 6U | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
        }
        i += length;
        if (point >= 0x10000) {
            unit(0xd800 + ((point - 0x10000) >> 10U));
            unit(0xdc00 + ((point - 0x10000) & 0x3ffU));
        } else {
            unit(point);
        }
    }
    return out;
}

std::string to_unicode(const std::map<std::uint16_t, std::string>& glyphs) {
    std::string map =
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << /Registry (Adobe) "
        "/Ordering (UCS) "
        "/Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 "
        "begincodespacerange\n<0000> <FFFF>\n"
        "endcodespacerange\n";
    std::vector<std::string> entries;
    for (const auto& [glyph, letters] : glyphs) {
        if (!letters.empty()) {
            char code[8];
            std::snprintf(code, sizeof code, "%04X", glyph);
            entries.push_back("<" + std::string(code) + "> <" + utf16_hex(letters) + ">\n");
        }
    }
    constexpr std::size_t at_once = 100;  // a limit of the format
    for (std::size_t from = 0; from < entries.size(); from += at_once) {
        const std::size_t to = std::min(entries.size(), from + at_once);
        map += std::to_string(to - from) + " beginbfchar\n";
        for (std::size_t i = from; i < to; ++i) {
            map += entries[i];
        }
        map += "endbfchar\n";
    }
    return map + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n";
}

FontParts parts_of(const Typeface& face, const std::map<std::uint16_t, std::string>& glyphs) {
    std::set<std::uint16_t> wanted;
    for (const auto& [glyph, letters] : glyphs) {
        wanted.insert(glyph);
    }
    const Subset subset = face.subset(wanted);
    FontParts parts;
    parts.name = subset.name;
    parts.file_bytes = subset.file.size();
    parts.file = deflated(subset.file);
    parts.map = deflated(to_unicode(glyphs));
    std::string present(subset.glyphs.empty() ? 1 : *subset.glyphs.rbegin() / 8U + 1U, '\0');
    for (const auto glyph : subset.glyphs) {
        present[glyph / 8U] =
            static_cast<char>(static_cast<unsigned char>(present[glyph / 8U]) | 0x80U >> glyph % 8U);
    }
    parts.cid_set = deflated(present);
    parts.widths = "[";
    for (const auto glyph : subset.glyphs) {
        parts.widths += std::to_string(glyph) + " [" + std::to_string(face.width(glyph)) + "] ";
    }
    parts.widths += "]";
    parts.ascent = face.ascent();
    parts.descent = face.descent();
    return parts;
}

/// XMP (ISO 16684), which says what the information dictionary says.
std::string metadata(const Record& record, const std::string& title) {
    return "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
           "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
           "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
           "<rdf:Description rdf:about=\"\" "
           "xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\"><pdfaid:part>1</pdfaid:part>"
           "<pdfaid:conformance>B</pdfaid:conformance></rdf:Description>\n"
           "<rdf:Description rdf:about=\"\" "
           "xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title><rdf:Alt><rdf:li "
           "xml:lang=\"x-default\">" +
           xml(title) + "</rdf:li></rdf:Alt></dc:title><dc:identifier>" + xml(record.id) +
           "</dc:identifier></rdf:Description>\n"
           "<rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"><xmp:CreateDate>" +
           // To the second: it must be what /CreationDate says, which knows no fractions.
           xml(record.recorded_at.substr(0, 19)) + "Z" +
           "</xmp:CreateDate></rdf:Description>\n"
           "<rdf:Description rdf:about=\"\" "
           "xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\"><pdf:Producer>Domicile</pdf:Producer>"
           "</rdf:Description>\n</rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>";
}

/// "2026-11-26T22:00:05Z" as "D:20261126220005Z".
std::string pdf_date(std::string_view time) {
    std::string out = "D:";
    for (const char c : time.substr(0, 19)) {
        out += c >= '0' && c <= '9' ? std::string(1, c) : std::string();
    }
    return out + "Z";
}

/// Places a record on pages.
class Layout {
  public:
    Layout(Typesetter& typesetter, const Record& record) : set_(typesetter), record_(record) {}

    PageWriter run() {
        new_page();
        y_ -= 18;
        paragraph(record_.title, 16, true, 20);
        line("Document " + record_.id + "   recorded " + record_.recorded_at +
                 (record_.institution.empty() ? "" : "   for " + record_.institution),
             8, margin, y_, grey_text);
        y_ -= 22;
        fields();
        table();
        footers();
        return std::move(pages_);
    }

  private:
    void new_page() {
        pages_.begin_page();
        pages_.select_last();
        y_ = page_height - margin;
    }
    void line(std::string_view text, double size, double x, double y, double grey = 0, bool bold = false,
              bool right = false) {
        const auto& lines = set_.set(text, bold);
        if (!lines.empty()) {
            pages_.text(lines[0], size, right ? x - lines[0].width * size / 1000 : x, y, grey);
        }
    }
    void paragraph(std::string_view text, double size, bool bold, double leading) {
        for (const Line& one : set_.set(text, bold, static_cast<int>((right_edge - margin) / size * 1000))) {
            pages_.text(one, size, margin, y_);
            y_ -= leading;
        }
    }
    void fields() {
        constexpr double column = (right_edge - margin) / 2;
        for (std::size_t i = 0; i < record_.fields.size(); i += 2) {
            double lowest = y_;
            if (y_ < bottom + 40) {
                new_page();
                lowest = y_;
            }
            for (std::size_t k = i; k < std::min(i + 2, record_.fields.size()); ++k) {
                const double x = margin + static_cast<double>(k - i) * column;
                const auto& [label, value] = record_.fields[k];
                line(label, 7, x, y_, grey_text);
                double at = y_ - 12;
                for (const Line& one : set_.set(value, false, static_cast<int>((column - 15) / 10 * 1000))) {
                    pages_.text(one, 10, x, at);
                    at -= 13;
                }
                lowest = std::min(lowest, at);
            }
            y_ = lowest - 8;
        }
    }
    /// Widths by what stands in the columns; what is too much is taken from the widest that is no number.
    std::vector<double> widths() {
        std::vector<double> all(record_.columns.size());
        for (std::size_t c = 0; c < all.size(); ++c) {
            const auto wide = [&](std::string_view text, bool bold) {
                const auto& lines = set_.set(text, bold);
                return (lines.empty() ? 0 : lines[0].width) * 8.5 / 1000 + 12;
            };
            all[c] = wide(record_.columns[c], true);
            for (const auto& row : record_.rows) {
                all[c] = std::max(all[c], c < row.size() ? wide(row[c], false) : 0);
            }
        }
        double total = 0;
        for (const double one : all) {
            total += one;
        }
        const double room = right_edge - margin;
        std::size_t widest = 0;
        for (std::size_t c = 0; c < all.size(); ++c) {
            widest = !numeric(c) && (numeric(widest) || all[c] > all[widest]) ? c : widest;
        }
        if (total > room) {
            all[widest] = std::max(80.0, all[widest] - (total - room));
        } else {
            all[widest] += room - total;
        }
        return all;
    }
    [[nodiscard]] bool numeric(std::size_t column) const {
        return column < record_.numeric.size() && record_.numeric[column];
    }

    double row(const std::vector<std::string>& cells, const std::vector<double>& wide, bool bold) {
        double x = margin;
        double lowest = y_;
        for (std::size_t c = 0; c < cells.size() && c < wide.size(); ++c) {
            double at = y_;
            if (numeric(c)) {
                line(cells[c], 8.5, x + wide[c] - 6, at, 0, bold, true);
            } else {
                for (const Line& one :
                     set_.set(cells[c], bold, static_cast<int>((wide[c] - 10) / 8.5 * 1000))) {
                    pages_.text(one, 8.5, x, at);
                    at -= 11;
                }
                at += 11;
            }
            lowest = std::min(lowest, at);
            x += wide[c];
        }
        return lowest;
    }
    void heading(const std::vector<double>& wide) {
        y_ = row(record_.columns, wide, true) - 4;
        pages_.rule(margin, y_, right_edge, 0.8, 0.2);
        y_ -= 12;
    }
    void table() {
        if (record_.columns.empty()) {
            return;
        }
        const auto wide = widths();
        y_ -= 6;
        if (y_ < bottom + 40) {
            new_page();
        }
        heading(wide);
        for (const auto& cells : record_.rows) {
            if (y_ < bottom + 12) {
                new_page();
                y_ -= 10;
                heading(wide);
            }
            y_ = row(cells, wide, false) - 4;
            pages_.rule(margin, y_, right_edge, 0.3, 0.85);
            y_ -= 10;
        }
    }
    void footers() {
        const std::size_t count = pages_.pages().size();
        for (std::size_t page = 0; page < count; ++page) {
            pages_.select(page);
            pages_.rule(margin, 52, right_edge, 0.5, 0.6);
            line(record_.id + "   SHA-256 of the event " + record_.hash, 6.5, margin, 40, grey_text);
            line("page " + std::to_string(page + 1) + " of " + std::to_string(count), 6.5, right_edge, 40,
                 grey_text, false, true);
            line(
                "One leaf of the institution's log: domicile-audit-verify checks it against the signed "
                "manifests.",
                6.5, margin, 30, grey_text);
        }
    }

    Typesetter& set_;
    const Record& record_;
    PageWriter pages_;
    double y_ = 0;
};

}  // namespace

/// What all documents share.
struct PdfMaker::Prepared {
    explicit Prepared(std::string profile) : assembler(std::move(profile)) {}
    Assembler assembler;
    std::map<const Typeface*, std::map<std::uint16_t, std::string>>
        glyphs;  // of the prepared part of each font
    std::map<const Typeface*, FontParts> fonts;
};

PdfMaker::PdfMaker() {
    std::ifstream file(profile_file, std::ios::binary);
    const std::string profile(std::istreambuf_iterator<char>(file), {});
    if (profile.empty()) {
        throw std::runtime_error("the colour profile of documents is not installed: icc-profiles-free");
    }
    prepared_ = std::make_unique<Prepared>(deflated(profile));
    for (const bool bold : {false, true}) {
        const Typeface& face = typesetter_.plain(bold);
        auto& glyphs = prepared_->glyphs[&face];
        // Latin with its accents; bold stands in headings only.
        for (std::uint32_t letter = 0x20; letter < (bold ? 0x7fU : 0x100U); ++letter) {
            const auto glyph = face.glyph_of(letter);
            if (glyph == 0 || (letter >= 0x7f && letter < 0xa0) || glyphs.contains(glyph)) {
                continue;
            }
            glyphs[glyph] = letter < 0x80 ? std::string(1, static_cast<char>(letter))
                                          : std::string{static_cast<char>(0xc0 | letter >> 6U),
                                                        static_cast<char>(0x80 | (letter & 0x3fU))};
        }
        prepared_->assembler.keep(&prepared_->fonts.emplace(&face, parts_of(face, glyphs)).first->second);
    }
}

PdfMaker::~PdfMaker() = default;

std::string PdfMaker::make(const Record& record) {
    Layout layout(typesetter_, record);
    PageWriter pages = layout.run();
    const std::string title = record.title.empty() ? record.id : record.title;

    FileParts parts;
    std::vector<std::unique_ptr<FontParts>> own;
    for (const auto& [face, use] : pages.fonts()) {
        const auto prepared = prepared_->fonts.find(face);
        const bool enough =
            prepared != prepared_->fonts.end() && std::ranges::all_of(use.glyphs, [&](const auto& one) {
                return prepared_->glyphs[face].contains(one.first);
            });
        if (!enough) {
            own.push_back(std::make_unique<FontParts>(parts_of(*face, use.glyphs)));
        }
        parts.fonts.emplace_back(use.resource, enough ? &prepared->second : own.back().get());
    }
    std::ranges::sort(parts.fonts);
    parts.pages = std::move(pages.pages());
    parts.metadata = metadata(record, title);
    parts.title = title;
    parts.date = pdf_date(record.recorded_at);
    return prepared_->assembler.assemble(parts);
}

}  // namespace domicile::documents
