#include "crypto/base64.hpp"

#include <array>
#include <cstdint>

namespace domicile::crypto {
namespace {

constexpr std::string_view standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes, std::string_view alphabet, bool pad) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = group << 8U | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            if (j <= count) {
                out += alphabet[group >> (18U - 6U * j) & 63U];
            } else if (pad) {
                out += '=';
            }
        }
    }
    return out;
}

std::optional<std::string> decode(std::string_view text, std::string_view alphabet) {
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    std::string out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t group = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const auto value = alphabet.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        group = group << 6U | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>(group >> bits & 0xFFU);
        }
    }
    if ((group & ((1U << bits) - 1U)) != 0) {
        return std::nullopt;  // two texts must not decode to the same bytes
    }
    return out;
}

}  // namespace

std::string base64(std::string_view bytes) {
    return encode(bytes, standard, true);
}
std::string base64url(std::string_view bytes) {
    return encode(bytes, url, false);
}

std::optional<std::string> base64_decode(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    for (int pad = 0; pad < 2 && text.ends_with('='); ++pad) {
        text.remove_suffix(1);
    }
    return decode(text, standard);
}

std::optional<std::string> base64url_decode(std::string_view text) {
    return decode(text, url);
}

}  // namespace domicile::crypto
