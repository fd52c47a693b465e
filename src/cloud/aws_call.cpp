#include "cloud/aws_call.hpp"

#include "cloud/files.hpp"
#include "cloud/http_call.hpp"

#include <array>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <thread>

#include <boost/json.hpp>

namespace domicile::cloud {
namespace {

namespace json = boost::json;
using base::Code;

constexpr int attempts = 3;
constexpr std::chrono::milliseconds pause{200};

struct Meaning {
    std::string_view aws;
    Code code;
};
constexpr std::array meanings{
    Meaning{"ResourceNotFoundException", Code::not_found},
    Meaning{"NotFoundException", Code::not_found},
    Meaning{"ResourceExistsException", Code::precondition_failed},
    Meaning{"InvalidRequestException", Code::precondition_failed},
    Meaning{"InvalidParameterException", Code::precondition_failed},
    Meaning{"InvalidCiphertextException", Code::invalid_value},
    Meaning{"IncorrectKeyException", Code::invalid_value},
    Meaning{"ValidationException", Code::invalid_value},
    Meaning{"DisabledException", Code::configuration},
    Meaning{"KMSInvalidStateException", Code::configuration},
    Meaning{"AccessDeniedException", Code::not_permitted},
    Meaning{"AccessDenied", Code::not_permitted},
    Meaning{"InvalidSignatureException", Code::not_permitted},
    Meaning{"SignatureDoesNotMatch", Code::not_permitted},
    Meaning{"UnrecognizedClientException", Code::not_permitted},
    Meaning{"ExpiredTokenException", Code::not_permitted},
};

/// The last part of "com.amazonaws.secretsmanager#ResourceNotFoundException".
std::string error_name(const json::object& body) {
    for (const std::string_view key : {"__type", "code", "Code"}) {
        if (const json::value* type = body.if_contains(key); type != nullptr && type->is_string()) {
            std::string_view text = type->as_string();
            text.remove_prefix(text.find('#') == std::string_view::npos ? 0 : text.find('#') + 1);
            return std::string(text.substr(0, 128));
        }
    }
    return {};
}

json::object parsed(const std::string& text) {
    boost::system::error_code failed;
    const json::value value = json::parse(text, failed);
    return !failed && value.is_object() ? value.as_object() : json::object();
}

}  // namespace

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
    const json::object body = answer ? parsed(answer->body) : json::object();
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

AwsService::AwsService(AwsAccess access, std::string region, std::string service, std::string target)
    : access_(std::move(access)),
      region_(std::move(region)),
      service_(std::move(service)),
      target_(std::move(target)) {
    url_ = access_.endpoint.empty() ? "https://" + service_ + "." + region_ + ".amazonaws.com"
                                    : access_.endpoint;
    while (url_.ends_with('/')) {
        url_.pop_back();
    }
    host_ = url_.substr(url_.find("://") + 3);
    url_ += '/';
}

base::Result<json::object> AwsService::run(std::string_view action, const json::object& body) const {
    base::Error last;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        if (attempt > 0) {
            std::this_thread::sleep_for(pause * attempt);
        }
        const auto credentials = access_.credentials();
        if (!credentials) {
            return std::unexpected(credentials.error());
        }
        HttpCall request;
        request.url = url_;
        request.method = "POST";
        request.body = json::serialize(body);
        request.headers = {{"content-type", "application/x-amz-json-1.1"},
                           {"host", host_},
                           {"x-amz-target", target_ + "." + std::string(action)}};
        const auto added = sign(
            {.method = "POST", .path = "/", .query = "", .headers = request.headers, .body = request.body},
            *credentials, region_, service_, std::time(nullptr));
        request.headers.insert(request.headers.end(), added.begin(), added.end());
        auto answer = call(request);
        explicit_bzero(request.body.data(), request.body.size());
        if (!answer) {
            last = std::move(answer.error());
            continue;
        }
        if (answer->status == 200) {
            auto result = parsed(answer->body);
            explicit_bzero(answer->body.data(), answer->body.size());
            return result;
        }
        const std::string name = error_name(parsed(answer->body));
        last = {answer->status >= 500 ? Code::node_unavailable : Code::configuration,
                service_ + " refuses " + std::string(action) + ".",
                "",
                {},
                name + ", status " + std::to_string(answer->status)};
        for (const auto& [aws, code] : meanings) {
            if (name == aws) {
                last.code = code;
            }
        }
        if (name.contains("Throttling") || name == "LimitExceededException") {
            last.code = Code::overloaded;
        }
        if (answer->status < 500 && last.code != Code::overloaded) {
            break;
        }
    }
    return std::unexpected(std::move(last));
}

}  // namespace domicile::cloud
