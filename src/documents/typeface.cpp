#include "documents/typeface.hpp"

#include "crypto/hash.hpp"

#include <hb-ot.h>
#include <hb-subset.h>
#include <hb.h>

namespace domicile::documents {
namespace {

std::string postscript_name(hb_face_t* face) {
    char text[128];
    unsigned size = sizeof text;
    hb_ot_name_get_utf8(face, HB_OT_NAME_ID_POSTSCRIPT_NAME, HB_LANGUAGE_INVALID, &size, text);
    std::string name;
    for (const char c : std::string_view(text)) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        name += plain ? std::string(1, c) : std::string();
    }
    return name.empty() ? "Font" : name;
}

}  // namespace

Typeface::Typeface(hb_font_t* font) : face_(hb_face_reference(hb_font_get_face(font))) {
    units_ = static_cast<int>(hb_face_get_upem(face_));
    font_ = hb_font_create(face_);
    hb_font_set_scale(font_, units_, units_);
    hb_font_extents_t extents{};
    hb_font_get_h_extents(font_, &extents);
    ascent_ = extents.ascender * 1000 / units_;
    descent_ = extents.descender * 1000 / units_;
    name_ = postscript_name(face_);
    hb_blob_t* outlines = hb_face_reference_table(face_, HB_TAG('g', 'l', 'y', 'f'));
    usable_ = hb_blob_get_length(outlines) > 0;
    hb_blob_destroy(outlines);
}

Typeface::~Typeface() {
    hb_font_destroy(font_);
    hb_face_destroy(face_);
}

int Typeface::width(std::uint16_t glyph) const {
    return (hb_font_get_glyph_h_advance(font_, glyph) * 1000 + units_ / 2) / units_;
}

std::uint16_t Typeface::glyph_of(std::uint32_t character) const {
    hb_codepoint_t glyph = 0;
    return hb_font_get_nominal_glyph(font_, character, &glyph) != 0 ? static_cast<std::uint16_t>(glyph) : 0;
}

Subset Typeface::subset(const std::set<std::uint16_t>& glyphs) const {
    Subset result;
    hb_subset_input_t* input = hb_subset_input_create_or_fail();
    // Glyphs keep their numbers, so that texts may be set before it is known which glyphs a document needs.
    hb_subset_input_set_flags(
        input, HB_SUBSET_FLAGS_RETAIN_GIDS | HB_SUBSET_FLAGS_NO_HINTING | HB_SUBSET_FLAGS_NOTDEF_OUTLINE);
    hb_set_t* wanted = hb_subset_input_glyph_set(input);
    std::string mark = name_;
    for (const auto glyph : glyphs) {
        hb_set_add(wanted, glyph);
        mark += " " + std::to_string(glyph);
    }
    hb_set_t* dropped = hb_subset_input_set(input, HB_SUBSET_SETS_DROP_TABLE_TAG);
    for (const char* tag : {"GSUB", "GPOS", "GDEF", "kern", "DSIG", "name", "post", "gasp", "FFTM", "OS/2"}) {
        hb_set_add(dropped, hb_tag_from_string(tag, -1));
    }
    if (hb_subset_plan_t* plan = hb_subset_plan_create_or_fail(face_, input)) {
        if (hb_face_t* cut = hb_subset_plan_execute_or_fail(plan)) {
            hb_blob_t* blob = hb_face_reference_blob(cut);
            unsigned size = 0;
            const char* bytes = hb_blob_get_data(blob, &size);
            result.file.assign(bytes, size);
            hb_blob_destroy(blob);
            hb_face_destroy(cut);
        }
        const hb_map_t* kept = hb_subset_plan_old_to_new_glyph_mapping(plan);
        for (hb_codepoint_t glyph = 0; glyph < 65'535; ++glyph) {
            if (hb_map_has(kept, glyph) != 0) {
                result.glyphs.insert(static_cast<std::uint16_t>(glyph));
            }
        }
        hb_subset_plan_destroy(plan);
    }
    hb_subset_input_destroy(input);
    const auto digest = crypto::sha256(mark);
    for (int i = 0; i < 6; ++i) {
        result.name += static_cast<char>(
            'A' + static_cast<unsigned char>(crypto::view(digest)[static_cast<std::size_t>(i)]) % 26);
    }
    result.name += "+" + name_;
    return result;
}

}  // namespace domicile::documents
