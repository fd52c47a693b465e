#include "access/access_log.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace domicile::access {
namespace {

using base::Code;

constexpr std::uint64_t file_bytes_max = 64U << 20U;
constexpr std::size_t queued_max = 65'536;
constexpr std::size_t refusals_kept = 256;
constexpr std::string_view hash_key = ",\"hash\":\"";
constexpr std::size_t hash_chars = 64;
constexpr std::size_t tail_bytes = hash_key.size() + hash_chars + 2;  // …"}

std::string file_name(std::uint64_t first) {
    std::array<char, 40> text{};
    return {text.data(),
            static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "access-%012llu.jsonl",
                                                   static_cast<unsigned long long>(first)))};
}

/// Oldest first; the names sort by number.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with("access-") && name.ends_with(".jsonl")) {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    return files;
}

std::string time_text() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count() % 1'000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 40> text{};
    const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(milliseconds));
    return text.data();
}

void append_text(std::string& out, std::string_view key, std::string_view value) {
    out.append(",\"").append(key).append("\":\"");
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(c));
            out += escaped.data();
        } else {
            out += c;
        }
    }
    out += '"';
}

/// The next link: over the last one and the line without its hash.
crypto::Digest link(const crypto::Digest& chain, std::string_view line) {
    std::string text(crypto::view(chain));
    text.append(line);
    return crypto::sha256(text);
}

crypto::Digest first_link(std::string_view region) {
    return crypto::sha256("domicile access log of " + std::string(region));
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// One line of a file, taken apart: what is hashed, and the hash. Nothing if it is no line of ours.
struct Line {
    std::string_view body;
    std::string_view hash;
    std::uint64_t number = 0;
};
std::optional<Line> take_apart(std::string_view line) {
    if (line.size() < tail_bytes || !line.ends_with("\"}") || !line.starts_with("{\"n\":")) {
        return std::nullopt;
    }
    const auto body = line.substr(0, line.size() - tail_bytes);
    if (line.substr(body.size(), hash_key.size()) != hash_key) {
        return std::nullopt;
    }
    Line parts{body, line.substr(body.size() + hash_key.size(), hash_chars)};
    std::from_chars(line.data() + 5, line.data() + line.size(), parts.number);
    return parts;
}

std::optional<crypto::Digest> unhex(std::string_view text) {
    crypto::Digest digest{};
    if (text.size() != 2 * digest.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < digest.size(); ++i) {
        const auto* begin = text.data() + 2 * i;
        if (std::from_chars(begin, begin + 2, digest[i], 16).ptr != begin + 2) {
            return std::nullopt;
        }
    }
    return digest;
}

}  // namespace

std::string pseudonym(const base::Secret<std::string>& key, std::string_view what) {
    return crypto::hex(crypto::view(crypto::hmac_sha256(key.reveal(), what)).substr(0, 16));
}

AccessLog::AccessLog(std::filesystem::path folder, std::string region, base::Secret<std::string> key)
    : folder_(std::move(folder)),
      region_(std::move(region)),
      key_(std::move(key)),
      chain_(first_link(region_)) {}

base::Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::filesystem::path& folder,
                                                         std::string_view region,
                                                         base::Secret<std::string> key) {
    std::unique_ptr<AccessLog> log(new AccessLog(folder, std::string(region), std::move(key)));
    const auto unusable = [&](std::string_view why) {
        return base::fail(Code::configuration, "The access log in " + folder.string() + " cannot be written.",
                          "Nothing is served that cannot be logged.", std::string(why));
    };
    const auto files = files_of(folder);
    if (files.empty()) {
        if (!log->roll()) {
            return unusable(std::strerror(errno));
        }
    } else {
        std::ifstream file(files.back(), std::ios::binary);
        std::string text((std::istreambuf_iterator<char>(file)), {});
        // A line that a crash cut short was never answered for: it goes.
        const auto end = text.rfind('\n');
        text.resize(end == std::string::npos ? 0 : end + 1);
        if (::truncate(files.back().c_str(), static_cast<off_t>(text.size())) != 0) {
            return unusable(std::strerror(errno));
        }
        log->bytes_ = text.size();
        std::string last;
        if (!text.empty()) {
            text.pop_back();
            last = text.substr(text.rfind('\n') + 1);
        } else if (files.size() > 1) {
            std::ifstream before(files[files.size() - 2], std::ios::binary);
            for (std::string line; std::getline(before, line);) {
                last = line;
            }
        }
        if (!last.empty()) {
            const auto parts = take_apart(last);
            const auto digest = parts ? unhex(parts->hash) : std::nullopt;
            if (!digest) {
                return base::fail(
                    Code::precondition_failed,
                    "The last line of the access log " + files.back().string() + " is not ours.",
                    "Check it with `domicile access-log check`; move the folder away to begin anew.");
            }
            log->chain_ = *digest;
            log->number_ = parts->number;
        }
        log->fd_ = ::open(files.back().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
        if (log->fd_ < 0) {
            return unusable(std::strerror(errno));
        }
    }
    log->writer_ = std::thread([raw = log.get()] { raw->write(); });
    return log;
}

AccessLog::~AccessLog() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    if (writer_.joinable()) {
        writer_.join();
    }
    if (fd_ >= 0) {
        ::fdatasync(fd_);
        ::close(fd_);
    }
}

bool AccessLog::roll() {
    const int fd =
        ::open((folder_ / file_name(number_ + 1)).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    if (fd_ >= 0) {
        ::fdatasync(fd_);
        ::close(fd_);
    }
    fd_ = fd;
    bytes_ = 0;
    return true;
}

void AccessLog::append(const Entry& entry) {
    std::string line;
    line.reserve(320);
    append_text(line, "time", time_text());
    append_text(line, "door", entry.door);
    append_text(line, "who", entry.who);
    append_text(line, "role", entry.role);
    append_text(line, "from", entry.from);
    if (entry.subject) {
        append_text(line, "subject", pseudonym_of(std::to_string(entry.subject->value)));
    }
    append_text(line, "action", entry.action);
    append_text(line, "what", entry.what);
    line += entry.allowed ? ",\"allowed\":true" : ",\"allowed\":false";
    if (!entry.rule.empty()) {
        append_text(line, "rule", entry.rule);
    }
    if (!entry.by.empty()) {
        append_text(line, "by", entry.by);
    }
    std::string refused;
    if (!entry.allowed && !entry.rule.empty()) {
        append_text(refused, "at", time_text());
        refused[0] = '{';
        append_text(refused, "region", region_);
        append_text(refused, "door", entry.door);
        append_text(refused, "rule", entry.rule);
        append_text(
            refused, "subject",
            entry.subject ? pseudonym_of(std::to_string(entry.subject->value)) : std::string(entry.who));
        refused += ",\"count\":1}";
    }
    std::unique_lock lock(mutex_);
    if (!refused.empty()) {
        ++refusals_;
        refused_.push_back(std::move(refused));
        if (refused_.size() > refusals_kept) {
            refused_.pop_front();
        }
    }
    written_.wait(lock, [&] { return queue_.size() < queued_max || stop_; });
    queue_.push_back(std::move(line));
    ++queued_;
    lock.unlock();
    wake_.notify_one();
}

std::vector<std::string> AccessLog::refusals(std::uint64_t& seen) const {
    const std::lock_guard lock(mutex_);
    const auto fresh = std::min<std::uint64_t>(refusals_ - std::min(seen, refusals_), refused_.size());
    seen = refusals_;
    return {refused_.end() - static_cast<std::ptrdiff_t>(fresh), refused_.end()};
}

void AccessLog::flush() {
    std::unique_lock lock(mutex_);
    const auto until = queued_;
    wake_.notify_one();
    written_.wait(lock, [&] { return done_ >= until; });
}

void AccessLog::write() {
    std::vector<std::string> batch;
    std::string bytes;
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [&] { return stop_ || !queue_.empty(); });
        if (queue_.empty()) {
            return;
        }
        batch.swap(queue_);
        lock.unlock();
        bytes.clear();
        for (const auto& rest : batch) {
            const std::string body =
                "{\"n\":" + std::to_string(++number_) + ",\"region\":\"" + region_ + "\"" + rest;
            chain_ = link(chain_, body);
            bytes.append(body).append(hash_key).append(crypto::hex(crypto::view(chain_))).append("\"}\n");
        }
        if (healthy_ && !write_all(fd_, bytes)) {
            healthy_.store(false, std::memory_order_release);
            base::log::error("access.log_unwritable", {{"region", region_}, {"why", std::strerror(errno)}});
        }
        bytes_ += bytes.size();
        if (bytes_ > file_bytes_max && !roll()) {
            base::log::warn("access.log_not_rolled", {{"region", region_}});
        }
        const auto count = batch.size();
        batch.clear();
        lock.lock();
        done_ += count;
        written_.notify_all();
    }
}

base::Result<LogCheck> check_log(const std::filesystem::path& folder) {
    LogCheck check;
    const auto files = files_of(folder);
    if (files.empty()) {
        return base::fail(Code::configuration, "There is no access log in " + folder.string() + ".");
    }
    std::optional<crypto::Digest> chain;
    for (const auto& file : files) {
        std::ifstream stream(file, std::ios::binary);
        std::uint64_t at = 0;
        for (std::string line; std::getline(stream, line);) {
            ++at;
            const auto wrong = [&](std::string_view what) {
                check.broken = file.filename().string() + ":" + std::to_string(at) + ": " + std::string(what);
            };
            const auto parts = take_apart(line);
            if (!parts) {
                wrong("not a line of the log");
                return check;
            }
            if (!chain) {
                const auto region = parts->body.find("\"region\":\"");
                const auto begin = region + 10;
                chain = first_link(parts->body.substr(begin, parts->body.find('"', begin) - begin));
            }
            if (parts->number != check.lines + 1) {
                wrong("line " + std::to_string(check.lines + 1) + " is missing");
                return check;
            }
            chain = link(*chain, parts->body);
            if (crypto::hex(crypto::view(*chain)) != parts->hash) {
                wrong("the line or one before it was changed");
                return check;
            }
            check.lines = parts->number;
        }
    }
    if (chain) {
        check.head = crypto::hex(crypto::view(*chain));
    }
    return check;
}

}  // namespace domicile::access
