#include "cloud/aws_credentials.hpp"

#include "cloud/files.hpp"
#include "cloud/http_call.hpp"

#include <cstdlib>
#include <ctime>
#include <mutex>

#include <boost/json.hpp>

namespace domicile::cloud {

namespace json = boost::json;
using base::Code;

std::optional<AwsCredentials> parse_credentials_file(std::string_view text) {
    const auto trim = [](std::string_view part) {
        while (!part.empty() && (part.front() == ' ' || part.front() == '\t')) {
            part.remove_prefix(1);
        }
        while (!part.empty() && (part.back() == ' ' || part.back() == '\t' || part.back() == '\r')) {
            part.remove_suffix(1);
        }
        return part;
    };
    AwsCredentials credentials;
    bool inside = false;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = trim(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.starts_with('[')) {
            inside = line == "[default]";
        }
        const auto equals = line.find('=');
        if (!inside || line.starts_with('#') || equals == std::string_view::npos) {
            continue;
        }
        const std::string_view name = trim(line.substr(0, equals));
        std::string value(trim(line.substr(equals + 1)));
        if (name == "aws_access_key_id") {
            credentials.access_key = std::move(value);
        } else if (name == "aws_secret_access_key") {
            credentials.secret_key = base::Secret<std::string>(std::move(value));
        } else if (name == "aws_session_token") {
            credentials.session_token = std::move(value);
        }
    }
    return credentials.access_key.empty() || credentials.secret_key.empty() ? std::nullopt
                                                                            : std::optional(credentials);
}

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

/// What the container's agent gives (AWS SDKs Reference Guide, "Container credential provider").
base::Result<AwsCredentials> of_container(const std::string& url) {
    struct Kept {
        std::mutex mutex;
        std::optional<AwsCredentials> credentials;
        std::time_t until = 0;
    };
    static Kept kept;
    const std::lock_guard lock(kept.mutex);
    if (kept.credentials && std::time(nullptr) < kept.until) {
        return *kept.credentials;
    }
    HttpCall request;
    request.url = url;
    const std::string file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (!file.empty()) {
        auto token = read_private(file, 64U << 10U);
        if (!token) {
            return std::unexpected(std::move(token.error()));
        }
        request.headers.emplace_back("authorization", std::move(*token));
    }
    const auto answer = call(request);
    boost::system::error_code failed;
    const json::value read = answer ? json::parse(answer->body, failed) : json::value();
    const json::object body = !failed && read.is_object() ? read.as_object() : json::object();
    const auto text = [&](std::string_view name) {
        const json::value* value = body.if_contains(name);
        return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
    };
    AwsCredentials credentials{text("AccessKeyId"), base::Secret<std::string>(text("SecretAccessKey")),
                               text("Token")};
    if (credentials.access_key.empty() || credentials.secret_key.empty()) {
        return base::fail(Code::node_unavailable, "The container's endpoint gives no AWS credentials.");
    }
    kept.credentials = credentials;
    kept.until = std::time(nullptr) + 300;  // they are renewed long before they end
    return credentials;
}

}  // namespace

base::Result<AwsCredentials> find_credentials() {
    AwsCredentials credentials;
    credentials.access_key = environment("AWS_ACCESS_KEY_ID");
    credentials.secret_key = base::Secret<std::string>(environment("AWS_SECRET_ACCESS_KEY"));
    credentials.session_token = environment("AWS_SESSION_TOKEN");
    if (!credentials.access_key.empty() && !credentials.secret_key.empty()) {
        return credentials;
    }
    if (const std::string file = environment("AWS_SHARED_CREDENTIALS_FILE"); !file.empty()) {
        auto read = read_private(file, 64U << 10U);
        if (!read) {
            return std::unexpected(std::move(read.error()));
        }
        const base::Secret<std::string> text(std::move(*read));
        if (auto found = parse_credentials_file(text.reveal())) {
            return std::move(*found);
        }
    }
    if (const std::string url = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI"); !url.empty()) {
        return of_container(url);
    }
    return base::fail(
        Code::configuration, "There are no AWS credentials.",
        "Set AWS_SHARED_CREDENTIALS_FILE, which gateways inherit, or what AWS's own tools read.");
}

}  // namespace domicile::cloud
