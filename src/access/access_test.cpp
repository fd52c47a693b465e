#include "access/access_log.hpp"
#include "access/authenticator.hpp"
#include "access/judge.hpp"
#include "topology/parse.hpp"

#include <csignal>
#include <fstream>
#include <map>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace domicile::access {
namespace {

namespace fs = std::filesystem;

struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "domicile-access-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder() { fs::remove_all(path); }
    fs::path path;
};

std::string read(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

Entry entry() {
    Entry one;
    one.door = "sql";
    one.who = "app";
    one.role = "app";
    one.from = "eu";
    one.subject = base::UserId{424242};
    one.action = "data:Select";
    one.what = "users";
    one.allowed = true;
    one.by = "app/own-jurisdiction";
    return one;
}

const base::Secret<std::string> key("a key of the test");

fs::path only_file(const fs::path& folder) {
    return fs::directory_iterator(folder)->path();
}

TEST(AccessLog, chains_its_lines_over_restarts) {
    const Folder folder;
    for (int run = 0; run < 3; ++run) {
        auto log = AccessLog::open(folder.path, "eu-west-1", key).value();
        for (int i = 0; i < 100; ++i) {
            log->append(entry());
        }
    }
    const auto check = check_log(folder.path).value();
    EXPECT_EQ(check.broken, "");
    EXPECT_EQ(check.lines, 300U);
    EXPECT_EQ(check.head.size(), 64U);
    const std::string text = read(only_file(folder.path));
    EXPECT_EQ(text.find("424242"), std::string::npos);  // a pseudonym, never the id
    EXPECT_NE(text.find(pseudonym(key, "424242")), std::string::npos);
    EXPECT_NE(pseudonym(base::Secret<std::string>("another"), "424242"), pseudonym(key, "424242"));
}

TEST(AccessLog, any_change_shows) {
    const Folder folder;
    {
        auto log = AccessLog::open(folder.path, "eu-west-1", key).value();
        for (int i = 0; i < 5; ++i) {
            log->append(entry());
        }
    }
    const auto file = only_file(folder.path);
    const std::string good = read(file);
    const auto put = [&](const std::string& text) { std::ofstream(file, std::ios::binary) << text; };
    for (std::size_t i = 0; i < good.size(); i += 3) {
        std::string bent = good;
        bent[i] = bent[i] == 'x' ? 'y' : 'x';
        put(bent);
        EXPECT_NE(check_log(folder.path).value().broken, "") << i;
    }
    const auto second = good.find('\n') + 1;
    const auto third = good.find('\n', second) + 1;
    put(good.substr(0, second) + good.substr(third));  // one line less
    EXPECT_NE(check_log(folder.path).value().broken, "");
    put(good.substr(second));  // the first is gone
    EXPECT_NE(check_log(folder.path).value().broken, "");
    put(good.substr(0, second) + good.substr(0, second) + good.substr(second));  // one twice
    EXPECT_NE(check_log(folder.path).value().broken, "");
    put(good);
    EXPECT_EQ(check_log(folder.path).value().broken, "");
}

TEST(AccessLog, goes_on_after_a_crash_in_the_midst_of_a_line) {
    const Folder folder;
    {
        AccessLog::open(folder.path, "eu-west-1", key).value()->append(entry());
    }
    std::ofstream(only_file(folder.path), std::ios::app) << R"({"n":2,"region":"eu)";
    {
        AccessLog::open(folder.path, "eu-west-1", key).value()->append(entry());
    }
    const auto check = check_log(folder.path).value();
    EXPECT_EQ(check.broken, "");
    EXPECT_EQ(check.lines, 2U);
}

TEST(AccessLog, writes_hostile_text_as_json) {
    const Folder folder;
    {
        auto log = AccessLog::open(folder.path, "r", key).value();
        Entry one = entry();
        one.who = "a\"},\n{\"n\":7\\";
        log->append(one);
    }
    EXPECT_EQ(check_log(folder.path).value().lines, 1U);
    EXPECT_EQ(check_log(folder.path).value().broken, "");
}

TEST(AccessLog, is_unhealthy_when_it_cannot_write) {
    const Folder folder;
    auto log = AccessLog::open(folder.path, "r", key).value();
    log->append(entry());
    log->flush();
    EXPECT_TRUE(log->healthy());
    // No file of this process may grow: as if the disk were full.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit none{1, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
    log->append(entry());
    log->flush();
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_FALSE(log->healthy());
}

topology::Topology two_jurisdictions(std::string_view extra) {
    const std::string text = R"(
name = "t"
[database]
name = "t"
migrations = "m"
[jurisdictions.eu]
countries = ["DE"]
[jurisdictions.us]
countries = ["US"]
[regions.eu-a]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:1001"
sql = "127.0.0.1:1002"
[regions.us-a]
jurisdiction = "us"
writer = true
http = "127.0.0.1:1003"
sql = "127.0.0.1:1004"
[shards.eu-1]
ranges = [[0, 10]]
writer = "eu-a"
[shards.us-1]
ranges = [[10, 20]]
writer = "us-a"
[embedded]
first_port = 1100
[tables.users]
key = "id"
person = true
)" + std::string(extra);
    auto parsed = topology::parse(text);
    EXPECT_TRUE(parsed.findings.empty()) << (parsed.findings.empty() ? "" : parsed.findings[0].what);
    return std::move(parsed.topology);
}

TEST(Caller, different_ones_never_share_a_profile) {
    Caller one;
    one.principal.name = std::string("a\0operator", 10);
    one.principal.roles = {"x"};
    Caller other;
    other.principal.name = "a";
    other.principal.roles = {"operator", "x"};
    EXPECT_NE(one.profile(), other.profile());
    Caller third = other;
    EXPECT_EQ(third.profile(), other.profile());
    third.secure = true;
    EXPECT_NE(third.profile(), other.profile());
    third = other;
    third.principal.subject = base::UserId{1};
    EXPECT_NE(third.profile(), other.profile());
}

constexpr std::int64_t now = 1'800'000'000;

std::string token(const iam::Claims& claims, const crypto::SigningKey& signer) {
    return iam::issue_token(claims, signer, iam::thumbprint(signer.verifying())).value();
}

TEST(Authenticator, makes_principals_and_follows_keys) {
    const auto topology = two_jurisdictions(R"(
[[identity.issuers]]
issuer = "https://login.example"
jwks = "login.json"
jurisdictions = ["us"]
roles = ["subject"]
)");
    std::map<std::string, std::string> files;
    const auto eu = crypto::SigningKey::generate(crypto::SignatureAlgorithm::eddsa).value();
    const auto login = crypto::SigningKey::generate(crypto::SignatureAlgorithm::es256).value();
    const auto jwks = [](const crypto::SigningKey& signer) {
        const std::vector<iam::IssuerKey> keys = {{iam::thumbprint(signer.verifying()), signer.verifying()}};
        return iam::render_jwks(keys);
    };
    files["/k/eu"] = jwks(eu);
    files["/t/login.json"] = jwks(login);
    Authenticator authenticator(
        topology, "/t", [](std::string_view name) { return fs::path("/k") / name; },
        [&](const std::string& source) -> base::Result<std::string> {
            const auto found = files.find(source);
            return found == files.end() ? base::Result<std::string>(base::fail(base::Code::not_found, "none"))
                                        : base::Result<std::string>(found->second);
        });
    EXPECT_FALSE(authenticator.refresh());  // us has no keys; the others count all the same
    iam::Claims claims;
    claims.issuer = "domicile:eu";
    claims.audience = "domicile:t";
    claims.name = "o";
    claims.roles = {"operator"};
    claims.jurisdiction = "eu";
    claims.expires = now + 100;
    TokenCache cache(authenticator);
    const auto principal = cache.authenticate(token(claims, eu), now).value();
    EXPECT_EQ(principal->jurisdiction, base::JurisdictionIndex{0});
    EXPECT_EQ(principal->kind, iam::PrincipalKind::service);
    EXPECT_EQ(cache.authenticate(token(claims, eu), now).value(),
              principal);                                            // Ed25519 signs the same each time
    EXPECT_FALSE(cache.authenticate(token(claims, eu), now + 131));  // also when it is remembered
    claims.issuer = "https://login.example";
    EXPECT_FALSE(cache.authenticate(token(claims, login), now));  // speaks of us only
    claims.jurisdiction = "us";
    EXPECT_FALSE(cache.authenticate(token(claims, login), now));  // gives the role subject only
    claims.roles = {"subject"};
    claims.user = base::UserId{11};
    const auto person = cache.authenticate(token(claims, login), now).value();
    EXPECT_EQ(person->kind, iam::PrincipalKind::subject);
    EXPECT_EQ(person->subject, base::UserId{11});
    // The issuer rolls over to a new key.
    const auto next = crypto::SigningKey::generate(crypto::SignatureAlgorithm::rs256).value();
    files["/t/login.json"] = jwks(next);
    EXPECT_TRUE(cache.authenticate(token(claims, login), now));
    authenticator.refresh_if_asked();  // nobody asked yet
    EXPECT_TRUE(cache.authenticate(token(claims, login), now));
    EXPECT_FALSE(cache.authenticate(token(claims, next), now));
    authenticator.refresh_if_asked();
    EXPECT_TRUE(cache.authenticate(token(claims, next), now));
    EXPECT_FALSE(
        cache.authenticate(token(claims, login), now));  // the old key counts no more, remembered or not
    // A source that goes away keeps its keys.
    files.clear();
    EXPECT_FALSE(authenticator.refresh());
    EXPECT_TRUE(cache.authenticate(token(claims, next), now));
}

}  // namespace
}  // namespace domicile::access
