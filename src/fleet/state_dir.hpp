#pragma once
// The state directory: where everything of one running system lives, and the files in it that tell who runs.
//   .domicile-state    marker; `reset` deletes nothing without it
//   supervisor.lock    held by the supervisor while it lives; its pid inside
//   ready              written when every part answers
//   topology.toml      the topology in force, as the gateways read it
//   bin/domicile       the binary the gateways run
//   regions/<region>   what its gateway and its relay tell each other and the operator (app/region_files.hpp)
//   objects/<jurisdiction>  sealed documents   delivered/<name>  what institutions have received
//   mesh/<jurisdiction>.pem  who signs the relays' certificates
//   nodes/<node>/data  PostgreSQL data directories       secrets/<jurisdiction>: passfile, authority
//   vault/<region>, keys/<region>      secrets, sealed; the keys they are sealed under
//   issuers/<jurisdiction>.jwks, access/<region>  public keys of token issuers; access logs
//   run/<name>.pid     pid and start time                log/<name>.log

#include "base/error.hpp"
#include "fleet/process.hpp"
#include "topology/topology.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace domicile::fleet {

class StateDir {
  public:
    /// REQUIRES: an absolute path.
    explicit StateDir(std::filesystem::path root) : root_(std::move(root)) {}
    /// The same directory for the supervisor of one region: its lock and marks are its own.
    [[nodiscard]] StateDir of_region(std::string_view region) const {
        StateDir one(root_);
        one.suffix_ = "." + std::string(region);
        return one;
    }

    using path = std::filesystem::path;
    [[nodiscard]] const path& root() const { return root_; }
    [[nodiscard]] path marker() const { return root_ / ".domicile-state"; }
    [[nodiscard]] path lock() const { return root_ / ("supervisor" + suffix_ + ".lock"); }
    [[nodiscard]] path ready() const { return root_ / ("ready" + suffix_); }
    [[nodiscard]] path topology() const { return root_ / "topology.toml"; }
    [[nodiscard]] path binary() const { return root_ / "bin" / "domicile"; }
    [[nodiscard]] path nodes() const { return root_ / "nodes"; }
    [[nodiscard]] path secrets() const { return root_ / "secrets"; }
    [[nodiscard]] path vault(std::string_view region) const { return root_ / "vault" / std::string(region); }
    [[nodiscard]] path keys(std::string_view region) const { return root_ / "keys" / std::string(region); }
    [[nodiscard]] path region(std::string_view region) const {
        return root_ / "regions" / std::string(region);
    }
    /// The object store of a jurisdiction, where it is a directory.
    [[nodiscard]] path objects(std::string_view jurisdiction) const {
        return root_ / "objects" / std::string(jurisdiction);
    }
    /// Where institutions whose `deliver` is "directory:NAME" find their documents.
    [[nodiscard]] path delivered() const { return root_ / "delivered"; }
    [[nodiscard]] path runs() const { return root_ / "run"; }
    [[nodiscard]] path logs() const { return root_ / "log"; }
    [[nodiscard]] path stop_request() const { return runs() / ("stop" + suffix_); }
    [[nodiscard]] path pid(std::string_view name) const { return runs() / (std::string(name) + ".pid"); }
    [[nodiscard]] path log(std::string_view name) const { return logs() / (std::string(name) + ".log"); }
    [[nodiscard]] path node(std::string_view name) const { return nodes() / std::string(name); }
    [[nodiscard]] path data(std::string_view name) const { return node(name) / "data"; }
    /// The authority of a jurisdiction's part of the mesh: its certificate, for all to see.
    [[nodiscard]] path mesh_authority(std::string_view jurisdiction) const {
        return root_ / "mesh" / (std::string(jurisdiction) + ".pem");
    }
    /// The authority of a jurisdiction's nodes: its certificate, and its key beside it.
    [[nodiscard]] path node_authority(std::string_view jurisdiction) const {
        return secret(jurisdiction, "node_ca.pem");
    }
    [[nodiscard]] path secret(std::string_view jurisdiction, std::string_view role) const {
        return secrets() / std::string(jurisdiction) / std::string(role);
    }

    /// Makes the directory and its folders. `nodes` and `secrets` belong to `user`, who alone may enter them;
    /// the rest stays ours, so that a broken database server cannot make us write through a link of its own.
    /// configuration if the path holds something that is not ours.
    [[nodiscard]] base::Status create(const RunAs& user) const;

  private:
    path root_;
    std::string suffix_;
};

/// /var/lib/domicile/<name>-<hash of the file's path> for root, else under $XDG_STATE_HOME or ~/.local/state.
[[nodiscard]] std::filesystem::path default_state(const topology::Topology& topology,
                                                  const std::filesystem::path& topology_file);

/// Writes beside and renames, so that a reader sees the old text or the new, never half. `owner` null: stays
/// ours.
[[nodiscard]] base::Status write_file(const std::filesystem::path& file, std::string_view text, unsigned mode,
                                      const RunAs* owner);
[[nodiscard]] base::Result<std::string> read_file(const std::filesystem::path& file);
/// A folder of mode 0700 that belongs to `owner`; fine if it is there already.
[[nodiscard]] base::Status make_private_folder(const std::filesystem::path& folder, const RunAs& owner);

[[nodiscard]] std::string pid_text(const Process& process);
/// Nothing if the text is not "<pid> <start time>".
[[nodiscard]] std::optional<Process> parse_pid(std::string_view text);
/// The live process a pid file names; nothing if there is no file, or it is stale. `stale` tells the two
/// apart.
[[nodiscard]] std::optional<Process> running(const std::filesystem::path& pid_file, bool* stale = nullptr);

/// Keeps one old log of `bytes_max` or more as `<file>.1`.
void rotate_log(const std::filesystem::path& file, std::uintmax_t bytes_max = 8U << 20U);

/// The right to supervise; the kernel gives it back when we die, however we die.
class SupervisorLock {
  public:
    SupervisorLock(SupervisorLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    SupervisorLock& operator=(SupervisorLock&&) = delete;
    ~SupervisorLock();

    /// Nothing if another supervisor holds it.
    [[nodiscard]] static base::Result<std::optional<SupervisorLock>> take(const StateDir& state);
    /// The supervisor that lives now.
    [[nodiscard]] static std::optional<pid_t> holder(const StateDir& state);

  private:
    explicit SupervisorLock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace domicile::fleet
