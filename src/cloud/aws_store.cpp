#include "cloud/aws_store.hpp"

#include "cloud/http_call.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"

#include <charconv>
#include <ctime>
#include <sstream>
#include <thread>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>

namespace domicile::cloud {
namespace {

using base::Code;

constexpr int attempts = 3;
constexpr std::chrono::milliseconds pause{200};
constexpr std::int64_t day_s = 86'400;

/// RFC 3986, as S3 signs it: everything but unreserved characters; slashes stay in a path.
std::string encoded(std::string_view text, bool path) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '.' || c == '_' || c == '~' || (path && c == '/');
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += digits[static_cast<unsigned char>(c) >> 4U];
            out += digits[static_cast<unsigned char>(c) & 15U];
        }
    }
    return out;
}

std::string retain_until(std::int64_t days) {
    const std::time_t until = std::time(nullptr) + static_cast<std::time_t>(days * day_s);
    std::tm utc{};
    ::gmtime_r(&until, &utc);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

/// The text of the first element of that name; S3's errors are short.
std::string element(const std::string& xml, const std::string& name) {
    const auto from = xml.find("<" + name + ">");
    const auto to = xml.find("</" + name + ">", from);
    return from == std::string::npos || to == std::string::npos
               ? std::string()
               : xml.substr(from + name.size() + 2, to - from - name.size() - 2);
}

}  // namespace

struct AwsStore::Answer {
    int status = 0;
    std::string body;
    std::string sha256;  ///< of our own, in hex; empty: there is none
};

AwsStore::AwsStore(AwsAccess access, std::string region, std::string bucket, std::uint32_t retain_days)
    : access_(std::move(access)),
      region_(std::move(region)),
      bucket_(std::move(bucket)),
      retain_days_(retain_days) {
    // A server of one's own has buckets in the path, AWS in the host's name.
    url_ = access_.endpoint.empty() ? "https://" + bucket_ + ".s3." + region_ + ".amazonaws.com"
                                    : access_.endpoint;
    while (url_.ends_with('/')) {
        url_.pop_back();
    }
    host_ = url_.substr(url_.find("://") + 3);
    root_ = access_.endpoint.empty() ? "/" : "/" + bucket_ + "/";
}

base::Result<AwsStore::Answer> AwsStore::run(std::string_view method, const std::string& path,
                                             const std::string& query, std::string_view body,
                                             std::vector<std::pair<std::string, std::string>> headers) {
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
        request.url = url_ + path + (query.empty() ? "" : "?" + query);
        request.method = method;
        request.body = body;
        request.bytes_max = object_bytes_max + (1U << 20U);
        request.timeout = std::chrono::seconds{60};
        request.headers = headers;
        if (method == "PUT") {
            request.headers.emplace_back("content-type", "application/octet-stream");
        }
        request.headers.emplace_back("host", host_);
        request.headers.emplace_back("x-amz-content-sha256", crypto::hex(crypto::view(crypto::sha256(body))));
        const auto added =
            sign({.method = method, .path = path, .query = query, .headers = request.headers, .body = body},
                 *credentials, region_, "s3", std::time(nullptr));
        request.headers.insert(request.headers.end(), added.begin(), added.end());
        auto answer = call(request);
        if (!answer) {
            last = std::move(answer.error());
            continue;
        }
        if (answer->status < 300) {
            return Answer{answer->status, std::move(answer->body), answer->header("x-amz-meta-sha256")};
        }
        const std::string name = element(answer->body, "Code");
        last = {answer->status >= 500                            ? Code::node_unavailable
                : answer->status == 404                          ? Code::not_found
                : answer->status == 412 || answer->status == 409 ? Code::precondition_failed
                : answer->status == 403                          ? Code::not_permitted
                                                                 : Code::configuration,
                answer->status == 404   ? "There is no such object."
                : answer->status == 412 ? "The object is there already."
                                        : "The object store refuses.",
                "",
                {},
                name + ", status " + std::to_string(answer->status)};
        // 409: somebody else is putting the same key just now.
        if (answer->status < 500 && answer->status != 409 && answer->status != 429) {
            break;
        }
    }
    return std::unexpected(std::move(last));
}

base::Status AwsStore::write(std::string_view key, std::string_view bytes, bool replace) {
    if (!is_object_key(key) || bytes.size() > object_bytes_max) {
        return base::fail(Code::invalid_value, "That is no key, or too large for an object.");
    }
    const auto digest = crypto::sha256(bytes);
    std::vector<std::pair<std::string, std::string>> headers = {
        {"x-amz-sdk-checksum-algorithm", "SHA256"},
        {"x-amz-checksum-sha256", crypto::base64(crypto::view(digest))},
        {"x-amz-meta-sha256", crypto::hex(crypto::view(digest))}};
    if (!replace) {
        headers.emplace_back("if-none-match", "*");
        if (retain_days_ > 0) {
            headers.emplace_back("x-amz-object-lock-mode", "COMPLIANCE");
            headers.emplace_back("x-amz-object-lock-retain-until-date", retain_until(retain_days_));
        }
    }
    const auto done = run("PUT", root_ + encoded(key, true), "", bytes, std::move(headers));
    return done ? base::Status() : std::unexpected(done.error());
}

base::Status AwsStore::put_if_absent(std::string_view key, std::string_view bytes) {
    return write(key, bytes, false);
}

base::Status AwsStore::put(std::string_view key, std::string_view bytes) {
    return write(key, bytes, true);
}

base::Result<std::string> AwsStore::get(std::string_view key) {
    if (!is_object_key(key)) {
        return base::fail(Code::invalid_value, "That is no key of an object.");
    }
    auto answer = run("GET", root_ + encoded(key, true), "", "", {});
    if (!answer) {
        return std::unexpected(std::move(answer.error()));
    }
    if (answer->sha256 != crypto::hex(crypto::view(crypto::sha256(answer->body)))) {
        return base::fail(Code::internal, "An object is not what was put.", "Restore it from a version.",
                          std::string(key));
    }
    return std::move(answer->body);
}

base::Result<std::vector<StoredObject>> AwsStore::list(std::string_view prefix) {
    std::vector<StoredObject> all;
    std::string token;
    do {
        // Sorted by name, as they are signed.
        const std::string query = (token.empty() ? "" : "continuation-token=" + encoded(token, false) + "&") +
                                  "list-type=2&prefix=" + encoded(prefix, false);
        // Without a slash behind the bucket's name, as AWS's own clients write it.
        const auto answer =
            run("GET", root_.size() > 1 ? root_.substr(0, root_.size() - 1) : root_, query, "", {});
        if (!answer) {
            return std::unexpected(answer.error());
        }
        try {
            boost::property_tree::ptree tree;
            std::istringstream in(answer->body);
            boost::property_tree::read_xml(in, tree);
            token = tree.get("ListBucketResult.NextContinuationToken", "");
            for (const auto& [name, node] : tree.get_child("ListBucketResult")) {
                if (name == "Contents") {
                    all.push_back({node.get<std::string>("Key"), node.get<std::uint64_t>("Size")});
                }
            }
        } catch (const boost::property_tree::ptree_error& error) {
            return base::fail(Code::protocol_violation, "The object store gives something else than a list.",
                              {}, error.what());
        }
    } while (!token.empty());
    return all;
}

}  // namespace domicile::cloud
