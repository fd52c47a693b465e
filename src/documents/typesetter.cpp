#include "documents/typesetter.hpp"

#include <cstdio>
#include <fontconfig/fontconfig.h>
#include <pango/pangofc-fontmap.h>
#include <pango/pangoft2.h>
#include <stdexcept>
#include <unistd.h>

namespace domicile::documents {
namespace {

// So large that the rounding of Pango's hinted metrics is a thousandth of the size.
constexpr int shaping_size = 1'000;
constexpr std::size_t remembered_bytes_max = 32U << 20U;

constexpr const char* font_folders[] = {"/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/truetype/noto",
                                        "/usr/share/fonts/truetype/nanum", "/usr/share/fonts/truetype/droid"};

std::string cleaned(std::string_view text) {
    std::string clean;
    for (const char c : text) {
        clean += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
    if (g_utf8_validate(clean.data(), static_cast<gssize>(clean.size()), nullptr) == 0) {
        char* valid = g_utf8_make_valid(clean.data(), static_cast<gssize>(clean.size()));
        clean = valid;
        g_free(valid);
    }
    return clean;
}

}  // namespace

struct Typesetter::Pango {
    FcConfig* config = FcConfigCreate();
    PangoFontMap* map = pango_ft2_font_map_new();
    PangoContext* context = nullptr;
    PangoFontDescription* fonts[2] = {};
    PangoAttrList* plain_features = pango_attr_list_new();

    Pango() {
        std::string rules =
            "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig>"
            "<cachedir>/var/cache/fontconfig</cachedir><cachedir prefix=\"xdg\">fontconfig</cachedir>"
            "<cachedir>/tmp/domicile-fonts-" +
            std::to_string(::geteuid()) + "</cachedir>";
        for (const char* folder : font_folders) {
            rules += "<dir>" + std::string(folder) + "</dir>";
        }
        rules += "</fontconfig>";
        FcConfigParseAndLoadFromMemory(config, reinterpret_cast<const FcChar8*>(rules.c_str()), 1);
        FcConfigBuildFonts(config);
        pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(map), config);
        pango_ft2_font_map_set_resolution(PANGO_FT2_FONT_MAP(map), 72, 72);
        context = pango_font_map_create_context(map);
        pango_context_set_language(context, pango_language_from_string("en"));
        for (const bool bold : {false, true}) {
            auto*& font = fonts[bold ? 1 : 0];
            font = pango_font_description_new();
            pango_font_description_set_family(font,
                                              "DejaVu Sans, Noto Sans, NanumGothic, Droid Sans Fallback");
            pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
            pango_font_description_set_size(font, shaping_size * PANGO_SCALE);
        }
        // One glyph a letter where the script allows: what is read out of the document is what went in.
        pango_attr_list_insert(plain_features, pango_attr_font_features_new("liga=0, clig=0, dlig=0"));
    }
    Pango(const Pango&) = delete;
    Pango& operator=(const Pango&) = delete;
    ~Pango() {
        pango_attr_list_unref(plain_features);
        for (auto* font : fonts) {
            pango_font_description_free(font);
        }
        g_object_unref(context);
        g_object_unref(map);
        FcConfigDestroy(config);
    }
};

Typesetter::Typesetter() : pango_(std::make_unique<Pango>()) {
    for (const bool bold : {false, true}) {
        const auto& lines = set("A", bold);
        if (lines.empty() || lines[0].pieces.empty() || !lines[0].pieces[0].face->usable()) {
            throw std::runtime_error("the fonts of documents are not installed: fonts-dejavu-core");
        }
        plain_[bold ? 1 : 0] = lines[0].pieces[0].face;
    }
}

Typesetter::~Typesetter() = default;

const std::vector<Line>& Typesetter::set(std::string_view text, bool bold, int width_max) {
    std::tuple key(cleaned(text), bold, width_max);
    const auto found = remembered_.find(key);
    if (found != remembered_.end()) {
        return found->second;
    }
    if (remembered_bytes_ > remembered_bytes_max) {
        remembered_.clear();
        remembered_bytes_ = 0;
    }
    auto lines = shape(std::get<0>(key), bold, width_max);
    remembered_bytes_ += 256 + std::get<0>(key).size() * (sizeof(PlacedGlyph) + 2);
    return remembered_.emplace(std::move(key), std::move(lines)).first->second;
}

const Typeface& Typesetter::face_of(void* opaque) {
    auto*& known = known_[opaque];
    if (known == nullptr) {
        auto* font = static_cast<PangoFont*>(opaque);
        g_object_ref(font);  // its address must not be another font's later
        FcPattern* pattern = pango_fc_font_get_pattern(PANGO_FC_FONT(font));
        FcChar8* file = nullptr;
        int index = 0;
        FcPatternGetString(pattern, FC_FILE, 0, &file);
        FcPatternGetInteger(pattern, FC_INDEX, 0, &index);
        auto& face = faces_[std::string(reinterpret_cast<const char*>(
                                file != nullptr ? file : reinterpret_cast<const FcChar8*>(""))) +
                            "#" + std::to_string(index)];
        if (face == nullptr) {
            face = std::make_unique<Typeface>(pango_font_get_hb_font(font));
        }
        known = face.get();
    }
    return *known;
}

std::vector<Line> Typesetter::shape(const std::string& text, bool bold, int width_max) {
    std::set<std::size_t> missing;
    auto lines = shape_once(text, bold, width_max, missing);
    if (missing.empty()) {
        return lines;
    }
    // Letters that no font has are written as their numbers: none is lost.
    std::string spelled;
    for (std::size_t i = 0; i < text.size();) {
        const char* at = text.data() + i;
        const auto bytes = static_cast<std::size_t>(g_utf8_next_char(at) - at);
        if (missing.contains(i)) {
            char code[16];
            std::snprintf(code, sizeof code, "[U+%04X]", g_utf8_get_char(at));
            spelled += code;
        } else {
            spelled.append(at, bytes);
        }
        i += bytes;
    }
    missing.clear();
    return shape_once(spelled, bold, width_max, missing);
}

std::vector<Line> Typesetter::shape_once(const std::string& text, bool bold, int width_max,
                                         std::set<std::size_t>& missing) {
    PangoLayout* layout = pango_layout_new(pango_->context);
    pango_layout_set_font_description(layout, pango_->fonts[bold ? 1 : 0]);
    pango_layout_set_attributes(layout, pango_->plain_features);
    pango_layout_set_single_paragraph_mode(layout, 1);
    if (width_max > 0) {
        pango_layout_set_width(layout, width_max * PANGO_SCALE);
        pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    }
    pango_layout_set_text(layout, text.data(), static_cast<int>(text.size()));
    const auto thousandths = [](int units) {
        return (units + (units < 0 ? -PANGO_SCALE : PANGO_SCALE) / 2) / PANGO_SCALE;
    };
    std::vector<Line> lines;
    for (int i = 0; i < pango_layout_get_line_count(layout); ++i) {
        PangoLayoutLine* from = pango_layout_get_line_readonly(layout, i);
        Line line;
        line.letters =
            text.substr(static_cast<std::size_t>(from->start_index), static_cast<std::size_t>(from->length));
        for (GSList* item = from->runs; item != nullptr; item = item->next) {
            const auto* run = static_cast<PangoGlyphItem*>(item->data);
            Piece piece;
            piece.face = &face_of(run->item->analysis.font);
            const PangoGlyphString& glyphs = *run->glyphs;
            const bool reversed = run->item->analysis.level % 2 != 0;
            for (int g = 0; g < glyphs.num_glyphs; ++g) {
                const PangoGlyphInfo& info = glyphs.glyphs[g];
                if (info.glyph == PANGO_GLYPH_EMPTY) {
                    continue;
                }
                PlacedGlyph placed;
                if ((info.glyph & PANGO_GLYPH_UNKNOWN_FLAG) != 0 || !piece.face->usable()) {
                    missing.insert(static_cast<std::size_t>(run->item->offset + glyphs.log_clusters[g]));
                } else {
                    placed.glyph = static_cast<std::uint16_t>(info.glyph);
                }
                placed.advance = thousandths(info.geometry.width);
                placed.right = thousandths(info.geometry.x_offset);
                placed.up = -thousandths(info.geometry.y_offset);
                // The letters of a cluster belong to one of its glyphs.
                const int start = glyphs.log_clusters[g];
                const bool first = reversed
                                       ? g + 1 == glyphs.num_glyphs || glyphs.log_clusters[g + 1] != start
                                       : g == 0 || glyphs.log_clusters[g - 1] != start;
                if (first) {
                    int end = run->item->length;
                    for (int other = 0; other < glyphs.num_glyphs; ++other) {
                        const int begins = glyphs.log_clusters[other];
                        end = begins > start && begins < end ? begins : end;
                    }
                    placed.text = static_cast<std::uint32_t>(run->item->offset + start - from->start_index);
                    placed.text_bytes = static_cast<std::uint32_t>(end - start);
                }
                line.width += placed.advance;
                piece.glyphs.push_back(placed);
            }
            if (!piece.glyphs.empty()) {
                line.pieces.push_back(std::move(piece));
            }
        }
        lines.push_back(std::move(line));
    }
    g_object_unref(layout);
    return lines;
}

}  // namespace domicile::documents
