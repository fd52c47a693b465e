#include "sql/parse.hpp"

#include <mutex>
#include <string_view>

namespace domicile::sql {
namespace {

/// The parser's first touch of a thread writes globals of the process.
void prepare_thread() {
    static std::mutex mutex;
    thread_local bool ready = false;
    if (!ready) {
        const std::scoped_lock lock(mutex);
        domicile_parse_init();
        ready = true;
    }
}

/// PostgreSQL repeats the text from the mistake on, which may be megabytes.
std::string shortened(std::string_view message) {
    constexpr std::size_t bytes_max = 200;
    if (message.size() <= bytes_max) {
        return std::string(message);
    }
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0U) == 0x80U) {
        --end;  // not inside a character
    }
    return std::string(message.substr(0, end)) + "…";
}

}  // namespace

base::Result<ParseTree> ParseTree::of(const std::string& text, bool standard_strings) {
    prepare_thread();
    ParseTree tree(domicile_parse_begin(text.c_str(), standard_strings));
    if (tree.parse_.message == nullptr) {
        return tree;
    }
    base::Error error{base::Code::syntax_error, shortened(tree.parse_.message), {}, {}, {}};
    if (std::string_view(error.text).starts_with("memory exhausted")) {
        error.code = base::Code::statement_too_complex;
    }
    error.position = tree.parse_.position > 0 ? static_cast<std::uint32_t>(tree.parse_.position) : 0;
    return std::unexpected(std::move(error));
}

ParseTree::~ParseTree() {
    if (parse_.context != nullptr) {
        domicile_parse_end(&parse_);
    }
}

}  // namespace domicile::sql
