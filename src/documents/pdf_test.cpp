#include "documents/pdf.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <gtest/gtest.h>

namespace domicile::documents {
namespace {

Record invoice(int rows, const std::string& name = "Dario Ek") {
    Record record;
    record.id = "eu-1.42";
    record.title = "Invoice 536365";
    record.institution = "eu-tax";
    record.recorded_at = "2026-11-26T22:00:05.509557Z";
    record.hash = std::string(64, 'a');
    record.fields = {
        {"name", name}, {"country", "AT"}, {"invoiced_at", "2010-12-01 08:26"}, {"total", "1 139.12"}};
    record.columns = {"stock code", "description", "quantity", "unit price"};
    record.numeric = {false, false, true, true};
    for (int i = 0; i < rows; ++i) {
        record.rows.push_back({"85123A", "WHITE HANGING HEART T-LIGHT HOLDER " + std::to_string(i),
                               std::to_string(i % 12), "2.55"});
    }
    return record;
}

class File {
  public:
    explicit File(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { std::filesystem::remove(path_); }
    /// Runs a command with the file's name in place of @.
    [[nodiscard]] std::pair<int, std::string> run(std::string command) const {
        command.replace(command.find('@'), 1, path_);
        std::string text;
        FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
        char piece[4096];
        for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) {
            text.append(piece, got);
        }
        return {::pclose(pipe), text};
    }

  private:
    std::string path_ = testing::TempDir() + "domicile-document.pdf";
};

TEST(Pdf, TheSameRecordGivesTheSameBytes) {
    PdfMaker one;
    PdfMaker other;
    EXPECT_EQ(one.make(invoice(40)), other.make(invoice(40)));
    std::ignore = one.make(invoice(3, "somebody else"));
    EXPECT_EQ(one.make(invoice(40)), other.make(invoice(40))) << "whatever was made before";
}

TEST(Pdf, ReadersAcceptItAndReadWhatWentIn) {
    PdfMaker maker;
    const std::string names[] = {"Dario Ek",
                                 "Žofie Nováková-Łęcka",
                                 "Ελένη Παπαδοπούλου",
                                 "Александр Ёжиков",
                                 "محمد الأحمد",
                                 "שרה כהן",
                                 "王小明",
                                 "田中さくら",
                                 "김민수",
                                 "प्रिया शर्मा",
                                 "สมชาย ใจดี",
                                 "Նարեկ Պետրոսյան",
                                 "ნინო მაისურაძე",
                                 "A & B <C> \"D\""};
    for (const auto& name : names) {
        const File file(maker.make(invoice(90, name)));
        const auto [code, said] = file.run("qpdf --check @");
        EXPECT_EQ(code, 0) << name << "\n" << said;
        const auto text = file.run("pdftotext -layout @ -").second;
        const bool plain = name.find("प्रिया") == std::string::npos && name.find("สมชาย") == std::string::npos;
        if (plain) {
            EXPECT_NE(text.find(name.substr(0, name.find(' '))), std::string::npos) << name << "\n"
                                                                                    << text.substr(0, 400);
        }
        EXPECT_NE(text.find("WHITE HANGING HEART T-LIGHT HOLDER 89"), std::string::npos);
        EXPECT_NE(text.find("page 2 of 2"), std::string::npos) << text;
        EXPECT_NE(file.run("pdffonts @").second.find("yes yes yes"), std::string::npos)
            << "embedded, subset, with letters";
        EXPECT_EQ(file.run("pdffonts @").second.find(" no "), std::string::npos);
    }
}

TEST(Pdf, IsValidPdfA1b) {
    const std::filesystem::path jars = "/usr/share/java";
    ASSERT_TRUE(std::filesystem::exists(jars / "preflight.jar")) << "libpdfbox2-java";
    PdfMaker maker;
    for (const auto* name : {"Dario Ek", "王小明 Ελένη محمد", "प्रिया शर्मा"}) {
        const File file(maker.make(invoice(40, name)));
        const auto [code, said] =
            file.run("java -cp '/usr/share/java/*' org.apache.pdfbox.preflight.Validator_A1b @");
        EXPECT_NE(said.find("is a valid PDF/A-1b file"), std::string::npos) << name << "\n"
                                                                            << said.substr(0, 2'000);
    }
}

TEST(Pdf, TakesAnythingForText) {
    PdfMaker maker;
    for (const std::string& odd :
         {std::string(), std::string("\xff\xfe broken"), std::string(5'000, 'x'), std::string("a\0b", 3),
          std::string("line\nbreak\ttab\x01"), std::string("\u202Eright to left override\u202C")}) {
        auto record = invoice(2, odd);
        record.title = odd;
        record.rows.push_back({odd, odd, odd, odd});
        record.rows.push_back({});
        const File file(maker.make(record));
        EXPECT_EQ(file.run("qpdf --check @").first, 0) << odd.substr(0, 20);
    }
    const File file(maker.make(invoice(1, "smile 🫠")));
    EXPECT_NE(file.run("pdftotext @ -").second.find("smile [U+1FAE0]"), std::string::npos)
        << "a letter that no font has";
    for (const int rows : {0, 1, 41, 42, 400}) {
        const File many(maker.make(invoice(rows)));
        EXPECT_EQ(many.run("qpdf --check @").first, 0) << rows;
    }
}

}  // namespace
}  // namespace domicile::documents
