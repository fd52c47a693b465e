#pragma once
// The parts of a PDF/A-1b file, put together by libqpdf. Plain C++17, which libqpdf's headers want. Private
// to this room.

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace domicile::documents {

std::string deflated(const std::string& bytes);

/// A font's parts; what is compressed is so already, so that it need be done once only.
struct FontParts {
    std::string name;
    std::string file, map, cid_set;  ///< compressed: TrueType, ToUnicode, CIDSet
    std::size_t file_bytes = 0;      ///< of the TrueType, as it was
    std::string widths;              ///< a PDF array: "[3 [318] 4 [401] ]"
    int ascent = 0, descent = 0;     ///< thousandths of the size
};

struct FileParts {
    std::vector<std::pair<std::string, const FontParts*>> fonts;  ///< by resource name: "F0"
    std::vector<std::string> pages;                               ///< content streams
    std::string metadata;                                         ///< XMP
    std::string title;                                            ///< UTF-8
    std::string date;                                             ///< "D:20261126220005Z"
};

/// Keeps what all files share as objects, made once. The same parts give the same bytes, whatever was made
/// before.
class Assembler {
  public:
    /// `profile`: ICC, compressed.
    explicit Assembler(std::string profile);
    Assembler(const Assembler&) = delete;
    Assembler& operator=(const Assembler&) = delete;
    ~Assembler();

    /// Fonts of `lasting` are kept as long as the assembler; they outlive it.
    void keep(const FontParts* lasting);
    std::string assemble(const FileParts& parts);

  private:
    struct Base;
    std::string profile_;
    std::vector<const FontParts*> lasting_;
    std::unique_ptr<Base> base_;
    int made_ = 0;
};

}  // namespace domicile::documents
