#include "cloud/http_call.hpp"

#include <algorithm>
#include <cctype>
#include <curl/curl.h>
#include <memory>

namespace domicile::cloud {
namespace {

using base::Code;

struct Cleanup {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

struct Received {
    std::string text;
    std::size_t bytes_max = 0;
    bool too_large = false;
};

std::size_t take(const char* bytes, std::size_t one, std::size_t count, void* to) {
    auto& received = *static_cast<Received*>(to);
    const std::size_t size = one * count;
    if (size > received.bytes_max - received.text.size()) {
        received.too_large = true;
        return 0;
    }
    received.text.append(bytes, size);
    return size;
}

constexpr std::size_t header_count_max = 128;

/// One header line.
std::size_t take_header(const char* bytes, std::size_t one, std::size_t count, void* to) {
    auto& headers = *static_cast<std::vector<std::pair<std::string, std::string>>*>(to);
    const std::string_view line(bytes, one * count);
    const auto colon = line.find(':');
    if (line.starts_with("HTTP/")) {
        headers.clear();  // of an interim answer
    } else if (colon != std::string_view::npos && headers.size() < header_count_max) {
        std::string name(line.substr(0, colon));
        std::ranges::transform(name, name.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto value = line.substr(colon + 1);
        const auto first = value.find_first_not_of(" \t\r\n");
        const auto last = value.find_last_not_of(" \t\r\n");
        headers.emplace_back(std::move(name), first == std::string_view::npos
                                                  ? std::string()
                                                  : std::string(value.substr(first, last - first + 1)));
    }
    return one * count;
}

/// curl's own set-up is not safe to run twice at once.
const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;

}  // namespace

base::Result<HttpAnswer> call(const HttpCall& request) {
    // One a thread: it keeps its connections for the next call.
    thread_local const std::unique_ptr<CURL, Cleanup> handle(ready ? curl_easy_init() : nullptr);
    CURL* curl = handle.get();
    if (curl == nullptr) {
        return base::fail(Code::internal, "libcurl does not start");
    }
    curl_easy_reset(curl);
    curl_slist* list = nullptr;
    for (const auto& [name, value] : request.headers) {
        list = curl_slist_append(list, (name + ": " + value).c_str());
    }
    list = curl_slist_append(list, "Expect:");
    const std::unique_ptr<curl_slist, Cleanup> headers(list);
    HttpAnswer answer;
    Received received{.text = {}, .bytes_max = request.bytes_max};
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 2'000L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.headers);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (request.unverified) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!request.authority.empty()) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, request.authority.c_str());
        curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    }
    if (request.method != "GET") {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }
    const CURLcode code = curl_easy_perform(curl);
    if (received.too_large) {
        return base::fail(Code::payload_too_large, "The answer of a remote service is too large.", "",
                          request.url);
    }
    if (code != CURLE_OK) {
        return base::fail(code == CURLE_OPERATION_TIMEDOUT ? Code::node_timeout : Code::node_unavailable,
                          "A remote service does not answer.", "",
                          request.url + ": " + curl_easy_strerror(code));
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    answer.body = std::move(received.text);
    return answer;
}

std::string HttpAnswer::header(std::string_view name) const {
    const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
    return found == headers.end() ? std::string() : found->second;
}

}  // namespace domicile::cloud
