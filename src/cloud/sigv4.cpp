#include "cloud/sigv4.hpp"

#include "crypto/hash.hpp"

#include <algorithm>
#include <ctime>

namespace domicile::cloud {
namespace {

std::string hex_hash(std::string_view text) {
    return crypto::hex(crypto::view(crypto::sha256(text)));
}

/// Blanks around a value go, several in a row become one.
std::string trimmed(std::string_view value) {
    std::string text;
    for (const char c : value) {
        if (c != ' ' || (!text.empty() && text.back() != ' ')) {
            text += c;
        }
    }
    while (text.ends_with(' ')) {
        text.pop_back();
    }
    return text;
}

}  // namespace

std::string amz_date(std::int64_t unix_seconds) {
    const std::time_t time = unix_seconds;
    std::tm utc{};
    ::gmtime_r(&time, &utc);
    char text[32];
    const auto size = std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
    return {text, size};
}

std::vector<std::pair<std::string, std::string>> sign(UnsignedRequest request,
                                                      const AwsCredentials& credentials,
                                                      std::string_view region, std::string_view service,
                                                      std::int64_t unix_seconds) {
    const std::string date = amz_date(unix_seconds);
    std::vector<std::pair<std::string, std::string>> added{{"x-amz-date", date}};
    if (!credentials.session_token.empty()) {
        added.emplace_back("x-amz-security-token", credentials.session_token);
    }
    request.headers.insert(request.headers.end(), added.begin(), added.end());
    std::ranges::sort(request.headers);
    std::string canonical = std::string(request.method) + "\n" + std::string(request.path) + "\n" +
                            std::string(request.query) + "\n";
    std::string names;
    for (const auto& [name, value] : request.headers) {
        canonical += name + ":" + trimmed(value) + "\n";
        names += (names.empty() ? "" : ";") + name;
    }
    canonical += "\n" + names + "\n" + hex_hash(request.body);

    const std::string day = date.substr(0, 8);
    const std::string scope = day + "/" + std::string(region) + "/" + std::string(service) + "/aws4_request";
    const std::string to_sign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex_hash(canonical);
    const base::Secret<std::string> first("AWS4" + credentials.secret_key.reveal());
    crypto::Digest key = crypto::hmac_sha256(first.reveal(), day);
    for (const std::string_view part : {region, service, std::string_view("aws4_request")}) {
        key = crypto::hmac_sha256(crypto::view(key), part);
    }
    const std::string signature = crypto::hex(crypto::view(crypto::hmac_sha256(crypto::view(key), to_sign)));
    added.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" +
                                            scope + ", SignedHeaders=" + names + ", Signature=" + signature);
    return added;
}

}  // namespace domicile::cloud
