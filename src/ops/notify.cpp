#include "ops/notify.hpp"

#include "cloud/http_call.hpp"
#include "crypto/random.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace domicile::ops {
namespace {

using base::Code;
using namespace std::chrono_literals;

constexpr long wait_ms = 10'000;

std::unexpected<base::Error> nobody(const topology::Channel& channel, std::string detail) {
    return base::fail(Code::node_unavailable, "Nobody takes what is told to " + channel.name + ".",
                      "Look at [notify." + channel.name + "].", std::move(detail));
}

base::Status call_webhook(const topology::Channel& channel, std::string_view json) {
    cloud::HttpCall request;
    request.url = channel.target;
    request.method = "POST";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = json;
    const auto answer = cloud::call(request);
    if (!answer) {
        return nobody(channel, base::describe(answer.error()));
    }
    return answer->status >= 200 && answer->status < 300
               ? base::Status{}
               : nobody(channel, "status " + std::to_string(answer->status));
}

struct Unsent {
    std::string_view text;
};

std::size_t read_unsent(char* into, std::size_t size, std::size_t count, void* from) {
    auto& unsent = *static_cast<Unsent*>(from);
    const auto bytes = std::min(size * count, unsent.text.size());
    std::memcpy(into, unsent.text.data(), bytes);
    unsent.text.remove_prefix(bytes);
    return bytes;
}

base::Status send_mail(const topology::Channel& channel, std::string_view subject, std::string_view text) {
    const std::string message = mail(channel, subject, text, std::time(nullptr));
    Unsent unsent{message};
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
    curl_slist* list = nullptr;
    for (const auto& to : channel.words) {
        list = curl_slist_append(list, to.c_str());
    }
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> receivers(list, &curl_slist_free_all);
    curl_easy_setopt(curl.get(), CURLOPT_URL, channel.target.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, wait_ms);
    curl_easy_setopt(curl.get(), CURLOPT_MAIL_FROM, channel.from.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_MAIL_RCPT, receivers.get());
    curl_easy_setopt(curl.get(), CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, read_unsent);
    curl_easy_setopt(curl.get(), CURLOPT_READDATA, &unsent);
    const CURLcode sent = curl_easy_perform(curl.get());
    return sent == CURLE_OK ? base::Status{} : nobody(channel, curl_easy_strerror(sent));
}

/// No shell: the words are the program's arguments as they stand.
base::Status run_command(const topology::Channel& channel, std::string_view json) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return nobody(channel, std::strerror(errno));
    }
    std::vector<std::string> words = channel.words;
    std::vector<char*> arguments;
    for (auto& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t child = -1;
    const int failed = ::posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[0]);
    if (failed != 0) {
        ::close(ends[1]);
        return nobody(channel, std::strerror(failed));
    }
    // What does not fit into the pipe waits for a program that may never read: its own choice, so it is cut.
    std::ignore = ::write(ends[1], json.data(), std::min<std::size_t>(json.size(), 32'768));
    ::close(ends[1]);
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
    for (int status = 0;;) {
        const pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child) {
            return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? base::Status{}
                                                                 : nobody(channel, "it failed");
        }
        if (ended < 0 || std::chrono::steady_clock::now() > until) {
            ::kill(child, SIGKILL);
            ::waitpid(child, &status, 0);
            return nobody(channel, "it took too long");
        }
        std::this_thread::sleep_for(20ms);
    }
}

}  // namespace

std::string mail(const topology::Channel& channel, std::string_view subject, std::string_view text,
                 std::int64_t date) {
    const auto line = [](std::string_view words) {
        std::string safe(words.substr(0, 200));
        std::ranges::replace_if(safe, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
        return safe;
    };
    std::string to;
    for (const auto& one : channel.words) {
        to += (to.empty() ? "" : ", ") + line(one);
    }
    std::array<char, 64> stamp{};
    const std::time_t at = date;
    std::tm parts{};
    ::gmtime_r(&at, &parts);
    std::strftime(stamp.data(), stamp.size(), "%a, %d %b %Y %H:%M:%S +0000", &parts);
    std::string message =
        "Date: " + std::string(stamp.data()) + "\r\nFrom: " + line(channel.from) + "\r\nTo: " + to +
        "\r\nSubject: " + line(subject) + "\r\nMessage-ID: <" + crypto::random_token(16) +
        "@domicile>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    for (const char c : text) {
        if (c == '\n') {
            message += "\r\n";
        } else if (c != '\r') {
            message += c;
        }
    }
    return message + "\r\n";
}

base::Status tell(const topology::Channel& channel, std::string_view subject, std::string_view text,
                  std::string_view json) {
    switch (channel.kind) {
        case topology::Channel::Kind::webhook: return call_webhook(channel, json);
        case topology::Channel::Kind::mail: return send_mail(channel, subject, text);
        case topology::Channel::Kind::command: return run_command(channel, json);
    }
    return {};
}

}  // namespace domicile::ops
