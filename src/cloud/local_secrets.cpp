#include "cloud/local_secrets.hpp"

#include "cloud/files.hpp"
#include "crypto/base64.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <unistd.h>

namespace domicile::cloud {
namespace fs = std::filesystem;
using base::Code;

// The file: a line for each version, "<id> <stages joined by commas> <base64>".

namespace {

constexpr std::string_view extension = ".secret";
constexpr std::size_t file_bytes_max = 1U << 20U;

std::unexpected<base::Error> refused_name() {
    return base::fail(Code::invalid_value, "That is no name of a secret.",
                      "Use lower-case letters, digits, '_', '.' and '-', in parts joined by '/'.");
}

std::string stages_text(const SecretVersion& version) {
    std::string text;
    for (const Stage stage : version.stages) {
        text += (text.empty() ? "" : ",") + std::string(name(stage));
    }
    return text;
}

std::string_view next_word(std::string_view& line, char until) {
    const auto end = line.find(until);
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return word;
}

}  // namespace

fs::path LocalSecrets::file(std::string_view name) const {
    return folder_ / (std::string(name) + std::string(extension));
}

base::Result<std::vector<LocalSecrets::Version>> LocalSecrets::read(std::string_view name) const {
    if (!is_secret_name(name)) {
        return refused_name();
    }
    auto text = read_private(file(name), file_bytes_max);
    if (!text) {
        if (text.error().code == Code::not_found && ::access(folder_.c_str(), R_OK | X_OK) != 0) {
            return base::fail(Code::node_unavailable, "The secret store of this region is out of reach.", "",
                              folder_.string());
        }
        if (text.error().code == Code::not_found) {
            return base::fail(Code::not_found, "There is no secret " + std::string(name) + ".");
        }
        return std::unexpected(std::move(text.error()));
    }
    std::vector<Version> versions;
    std::string_view rest = *text;
    while (!rest.empty()) {
        std::string_view line = next_word(rest, '\n');
        Version version;
        version.id = next_word(line, ' ');
        std::string_view words = next_word(line, ' ');
        while (!words.empty()) {
            const std::string_view word = next_word(words, ',');
            if (const auto stage = stage_named(word)) {
                version.stages.push_back(*stage);
            }
        }
        auto bytes = crypto::base64_decode(line);
        if (!is_version_id(version.id) || version.stages.empty() || !bytes) {
            return base::fail(Code::configuration,
                              "The file of secret " + std::string(name) + " is damaged.");
        }
        version.bytes = std::move(*bytes);
        versions.push_back(std::move(version));
    }
    return versions;
}

base::Status LocalSecrets::write(std::string_view name, std::vector<Version> versions) const {
    std::string text;
    for (auto& version : versions) {
        std::ranges::sort(version.stages);
        if (!version.stages.empty()) {  // without a stage it is deprecated: forgotten
            text += version.id + " " + stages_text(version) + " " + crypto::base64(version.bytes) + "\n";
        }
    }
    return write_private(folder_, file(name), text);
}

void LocalSecrets::give(std::vector<Version>& versions, Stage stage, std::string_view to) {
    const auto take = [&](Stage one) {
        Version* had = nullptr;
        for (Version& version : versions) {
            if (std::erase(version.stages, one) != 0) {
                had = &version;
            }
        }
        return had;
    };
    Version* left = take(stage);
    if (stage == Stage::current && left != nullptr && left->id != to) {
        take(Stage::previous);
        left->stages.push_back(Stage::previous);
    }
    for (Version& version : versions) {
        if (version.id == to) {
            version.stages.push_back(stage);
            if (stage == Stage::current) {
                std::erase(version.stages, Stage::previous);
            }
        }
    }
}

base::Status LocalSecrets::put(std::string_view name, std::string_view version, std::string_view bytes,
                               Stage stage) {
    if (!is_secret_name(name)) {
        return refused_name();
    }
    if (!is_version_id(version) || bytes.empty() || bytes.size() > secret_bytes_max) {
        return base::fail(Code::invalid_value,
                          "A version needs an id of 32 to 64 letters and digits, and 1 to " +
                              std::to_string(secret_bytes_max) + " bytes.");
    }
    const auto lock = FolderLock::take(folder_);
    if (!lock) {
        return std::unexpected(lock.error());
    }
    auto versions = read(name);
    if (!versions && versions.error().code != Code::not_found) {
        return std::unexpected(std::move(versions.error()));
    }
    if (!versions && stage != Stage::current) {
        return std::unexpected(std::move(versions.error()));
    }
    std::vector<Version> list = versions ? std::move(*versions) : std::vector<Version>();
    const auto found = std::ranges::find(list, version, &Version::id);
    if (found != list.end()) {
        if (found->bytes != bytes) {
            return base::fail(Code::precondition_failed, "This version holds something else already.");
        }
        return {};
    }
    Version added;
    added.id = version;
    added.bytes = bytes;
    list.push_back(std::move(added));
    give(list, stage, version);
    return write(name, std::move(list));
}

base::Result<StoredVersion> LocalSecrets::get(std::string_view name, Stage stage) {
    auto versions = read(name);
    if (!versions) {
        return std::unexpected(std::move(versions.error()));
    }
    for (Version& version : *versions) {
        if (version.is(stage)) {
            return StoredVersion{version.id, std::move(version.bytes)};
        }
    }
    return base::fail(Code::not_found, "Secret " + std::string(name) + " has no " +
                                           std::string(cloud::name(stage)) + " version.");
}

base::Status LocalSecrets::move(std::string_view name, Stage stage, std::string_view to,
                                std::string_view from) {
    if (!is_secret_name(name)) {
        return refused_name();
    }
    if (stage == Stage::current && to.empty()) {
        return base::fail(Code::invalid_value, "A secret always has a current version.");
    }
    const auto lock = FolderLock::take(folder_);
    if (!lock) {
        return std::unexpected(lock.error());
    }
    auto versions = read(name);
    if (!versions) {
        return std::unexpected(std::move(versions.error()));
    }
    const auto has = std::ranges::find_if(*versions, [&](const Version& one) { return one.is(stage); });
    const std::string_view holder = has == versions->end() ? std::string_view() : std::string_view(has->id);
    const bool known = to.empty() || std::ranges::count(*versions, to, &Version::id) != 0;
    if (holder != from || !known) {
        return base::fail(Code::precondition_failed,
                          "Secret " + std::string(name) + " has changed meanwhile.", "Look, then try again.");
    }
    if (to != from) {
        give(*versions, stage, std::string(to));
    }
    return write(name, std::move(*versions));
}

base::Result<std::vector<SecretVersion>> LocalSecrets::describe(std::string_view name) {
    const auto versions = read(name);
    if (!versions) {
        return std::unexpected(versions.error());
    }
    std::vector<SecretVersion> described(versions->begin(), versions->end());
    struct stat changed{};
    if (::stat(file(name).c_str(), &changed) == 0) {
        for (SecretVersion& version : described) {
            version.changed_s = changed.st_mtim.tv_sec;
        }
    }
    return described;
}

base::Result<std::vector<std::string>> LocalSecrets::list(std::string_view prefix) {
    std::vector<std::string> names;
    std::error_code error;
    fs::recursive_directory_iterator entries(folder_, error);
    for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
        const std::string path = entries->path().lexically_relative(folder_).string();
        if (path.ends_with(extension)) {
            const auto found = path.substr(0, path.size() - extension.size());
            if (found.starts_with(prefix)) {
                names.push_back(found);
            }
        }
    }
    if (error) {
        return base::fail(Code::node_unavailable, "The secret store of this region is out of reach.", "",
                          error.message());
    }
    std::ranges::sort(names);
    return names;
}

base::Status LocalSecrets::remove(std::string_view name) {
    if (!is_secret_name(name)) {
        return refused_name();
    }
    const auto lock = FolderLock::take(folder_);
    if (!lock) {
        return std::unexpected(lock.error());
    }
    std::error_code error;
    fs::remove(file(name), error);
    return error ? base::fail(Code::node_unavailable, "cannot remove a secret", "", error.message())
                 : base::Status();
}

}  // namespace domicile::cloud
