#include "sql/analyser.hpp"

#include "base/limits.hpp"
#include "sql/parse.hpp"
#include "sql/pg_nodes.hpp"
#include "sql/plan_cache.hpp"
#include "sql/walker.hpp"

#include <utility>
#include <vector>

namespace domicile::sql {

namespace limits = base::limits;

struct Analyser::Impl {
    Impl(const topology::Topology& whole, std::size_t shapes_max)
        : topology(whole), cache(shapes_max, limits::sql_cache_bytes_max), shapes_most(shapes_max) {}

    base::Status one(std::string_view text, const List* raw, bool remember);
    base::Status script(std::string_view text, const List* raw, bool standard_strings);
    void add(std::string_view text, const Tokens& of, std::shared_ptr<const Facts> facts);
    void release_buffers();

    const topology::Topology& topology;
    PlanCache cache;
    std::size_t shapes_most;
    KeyPlaces places;
    Stats stats;
    Tokens tokens;
    Tokens piece_tokens;
    std::string text_copy;  ///< with the closing zero the parser wants
    std::vector<Literal> literals;
    std::vector<std::size_t> literal_counts;  ///< by statement
    std::vector<Statement> statements;
    std::shared_ptr<const Facts> empty = std::make_shared<const Facts>();
};

namespace {

const Node* inner_of(const ListCell& cell) {
    return pg::as<RawStmt>(pg::node(cell))->stmt;
}

template <class T>
void release(T& buffer, std::size_t kept) {
    if (buffer.capacity() > kept) {
        T().swap(buffer);
    }
}

}  // namespace

void Analyser::Impl::release_buffers() {
    constexpr std::size_t kept = limits::sql_buffer_bytes_kept;
    for (Tokens* each : {&tokens, &piece_tokens}) {
        release(each->shape, kept);
        release(each->literals, kept / sizeof(Literal));
        release(each->comments, kept / sizeof(each->comments[0]));
    }
    release(text_copy, kept);
    release(literals, kept / sizeof(Literal));
    release(statements, kept / sizeof(Statement));
}

/// The statement that `of` was told of `text`: its literals count from its own start.
void Analyser::Impl::add(std::string_view text, const Tokens& of, std::shared_ptr<const Facts> facts) {
    const std::size_t first = literals.size();
    literals.insert(literals.end(), of.literals.begin(), of.literals.end());
    for (std::size_t i = first; of.begin != 0 && i < literals.size(); ++i) {
        literals[i].offset -= of.begin;
    }
    statements.push_back({std::move(facts), text.substr(of.begin, of.end - of.begin), {}});
    literal_counts.push_back(of.literals.size());
}

base::Status Analyser::Impl::one(std::string_view text, const List* raw, bool remember) {
    auto walked =
        Walker::run({topology, places, text.substr(0, tokens.end), 0, tokens}, inner_of(pg::cells(raw)[0]));
    if (!walked) {
        return std::unexpected(std::move(walked.error()));
    }
    auto facts = std::make_shared<const Facts>(std::move(walked->facts));
    if (remember && walked->cacheable) {
        ++stats.misses;
        cache.insert(tokens.shape, facts);
    } else {
        ++stats.uncached;
    }
    add(text, tokens, std::move(facts));
    return {};
}

base::Status Analyser::Impl::script(std::string_view text, const List* raw, bool standard_strings) {
    for (const ListCell& cell : pg::cells(raw)) {
        const auto* stmt = pg::as<RawStmt>(pg::node(cell));
        const auto from = static_cast<std::size_t>(stmt->stmt_location);
        const auto length =
            stmt->stmt_len > 0 ? static_cast<std::size_t>(stmt->stmt_len) : text.size() - from;
        const std::string_view piece = text.substr(from, length);
        tokenize(piece, standard_strings, piece_tokens);
        // The grammar has found where it ends: semicolons in it are those of BEGIN ATOMIC or CREATE RULE.
        piece_tokens.begin = piece_tokens.first;
        auto walked = Walker::run({topology, places, piece.substr(0, piece_tokens.end), from, piece_tokens},
                                  stmt->stmt);
        if (!walked) {
            return std::unexpected(std::move(walked.error()));
        }
        ++stats.uncached;
        add(piece, piece_tokens, std::make_shared<const Facts>(std::move(walked->facts)));
    }
    return {};
}

Analyser::Analyser(const topology::Topology& topology, std::size_t shapes_max)
    : impl_(std::make_unique<Impl>(topology, shapes_max)) {}
Analyser::~Analyser() = default;

void Analyser::know(KeyPlaces places) {
    if (places != impl_->places) {
        impl_->places = std::move(places);
        impl_->cache = PlanCache(impl_->shapes_most, limits::sql_cache_bytes_max);
    }
}

const Analyser::Stats& Analyser::stats() const noexcept {
    return impl_->stats;
}

base::Result<std::span<const Statement>> Analyser::analyse(std::string_view text, bool standard_strings) {
    Impl& impl = *impl_;
    impl.release_buffers();
    impl.literals.clear();
    impl.literal_counts.clear();
    impl.statements.clear();
    const auto too_complex = [](const char* what) {
        return base::fail(base::Code::statement_too_complex, what, "Split it into smaller statements.");
    };
    if (text.size() > limits::sql_statement_bytes_max) {
        return too_complex("The statement is too long.");
    }
    Tokens& tokens = impl.tokens;
    tokenize(text, standard_strings, tokens);
    if (tokens.statements == 0) {
        impl.statements.push_back({impl.empty, text.substr(0, 0), {}});
        return std::span<const Statement>(impl.statements);
    }
    const bool remember = tokens.cacheable && tokens.statements == 1 &&
                          tokens.shape.size() <= limits::sql_shape_bytes_max &&
                          text.find('\0') == std::string_view::npos;
    if (remember) {
        if (const auto* facts = impl.cache.find(tokens.shape)) {
            ++impl.stats.hits;
            impl.add(text, tokens, *facts);
            impl.statements.front().literals = impl.literals;
            return std::span<const Statement>(impl.statements);
        }
    }
    if (tokens.count > limits::sql_tokens_max || tokens.statements > limits::sql_statements_max) {
        return too_complex("The statement has too many parts.");
    }
    if (text.find('\0') != std::string_view::npos) {
        return base::fail(base::Code::syntax_error, "a zero byte in the statement");
    }
    if (!tokens.fault.empty()) {
        return base::fail(base::Code::syntax_error, std::string(tokens.fault));
    }
    impl.text_copy.assign(text);
    for (const auto& [first, last] : tokens.comments) {
        std::fill(impl.text_copy.begin() + first, impl.text_copy.begin() + last, ' ');
    }
    const auto tree = ParseTree::of(impl.text_copy, standard_strings);
    if (!tree) {
        return std::unexpected(tree.error());
    }
    const auto* raw = static_cast<const List*>(tree->statements());
    const std::size_t count = pg::size(raw);
    if (count == 0) {
        impl.statements.push_back({impl.empty, text.substr(0, 0), {}});
        return std::span<const Statement>(impl.statements);
    }
    const base::Status done = count == 1 && tokens.statements == 1 ? impl.one(text, raw, remember)
                                                                   : impl.script(text, raw, standard_strings);
    if (!done) {
        return std::unexpected(done.error());
    }
    // The literals lie still now.
    std::size_t at = 0;
    const std::span<const Literal> all(impl.literals);
    for (std::size_t i = 0; i < impl.statements.size(); ++i) {
        const std::size_t size = impl.literal_counts[i];
        impl.statements[i].literals = all.subspan(at, size);
        at += size;
    }
    return std::span<const Statement>(impl.statements);
}

}  // namespace domicile::sql
