#include "cloud/local_keys.hpp"

#include "cloud/files.hpp"
#include "crypto/aead.hpp"
#include "crypto/base64.hpp"
#include "crypto/random.hpp"

#include <charconv>
#include <vector>

namespace domicile::cloud {
using base::Code;
using Secret = base::Secret<std::string>;

// The file: a line for each version, "<number> <base64 of 32 bytes>". Wrapped keys: "<number>:" and what AEAD
// sealed.
struct LocalKeys::Version {
    std::uint32_t number = 0;
    Secret material;
};

namespace {

constexpr std::size_t file_bytes_max = 1U << 20U;

Secret random_key() {
    std::string bytes(crypto::aead_key_bytes, '\0');
    crypto::random_bytes({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
    return Secret(std::move(bytes));
}

std::unexpected<base::Error> broken() {
    return base::fail(Code::configuration, "A key file of the local key service is damaged.",
                      "Restore it from a copy: without it the secrets of its region do not open.");
}

}  // namespace

base::Result<std::vector<LocalKeys::Version>> LocalKeys::versions() const {
    auto read = read_private(folder_ / (key_ + ".key"), file_bytes_max);
    if (!read) {
        return std::unexpected(std::move(read.error()));
    }
    const Secret text(std::move(*read));
    std::vector<Version> found;
    std::string_view rest = text.reveal();
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        Version version;
        const auto [after, failed] = std::from_chars(line.data(), line.data() + line.size(), version.number);
        const auto number_size = static_cast<std::size_t>(after - line.data());
        if (failed != std::errc() || number_size + 1 >= line.size() || line[number_size] != ' ') {
            return broken();
        }
        auto material = crypto::base64_decode(line.substr(number_size + 1));
        if (!material || material->size() != crypto::aead_key_bytes) {
            return broken();
        }
        version.material = Secret(std::move(*material));
        found.push_back(std::move(version));
    }
    if (found.empty()) {
        return broken();
    }
    return found;
}

base::Result<std::vector<LocalKeys::Version>> LocalKeys::add_version(bool only_the_first) {
    const auto lock = FolderLock::take(folder_);
    if (!lock) {
        return std::unexpected(lock.error());
    }
    auto all = versions();
    if (!all && all.error().code != Code::not_found) {
        return all;
    }
    if (all && only_the_first) {
        return all;  // somebody was quicker
    }
    std::vector<Version> list = all ? std::move(*all) : std::vector<Version>();
    list.push_back({list.empty() ? 1 : list.back().number + 1, random_key()});
    std::string text;
    for (const auto& [number, material] : list) {
        text += std::to_string(number) + " " + crypto::base64(material.reveal()) + "\n";
    }
    const Secret whole(std::move(text));
    if (auto written = write_private(folder_, folder_ / (key_ + ".key"), whole.reveal()); !written) {
        return std::unexpected(std::move(written.error()));
    }
    return list;
}

base::Result<DataKey> LocalKeys::generate(const EncryptionContext& context) {
    auto all = versions();
    if (!all && all.error().code == Code::not_found) {
        all = add_version(true);
    }
    if (!all) {
        return std::unexpected(std::move(all.error()));
    }
    const Version& newest = all->back();
    DataKey made;
    made.plain = random_key();
    made.wrapped = std::to_string(newest.number) + ":" +
                   crypto::aead_seal(newest.material, made.plain.reveal(), bound_to(key_, context));
    return made;
}

base::Result<Secret> LocalKeys::unwrap(std::string_view wrapped, const EncryptionContext& context) {
    const auto refused = [] {
        return base::fail(Code::invalid_value, "The data key does not unwrap under this context.");
    };
    std::uint32_t number = 0;
    const auto [end, failed] = std::from_chars(wrapped.data(), wrapped.data() + wrapped.size(), number);
    const auto size = static_cast<std::size_t>(end - wrapped.data());
    if (failed != std::errc() || size >= wrapped.size() || wrapped[size] != ':' || wrapped.size() > 4'096) {
        return refused();
    }
    const auto all = versions();
    if (!all) {
        // A region whose key is gone is a region that cannot serve; another may.
        auto error = all.error();
        error.code = error.code == Code::not_found ? Code::node_unavailable : error.code;
        return std::unexpected(std::move(error));
    }
    for (const Version& version : *all) {
        if (version.number == number) {
            auto plain =
                crypto::aead_open(version.material, wrapped.substr(size + 1), bound_to(key_, context));
            if (!plain || plain->reveal().size() != crypto::aead_key_bytes) {
                return refused();
            }
            return plain;
        }
    }
    return refused();
}

base::Status LocalKeys::rotate() {
    const auto all = add_version(false);
    return all ? base::Status() : std::unexpected(all.error());
}

}  // namespace domicile::cloud
