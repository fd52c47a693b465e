#include "load/refused_file.hpp"

#include "load/csv.hpp"
#include "load/file_reader.hpp"

#include <fcntl.h>
#include <tuple>
#include <unistd.h>

namespace domicile::load {

RefusedFile::RefusedFile(std::filesystem::path path) : path_(std::move(path)) {
    auto reader = FileReader::open(path_);
    if (!reader) {
        return;
    }
    std::string text;
    CsvReader csv;
    Record record;
    while (reader->read(text) && !text.empty()) {
        csv.feed(text, false);
        for (auto more = csv.next(record); more && *more; more = csv.next(record)) {
            if (record.fields.size() >= 2) {
                known_.emplace(record.fields[0], record.fields[1]);
            }
        }
    }
}

void RefusedFile::add(const std::string& file, std::uint64_t line, const std::string& reason,
                      const std::string& source) {
    const std::scoped_lock lock(mutex_);
    if (!known_.emplace(file, std::to_string(line)).second) {
        return;
    }
    std::string text;
    append_csv(text, {file, std::to_string(line), reason});
    text.insert(text.size() - 1, "," + source.substr(0, source.size() - (source.ends_with('\n') ? 1 : 0)));
    // Rows of people: for the owner's eyes only.
    const int out = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out >= 0) {
        std::ignore = ::write(out, text.data(), text.size());
        ::close(out);
    }
}

bool RefusedFile::knows(const std::string& file, std::uint64_t line) {
    const std::scoped_lock lock(mutex_);
    return known_.contains({file, std::to_string(line)});
}

}  // namespace domicile::load
