#include "vault/rotation.hpp"

#include "crypto/random.hpp"

#include <algorithm>
#include <ctime>
#include <thread>

#include <boost/json.hpp>

namespace domicile::vault {
namespace {

namespace json = boost::json;
using base::Code;
using Secret = base::Secret<std::string>;

constexpr std::size_t password_bytes = 32;
constexpr std::string_view other_suffix = "_b";
constexpr int steps_max = 32;

/// What the regions' stores say.
base::Status look(const Vault& vault, std::string_view secret, RotationState& state, std::string& current,
                  std::string& pending) {
    const auto places = vault.describe(secret);
    if (!places) {
        return std::unexpected(places.error());
    }
    state.in_step = std::ranges::all_of(*places, &PlaceView::in_step);
    current.clear();
    pending.clear();
    for (const PlaceView& place : *places) {
        if (place.region != vault.primary()) {
            continue;
        }
        for (const auto& version : place.versions) {
            current = version.is(Stage::current) ? version.id : current;
            pending = version.is(Stage::pending) ? version.id : pending;
        }
    }
    state.pending = !pending.empty();
    state.pending_is_current = state.pending && pending == current;
    return {};
}

base::Result<DatabaseLogin> login_of(const Vault& vault, std::string_view secret, Stage stage) {
    const auto value = vault.get_written(secret, stage);
    return value ? parse_login(value->value) : std::unexpected(value.error());
}

/// Waits until the login that `target` is about to change can be in nobody's use any more.
void settle(const DatabaseLogin& current, std::chrono::seconds age) {
    const auto ready = current.since + age.count();
    while (std::time(nullptr) < ready) {
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
}

base::Status create(const Vault& vault, std::string_view secret, const RotationTarget& target,
                    const RotationOptions& options) {
    const auto current = login_of(vault, secret, Stage::current);
    if (!current) {
        return std::unexpected(current.error());
    }
    settle(*current, options.settle);
    const auto made =
        vault.put(secret, to_text(make_login(other_user(target.role, current->user), std::time(nullptr))),
                  Stage::pending);
    return made ? base::Status() : std::unexpected(made.error());
}

}  // namespace

Secret to_text(const DatabaseLogin& login) {
    const json::object object{
        {"username", login.user}, {"password", login.password.reveal()}, {"since", login.since}};
    return Secret(json::serialize(object));
}

base::Result<DatabaseLogin> parse_login(const Secret& text) {
    boost::system::error_code failed;
    const json::value value = json::parse(text.reveal(), failed);
    if (!failed && value.is_object()) {
        const json::object& object = value.as_object();
        const json::value* user = object.if_contains("username");
        const json::value* password = object.if_contains("password");
        const json::value* since = object.if_contains("since");
        if (user != nullptr && user->is_string() && password != nullptr && password->is_string()) {
            DatabaseLogin login;
            login.user = user->as_string();
            login.password = Secret(std::string(password->as_string()));
            login.since = since != nullptr && since->is_int64() ? since->as_int64() : 0;
            return login;
        }
    }
    return base::fail(Code::configuration, "A secret that should be a database login is none.",
                      R"(It must read {"username":"…","password":"…"}.)");
}

std::string other_user(std::string_view role, std::string_view user) {
    return user == role ? std::string(role) + std::string(other_suffix) : std::string(role);
}

DatabaseLogin make_login(std::string user, std::int64_t now) {
    return {std::move(user), Secret(crypto::random_token(password_bytes)), now};
}

std::string_view name(RotationStep step) noexcept {
    switch (step) {
        case RotationStep::replicate: return "replicate";
        case RotationStep::create: return "create";
        case RotationStep::set: return "set";
        case RotationStep::test: return "test";
        case RotationStep::finish: return "finish";
        case RotationStep::clear: return "clear";
        case RotationStep::done: return "done";
    }
    return "";
}

RotationStep next_step(const RotationState& state) noexcept {
    if (state.pending_is_current) {
        return RotationStep::clear;
    }
    if (state.finished || !state.pending) {
        if (!state.in_step) {
            return RotationStep::replicate;
        }
        return state.finished ? RotationStep::done : RotationStep::create;
    }
    if (!state.set) {
        return RotationStep::set;
    }
    return state.tested ? RotationStep::finish : RotationStep::test;
}

base::Status rotate(const Vault& vault, std::string_view secret, const RotationTarget& target,
                    const RotationOptions& options) {
    RotationState state;
    std::string current;
    std::string pending;
    for (int i = 0; i < steps_max; ++i) {
        if (auto seen = look(vault, secret, state, current, pending); !seen) {
            return seen;
        }
        const RotationStep step = next_step(state);
        if (options.progress) {
            options.progress(step);
        }
        base::Status done;
        switch (step) {
            case RotationStep::replicate: done = vault.replicate(secret); break;
            case RotationStep::create: done = create(vault, secret, target, options); break;
            case RotationStep::set:
            case RotationStep::test: {
                const auto login = login_of(vault, secret, Stage::pending);
                if (!login) {
                    return std::unexpected(login.error());
                }
                done = step == RotationStep::set ? target.set(*login) : target.test(*login);
                (step == RotationStep::set ? state.set : state.tested) = true;
                break;
            }
            case RotationStep::finish: done = vault.move(secret, Stage::current, pending, current); break;
            case RotationStep::clear:
                done = vault.move(secret, Stage::pending, {}, pending);
                state.finished = true;
                break;
            case RotationStep::done: return {};
        }
        if (!done) {
            return done;
        }
    }
    return base::fail(Code::internal, "The rotation does not come to an end.",
                      "Another one may be under way: wait, then try again.");
}

}  // namespace domicile::vault
