#include "crypto/checkpoint.hpp"

#include "crypto/base64.hpp"

#include <algorithm>
#include <charconv>

namespace domicile::crypto {
namespace {

constexpr std::string_view dash = "\xE2\x80\x94 ";  // U+2014
constexpr std::size_t note_bytes_max = 16'384;
constexpr std::size_t key_id_bytes = 4;

std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

}  // namespace

std::string note_key_id(std::string_view name, std::string_view key) {
    const auto hash = sha256(std::string(name) + "\n\x01" + std::string(key));
    return std::string(view(hash).substr(0, key_id_bytes));
}

std::string raw_ed25519(const VerifyingKey& key) {
    for (const auto& [name, value] : key.jwk()) {
        if (name == "x") {
            return base64url_decode(value).value_or("");
        }
    }
    return {};
}

base::Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const SigningKey& key) {
    const std::string text = checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
                             base64(view(checkpoint.root)) + "\n";
    const auto signature = key.sign(text);
    if (!signature) {
        return std::unexpected(signature.error());
    }
    const std::string id = note_key_id(checkpoint.origin, raw_ed25519(key.verifying()));
    return text + "\n" + std::string(dash) + checkpoint.origin + " " + base64(id + *signature) + "\n";
}

std::optional<Checkpoint> open_checkpoint(std::string_view note, const VerifyingKey& key) {
    const auto blank = note.find("\n\n");
    if (note.size() > note_bytes_max || blank == std::string_view::npos || !note.ends_with('\n')) {
        return std::nullopt;
    }
    const std::string_view text = note.substr(0, blank + 1);
    std::string_view rest = text;
    Checkpoint checkpoint;
    checkpoint.origin = take_line(rest);
    const auto size = take_line(rest);
    const auto root = base64_decode(take_line(rest));
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), checkpoint.size);
    if (checkpoint.origin.empty() || error != std::errc{} || end != size.data() + size.size() ||
        (size.size() > 1 && size.front() == '0') || !root || root->size() != checkpoint.root.size()) {
        return std::nullopt;
    }
    std::ranges::copy(*root, checkpoint.root.begin());
    const std::string id = note_key_id(checkpoint.origin, raw_ed25519(key));
    std::string_view signatures = note.substr(blank + 2);
    while (!signatures.empty()) {
        std::string_view line = take_line(signatures);
        if (!line.starts_with(dash)) {
            return std::nullopt;
        }
        line.remove_prefix(dash.size());
        const auto space = line.find(' ');
        const auto bytes =
            space == std::string_view::npos ? std::nullopt : base64_decode(line.substr(space + 1));
        if (bytes && line.substr(0, space) == checkpoint.origin && bytes->starts_with(id) &&
            key.verify(text, std::string_view(*bytes).substr(key_id_bytes))) {
            return checkpoint;
        }
    }
    return std::nullopt;
}

}  // namespace domicile::crypto
