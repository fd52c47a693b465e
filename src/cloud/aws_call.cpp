#include "cloud/aws_call.hpp"

#include "cloud/http_call.hpp"

#include <array>
#include <ctime>
#include <thread>

#include <boost/json.hpp>

namespace domicile::cloud {
namespace {

namespace json = boost::json;
using base::Code;

constexpr int attempts = 3;
constexpr std::size_t answer_bytes_max = 24U << 20U;  // ten messages of a mebibyte, escaped
constexpr std::chrono::milliseconds pause{200};

struct Meaning {
    std::string_view aws;
    Code code;
};
constexpr std::array meanings{
    Meaning{"ResourceNotFoundException", Code::not_found},
    Meaning{"NotFoundException", Code::not_found},
    Meaning{"QueueDoesNotExist", Code::not_found},
    Meaning{"AWS.SimpleQueueService.NonExistentQueue", Code::not_found},
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

AwsService::AwsService(AwsAccess access, std::string region, std::string service, std::string target,
                       std::string version)
    : access_(std::move(access)),
      region_(std::move(region)),
      service_(std::move(service)),
      target_(std::move(target)),
      version_(std::move(version)) {
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
        request.bytes_max = answer_bytes_max;
        request.body = json::serialize(body);
        request.headers = {{"content-type", "application/x-amz-json-" + version_},
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
