#pragma once
// An audit document as PDF/A-1b (ISO 19005-1): one record on A4 pages, with fields, a table that breaks over
// pages, page numbers, and the hash of the event it came from. The same record gives the same bytes. Layout
// is here, shaping is Pango's and HarfBuzz's, objects and file are libqpdf's.

#include "documents/typesetter.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace domicile::documents {

/// What is to be read on it.
struct Record {
    std::string id;                                           ///< "eu-1.42"
    std::string title;                                        ///< "Invoice 536365"
    std::string institution;                                  ///< who receives it; may be empty
    std::string recorded_at;                                  ///< RFC 3339, UTC
    std::string hash;                                         ///< hex: SHA-256 of the event
    std::vector<std::pair<std::string, std::string>> fields;  ///< label, value
    std::vector<std::string> columns;                         ///< of the table; empty: none
    std::vector<bool> numeric;                                ///< by column: set to the right
    std::vector<std::vector<std::string>> rows;
};

class PdfMaker {
  public:
    /// Prepares fonts, profile and layout once. Throws if the fonts are not installed.
    PdfMaker();
    PdfMaker(const PdfMaker&) = delete;
    PdfMaker& operator=(const PdfMaker&) = delete;
    ~PdfMaker();

    /// The whole file. One thread at a time.
    [[nodiscard]] std::string make(const Record& record);

  private:
    struct Prepared;
    Typesetter typesetter_;
    std::unique_ptr<Prepared> prepared_;
};

}  // namespace domicile::documents
