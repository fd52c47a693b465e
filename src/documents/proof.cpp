#include "documents/proof.hpp"

#include "crypto/base64.hpp"
#include "documents/manifest.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::documents {
namespace {

using crypto::Digest;

constexpr std::string_view inclusion_title = "c2sp.org/tlog-proof@v1\n";
constexpr std::size_t text_bytes_max = 65'536;

std::string lines_of(const std::vector<Digest>& hashes) {
    std::string text;
    for (const auto& hash : hashes) {
        text += crypto::base64(crypto::view(hash)) + "\n";
    }
    return text;
}

/// What follows `word` on its line, which is taken off.
std::optional<std::string_view> take(std::string_view& text, std::string_view word) {
    const auto end = text.find('\n');
    if (!text.starts_with(word) || end == std::string_view::npos) {
        return std::nullopt;
    }
    const auto rest = text.substr(word.size(), end - word.size());
    text.remove_prefix(end + 1);
    return rest;
}

std::optional<std::uint64_t> number_of(std::optional<std::string_view> text) {
    std::uint64_t value = 0;
    if (!text) {
        return std::nullopt;
    }
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    return error == std::errc{} && end == text->data() + text->size() ? std::optional(value) : std::nullopt;
}

/// Hashes, one a line, up to a blank line, which is taken off, too.
std::optional<std::vector<Digest>> take_hashes(std::string_view& text) {
    std::vector<Digest> hashes;
    for (;;) {
        const auto line = take(text, "");
        if (!line) {
            return std::nullopt;
        }
        if (line->empty()) {
            return hashes;
        }
        const auto bytes = crypto::base64_decode(*line);
        Digest hash;
        if (!bytes || bytes->size() != hash.size() || hashes.size() == 64) {
            return std::nullopt;
        }
        std::ranges::copy(*bytes, hash.begin());
        hashes.push_back(hash);
    }
}

}  // namespace

std::string to_text(const InclusionProof& proof) {
    return std::string(inclusion_title) + "extra " + crypto::base64(proof.id + " " + proof.salt) +
           "\nindex " + std::to_string(proof.index) + "\n" + lines_of(proof.hashes) + "\n" + proof.checkpoint;
}

std::optional<InclusionProof> parse_inclusion(std::string_view text) {
    if (text.size() > text_bytes_max || !text.starts_with(inclusion_title)) {
        return std::nullopt;
    }
    text.remove_prefix(inclusion_title.size());
    const auto coded = take(text, "extra ");
    const auto extra = coded ? crypto::base64_decode(*coded) : std::nullopt;
    const auto index = number_of(take(text, "index "));
    auto hashes = index ? take_hashes(text) : std::nullopt;
    const auto blank = extra ? extra->find(' ') : std::string::npos;
    if (!hashes || blank == std::string::npos) {
        return std::nullopt;
    }
    return InclusionProof{extra->substr(0, blank), extra->substr(blank + 1), *index, std::move(*hashes),
                          std::string(text)};
}

std::optional<crypto::Checkpoint> check(const InclusionProof& proof, std::string_view sha256,
                                        const crypto::VerifyingKey& key) {
    auto checkpoint = crypto::open_checkpoint(proof.checkpoint, key);
    return checkpoint && crypto::verify_inclusion(leaf_of(proof.id, sha256, proof.salt), proof.index,
                                                  checkpoint->size, proof.hashes, checkpoint->root)
               ? checkpoint
               : std::nullopt;
}

std::string to_text(const ConsistencyProof& proof) {
    return "old " + std::to_string(proof.old_size) + "\n" + lines_of(proof.hashes) + "\n" + proof.checkpoint;
}

std::optional<ConsistencyProof> parse_consistency(std::string_view text) {
    if (text.size() > text_bytes_max) {
        return std::nullopt;
    }
    const auto size = number_of(take(text, "old "));
    auto hashes = size ? take_hashes(text) : std::nullopt;
    return hashes ? std::optional(ConsistencyProof{*size, std::move(*hashes), std::string(text)})
                  : std::nullopt;
}

std::optional<crypto::Checkpoint> check(const ConsistencyProof& proof, const crypto::Checkpoint& older,
                                        const crypto::VerifyingKey& key) {
    auto newer = crypto::open_checkpoint(proof.checkpoint, key);
    return newer && newer->origin == older.origin && proof.old_size == older.size &&
                   crypto::verify_consistency(older.size, older.root, newer->size, newer->root, proof.hashes)
               ? newer
               : std::nullopt;
}

}  // namespace domicile::documents
