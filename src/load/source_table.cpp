#include "load/source_table.hpp"

#include <algorithm>

namespace domicile::load {

base::Result<SourceTable> SourceTable::open(const std::filesystem::path& path) {
    auto reader = FileReader::open(path);
    if (!reader) {
        return std::unexpected(reader.error());
    }
    SourceTable table(std::move(*reader), path);
    Record header;
    auto more = table.next(header);
    if (!more) {
        return std::unexpected(more.error());
    }
    table.header_ = std::move(header.fields);
    return table;
}

base::Result<bool> SourceTable::next(Record& record) {
    for (;;) {
        auto found = csv_.next(record);
        if (!found || *found || at_end_) {
            return found;
        }
        if (auto read = reader_.read(piece_); !read) {
            return std::unexpected(read.error());
        }
        at_end_ = piece_.empty();
        csv_.feed(piece_, at_end_);
    }
}

base::Result<std::size_t> SourceTable::column(const std::string& name) const {
    const auto found = std::ranges::find(header_, name);
    if (found == header_.end()) {
        return base::fail(base::Code::configuration,
                          path_.filename().string() + " has no column \"" + name + "\".",
                          "Check the load file.");
    }
    return static_cast<std::size_t>(found - header_.begin());
}

}  // namespace domicile::load
