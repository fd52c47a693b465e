#include "documents/pdf_file.hpp"

#define POINTERHOLDER_TRANSITION 4  // of libqpdf: no old pointers
#include <map>
#include <qpdf/Pl_Buffer.hh>
#include <qpdf/Pl_Flate.hh>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFWriter.hh>

namespace domicile::documents {
namespace {

using Object = QPDFObjectHandle;

Object stream(QPDF& pdf, const std::string& bytes, bool compressed) {
    Object made = Object::newStream(&pdf, bytes);
    if (compressed) {
        made.getDict().replaceKey("/Filter", Object::newName("/FlateDecode"));
    }
    return made;
}

Object font(QPDF& pdf, const FontParts& parts) {
    Object file = stream(pdf, parts.file, true);
    file.getDict().replaceKey("/Length1", Object::newInteger(static_cast<long long>(parts.file_bytes)));
    const std::string ascent = std::to_string(parts.ascent);
    const std::string descent = std::to_string(parts.descent);
    Object descriptor = pdf.makeIndirectObject(
        Object::parse("<< /Type /FontDescriptor /FontName /" + parts.name + " /Flags 4 /FontBBox [-1000 " +
                      descent + " 2000 " + ascent + "] /ItalicAngle 0 /Ascent " + ascent + " /Descent " +
                      descent + " /CapHeight 729 /StemV 80 >>"));
    descriptor.replaceKey("/FontFile2", file);
    descriptor.replaceKey("/CIDSet", stream(pdf, parts.cid_set, true));
    Object descendant = pdf.makeIndirectObject(
        Object::parse("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /" + parts.name +
                      " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
                      "/CIDToGIDMap /Identity /DW 1000 /W " +
                      parts.widths + " >>"));
    descendant.replaceKey("/FontDescriptor", descriptor);
    Object whole = pdf.makeIndirectObject(Object::parse("<< /Type /Font /Subtype /Type0 /BaseFont /" +
                                                        parts.name + " /Encoding /Identity-H >>"));
    whole.replaceKey("/DescendantFonts", Object::newArray({descendant}));
    whole.replaceKey("/ToUnicode", stream(pdf, parts.map, true));
    return whole;
}

}  // namespace

std::string deflated(const std::string& bytes) {
    Pl_Buffer out("deflated");
    Pl_Flate flate("flate", &out, Pl_Flate::a_deflate);
    flate.write(reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())), bytes.size());
    flate.finish();
    const auto buffer = out.getBufferSharedPointer();
    return {reinterpret_cast<const char*>(buffer->getBuffer()), buffer->getSize()};
}

/// A file without pages; each document borrows it.
struct Assembler::Base {
    QPDF pdf;
    std::map<const FontParts*, Object> fonts;
};

Assembler::Assembler(std::string profile) : profile_(std::move(profile)) {}
Assembler::~Assembler() = default;

void Assembler::keep(const FontParts* lasting) {
    lasting_.push_back(lasting);
}

std::string Assembler::assemble(const FileParts& parts) {
    constexpr int documents_max = 500;  // libqpdf keeps what it has seen: begun anew now and then
    if (base_ == nullptr || made_++ == documents_max) {
        made_ = 0;
        base_ = std::make_unique<Base>();
        base_->pdf.emptyPDF();
        for (const auto* lasting : lasting_) {
            base_->fonts.emplace(lasting, font(base_->pdf, *lasting));
        }
        Object profile = stream(base_->pdf, profile_, true);
        profile.getDict().replaceKey("/N", Object::newInteger(1));
        Object intent = Object::parse(
            "<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (Gray gamma 2.2) /Info (Gray "
            "gamma 2.2) >>");
        intent.replaceKey("/DestOutputProfile", profile);
        base_->pdf.getRoot().replaceKey("/OutputIntents", Object::newArray({intent}));
    }
    QPDF& pdf = base_->pdf;
    Object fonts = Object::newDictionary();
    for (const auto& [resource, one] : parts.fonts) {
        const auto kept = base_->fonts.find(one);
        fonts.replaceKey("/" + resource, kept != base_->fonts.end() ? kept->second : font(pdf, *one));
    }
    Object resources = Object::newDictionary();
    resources.replaceKey("/Font", fonts);
    resources = pdf.makeIndirectObject(resources);
    std::vector<Object> pages;
    for (const std::string& content : parts.pages) {
        Object page = Object::parse("<< /Type /Page /MediaBox [0 0 595 842] >>");
        page.replaceKey("/Resources", resources);
        page.replaceKey("/Contents", stream(pdf, deflated(content), true));
        pages.push_back(pdf.makeIndirectObject(page));
    }
    // The tree of pages by hand: libqpdf's own looks at every page for what it might inherit.
    Object root = pdf.getRoot();
    Object tree = pdf.makeIndirectObject(Object::parse("<< /Type /Pages >>"));
    for (Object& page : pages) {
        page.replaceKey("/Parent", tree);
    }
    tree.replaceKey("/Count", Object::newInteger(static_cast<long long>(pages.size())));
    tree.replaceKey("/Kids", Object::newArray(pages));
    root.replaceKey("/Pages", tree);
    Object about = stream(pdf, parts.metadata, false);
    about.getDict().replaceKey("/Type", Object::newName("/Metadata"));
    about.getDict().replaceKey("/Subtype", Object::newName("/XML"));
    root.replaceKey("/Metadata", about);
    Object info = Object::newDictionary();
    info.replaceKey("/Title", Object::newUnicodeString(parts.title));
    info.replaceKey("/Producer", Object::newString("Domicile"));
    info.replaceKey("/CreationDate", Object::newString(parts.date));
    pdf.getTrailer().replaceKey("/Info", pdf.makeIndirectObject(info));

    QPDFWriter writer(pdf);
    writer.setOutputMemory();
    writer.setMinimumPDFVersion("1.4");
    writer.setObjectStreamMode(qpdf_o_disable);
    writer.setStreamDataMode(qpdf_s_preserve);
    writer.setNewlineBeforeEndstream(true);  // ISO 19005-1, 6.1.7
    writer.setDeterministicID(true);
    writer.write();
    const auto bytes = writer.getBufferSharedPointer();
    return {reinterpret_cast<const char*>(bytes->getBuffer()), bytes->getSize()};
}

}  // namespace domicile::documents
