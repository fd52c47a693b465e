#include "iam/token.hpp"

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>

namespace domicile::iam {
namespace {

namespace json = boost::json;
using base::Code;

constexpr std::size_t jwks_bytes_max = 256U << 10U;
constexpr std::size_t keys_max = 64;
constexpr std::size_t roles_max = 32;
constexpr std::size_t name_bytes_max = 256;

/// One text whatever was wrong: whoever guesses learns nothing from it.
std::unexpected<base::Error> refused(std::string why) {
    return std::unexpected(base::Error{Code::authentication_failed,
                                       "The credentials are not valid.",
                                       {},
                                       "identity/credentials",
                                       std::move(why)});
}

std::optional<json::object> parse_object(std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        return std::nullopt;
    }
    json::parse_options options;
    options.max_depth = 8;
    json::error_code failed;
    json::value value = json::parse({text.data(), text.size()}, failed, {}, options);
    if (failed || !value.is_object()) {
        return std::nullopt;
    }
    return std::move(value.as_object());
}

std::optional<std::string> text_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains({name.data(), name.size()});
    if (value == nullptr || !value->is_string() || value->as_string().size() > jwks_bytes_max) {
        return std::nullopt;
    }
    return std::string(value->as_string());
}

/// RFC 7519 section 2: NumericDate. Nothing if it is absent; `broken` if it is there and no number.
std::optional<std::int64_t> date_of(const json::object& object, std::string_view name, bool& broken) {
    const auto* value = object.if_contains({name.data(), name.size()});
    if (value == nullptr) {
        return std::nullopt;
    }
    if (value->is_int64() && value->as_int64() >= 0) {
        return value->as_int64();
    }
    if (value->is_double() && value->as_double() >= 0 && value->as_double() < 1e15) {
        return static_cast<std::int64_t>(value->as_double());
    }
    broken = true;
    return std::nullopt;
}

/// A string, or a list of strings; empty for anything else.
std::vector<std::string> texts_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains({name.data(), name.size()});
    std::vector<std::string> texts;
    if (value == nullptr) {
        return texts;
    }
    if (value->is_string()) {
        texts.emplace_back(value->as_string());
    } else if (value->is_array() && value->as_array().size() <= roles_max) {
        for (const auto& one : value->as_array()) {
            if (!one.is_string()) {
                return {};
            }
            texts.emplace_back(one.as_string());
        }
    }
    return texts;
}

/// Fit to stand in a log, a key or a policy variable.
bool is_plain(std::string_view text) {
    return text.size() <= name_bytes_max && std::ranges::none_of(text, [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
           });
}

struct Parts {
    std::string_view signed_bytes;
    std::string_view header;
    std::string_view payload;
    std::string_view signature;
};

std::optional<Parts> split(std::string_view token) {
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
        return std::nullopt;
    }
    return Parts{token.substr(0, second), token.substr(0, first), token.substr(first + 1, second - first - 1),
                 token.substr(second + 1)};
}

template <class List, class T>
bool holds(const List& list, const T& value) {
    return std::ranges::find(list, value) != list.end();
}

/// Whether any key the token may mean has made the signature.
bool is_signed(const Issuer& issuer, crypto::SignatureAlgorithm algorithm,
               const std::optional<std::string>& key_id, std::string_view message, std::string_view signature,
               bool& known) {
    for (const auto& key : issuer.keys) {
        if (key.key.algorithm() != algorithm || (key_id && !key.id.empty() && key.id != *key_id)) {
            continue;
        }
        known = true;
        if (key.key.verify(message, signature)) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool looks_like_token(std::string_view text) noexcept {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    return text.size() <= token_bytes_max && text.starts_with("ey") && std::ranges::count(text, '.') == 2 &&
           text.find_first_not_of(alphabet) == std::string_view::npos;
}

base::Result<Claims> verify_token(std::string_view token, std::span<const Issuer> issuers, std::int64_t now,
                                  bool* unknown_key) {
    if (token.size() > token_bytes_max) {
        return refused("too long");
    }
    const auto parts = split(token);
    const auto header_text = parts ? crypto::base64url_decode(parts->header) : std::nullopt;
    const auto payload_text = parts ? crypto::base64url_decode(parts->payload) : std::nullopt;
    const auto signature = parts ? crypto::base64url_decode(parts->signature) : std::nullopt;
    const auto header = header_text ? parse_object(*header_text, token_bytes_max) : std::nullopt;
    const auto payload = payload_text ? parse_object(*payload_text, token_bytes_max) : std::nullopt;
    if (!header || !payload || !signature) {
        return refused("not a JWT");
    }
    const auto algorithm = crypto::signature_algorithm(text_of(*header, "alg").value_or(""));
    if (!algorithm) {
        return refused("algorithm not allowed");
    }
    if (header->contains("crit") || header->contains("b64") || header->contains("zip")) {
        return refused("header asks for an extension");  // RFC 7515 section 4.1.11: refuse what is not known
    }
    if (const auto* type = header->if_contains("typ"); type != nullptr) {
        const auto text = text_of(*header, "typ").value_or("");
        if (text != "JWT" && text != "jwt" && text != "at+jwt") {
            return refused("not an access token");
        }
    }
    const auto issuer_name = text_of(*payload, "iss").value_or("");
    const auto issuer = std::ranges::find(issuers, issuer_name, &Issuer::name);
    if (issuer == issuers.end()) {
        return refused("unknown issuer");
    }
    if (!issuer->algorithms.empty() && !holds(issuer->algorithms, *algorithm)) {
        return refused("algorithm not allowed for this issuer");
    }
    bool known = false;
    if (!is_signed(*issuer, *algorithm, text_of(*header, "kid"), parts->signed_bytes, *signature, known)) {
        if (unknown_key != nullptr) {
            *unknown_key = !known;
        }
        return refused(known ? "signature does not verify" : "unknown key");
    }
    // From here on the issuer's word is certain; what remains is whether it is meant for us, and now.
    Claims claims;
    claims.issuer = issuer_name;
    bool broken = false;
    const auto expires = date_of(*payload, "exp", broken);
    claims.not_before = date_of(*payload, "nbf", broken).value_or(0);
    claims.issued = date_of(*payload, "iat", broken).value_or(0);
    if (broken || !expires) {
        return refused("no expiry, or a time that is no number");
    }
    claims.expires = *expires;
    if (now >= claims.expires + clock_skew_seconds) {
        return refused("expired");
    }
    if (now + clock_skew_seconds < claims.not_before || now + clock_skew_seconds < claims.issued) {
        return refused("not valid yet");
    }
    for (const auto& audience : texts_of(*payload, "aud")) {
        if (holds(issuer->audiences, audience)) {
            claims.audience = audience;
        }
    }
    if (claims.audience.empty()) {
        return refused("wrong audience");
    }
    claims.name = text_of(*payload, "sub").value_or("");
    claims.roles = texts_of(*payload, "roles");
    claims.jurisdiction = text_of(*payload, "jurisdiction").value_or("");
    claims.purpose = text_of(*payload, "purpose").value_or("");
    if (claims.name.empty() || claims.roles.empty() || !is_plain(claims.name) || !is_plain(claims.purpose) ||
        !std::ranges::all_of(claims.roles, is_plain)) {
        return refused("no name or no role, or one that is none");
    }
    if (!holds(issuer->jurisdictions, claims.jurisdiction)) {
        return refused("jurisdiction not the issuer's");
    }
    if (!issuer->roles.empty() &&
        !std::ranges::all_of(claims.roles, [&](const auto& role) { return holds(issuer->roles, role); })) {
        return refused("role not the issuer's");
    }
    if (const auto* user = payload->if_contains("user"); user != nullptr) {
        if (!user->is_int64()) {
            return refused("user is no integer");
        }
        claims.user = base::UserId{user->as_int64()};
    }
    return claims;
}

base::Result<std::string> issue_token(const Claims& claims, const crypto::SigningKey& key,
                                      std::string_view key_id) {
    json::object header;
    header["alg"] = crypto::name(key.algorithm());
    header["typ"] = "JWT";
    header["kid"] = key_id;
    json::object payload;
    payload["iss"] = claims.issuer;
    payload["aud"] = claims.audience;
    payload["sub"] = claims.name;
    json::array roles;
    for (const auto& role : claims.roles) {
        roles.emplace_back(role);
    }
    payload["roles"] = std::move(roles);
    payload["jurisdiction"] = claims.jurisdiction;
    if (claims.user) {
        payload["user"] = claims.user->value;
    }
    if (!claims.purpose.empty()) {
        payload["purpose"] = claims.purpose;
    }
    payload["iat"] = claims.issued;
    if (claims.not_before != 0) {
        payload["nbf"] = claims.not_before;
    }
    payload["exp"] = claims.expires;
    std::string text =
        crypto::base64url(json::serialize(header)) + "." + crypto::base64url(json::serialize(payload));
    auto signature = key.sign(text);
    if (!signature) {
        return signature;
    }
    return text + "." + crypto::base64url(*signature);
}

base::Result<std::vector<IssuerKey>> parse_jwks(std::string_view text) {
    const auto set = parse_object(text, jwks_bytes_max);
    const auto* list = set ? set->if_contains("keys") : nullptr;
    if (list == nullptr || !list->is_array() || list->as_array().size() > keys_max) {
        return base::fail(Code::malformed_request, "It is no JWK set.",
                          "A JWK set is {\"keys\": [ … ]} (RFC 7517).");
    }
    std::vector<IssuerKey> keys;
    for (const auto& one : list->as_array()) {
        if (!one.is_object()) {
            continue;
        }
        const auto& jwk = one.as_object();
        const auto part = [&](std::string_view name) {
            return crypto::base64url_decode(text_of(jwk, name).value_or("")).value_or("");
        };
        const auto kind = text_of(jwk, "kty").value_or("");
        const auto curve = text_of(jwk, "crv").value_or("");
        if (text_of(jwk, "use").value_or("sig") != "sig") {
            continue;
        }
        // Symmetric keys ("oct") are never taken: whoever verifies with one could sign with it.
        auto key = kind == "OKP" && curve == "Ed25519" ? crypto::VerifyingKey::from_ed25519(part("x"))
                   : kind == "EC" && curve == "P-256"  ? crypto::VerifyingKey::from_p256(part("x"), part("y"))
                   : kind == "RSA"                     ? crypto::VerifyingKey::from_rsa(part("n"), part("e"))
                                   : base::Result<crypto::VerifyingKey>(base::fail(Code::invalid_value, ""));
        const auto algorithm = text_of(jwk, "alg");
        if (key && (!algorithm || *algorithm == crypto::name(key->algorithm()))) {
            keys.push_back({text_of(jwk, "kid").value_or(""), std::move(*key)});
        }
    }
    return keys;
}

std::string render_jwks(std::span<const IssuerKey> keys) {
    json::array list;
    for (const auto& key : keys) {
        json::object jwk;
        for (const auto& [name, value] : key.key.jwk()) {
            jwk[name] = value;
        }
        jwk["kid"] = key.id;
        jwk["use"] = "sig";
        jwk["alg"] = crypto::name(key.key.algorithm());
        list.emplace_back(std::move(jwk));
    }
    json::object set;
    set["keys"] = std::move(list);
    return json::serialize(set);
}

std::string thumbprint(const crypto::VerifyingKey& key) {
    auto members = key.jwk();
    std::ranges::sort(members);
    std::string text = "{";
    for (const auto& [name, value] : members) {
        text += (text.size() > 1 ? ",\"" : "\"") + name + "\":\"" + value + "\"";
    }
    return crypto::base64url(crypto::view(crypto::sha256(text + "}")));
}

}  // namespace domicile::iam
