#include "support/cloud_conformance.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace domicile::test_support {
namespace {

using base::Code;
using cloud::Stage;

template <class T>
Code code_of(const base::Result<T>& result) {
    return result ? Code::internal : result.error().code;
}

const std::string v1(32, '1');
const std::string v2(32, '2');
const std::string v3(32, '3');

/// "current=1 pending=2": the first digit of the version at each stage.
std::string stages(cloud::SecretStore& secrets, std::string_view name) {
    const auto versions = secrets.describe(name);
    if (!versions) {
        return "?";
    }
    std::string text;
    for (const Stage stage : {Stage::current, Stage::pending, Stage::previous}) {
        for (const auto& version : *versions) {
            if (version.is(stage)) {
                text += (text.empty() ? "" : " ") + std::string(cloud::name(stage)) + "=" + version.id[0];
            }
        }
    }
    return text;
}

}  // namespace

void check_key_service(cloud::KeyService& keys, cloud::KeyService& other) {
    const cloud::EncryptionContext eu{{"region", "eu-west-1"}, {"secret", "db/app"}};
    const cloud::EncryptionContext uk{{"region", "eu-west-2"}, {"secret", "db/app"}};
    const auto first = keys.generate(eu);
    const auto second = keys.generate(eu);
    ASSERT_TRUE(first && second) << base::describe(first ? second.error() : first.error());
    EXPECT_EQ(first->plain.reveal().size(), 32U);
    EXPECT_NE(first->plain.reveal(), second->plain.reveal());
    EXPECT_EQ(first->wrapped.find(first->plain.reveal()), std::string::npos);
    const auto opens = [&](cloud::KeyService& service, const std::string& wrapped, const auto& context) {
        const auto plain = service.unwrap(wrapped, context);
        return plain && plain->reveal() == first->plain.reveal();
    };
    EXPECT_TRUE(opens(keys, first->wrapped, eu));
    EXPECT_EQ(code_of(keys.unwrap(first->wrapped, uk)), Code::invalid_value) << "another context";
    EXPECT_EQ(code_of(keys.unwrap(first->wrapped, {})), Code::invalid_value) << "no context";
    std::string bent = first->wrapped;
    bent.back() = static_cast<char>(bent.back() ^ 1);
    EXPECT_EQ(code_of(keys.unwrap(bent, eu)), Code::invalid_value);
    EXPECT_EQ(code_of(keys.unwrap("nonsense", eu)), Code::invalid_value);
    ASSERT_TRUE(other.generate(eu));  // it has a key, but another one
    EXPECT_FALSE(opens(other, first->wrapped, eu)) << "another region's key must not open it";
    ASSERT_TRUE(keys.rotate());
    EXPECT_TRUE(opens(keys, first->wrapped, eu)) << "old versions still unwrap";
    const auto after = keys.generate(eu);
    ASSERT_TRUE(after);
    EXPECT_TRUE(keys.unwrap(after->wrapped, eu));
}

void check_secret_store(cloud::SecretStore& secrets) {
    const std::string name = "suite/one";
    EXPECT_EQ(code_of(secrets.get(name, Stage::current)), Code::not_found);
    EXPECT_EQ(code_of(secrets.describe(name)), Code::not_found);
    EXPECT_EQ(code_of(secrets.put(name, v1, "a", Stage::pending)), Code::not_found) << "the first is current";
    const std::string bytes = std::string("\0\n\xff", 3) + std::string(10'000, 'x');
    ASSERT_TRUE(secrets.put(name, v1, bytes, Stage::current));
    EXPECT_EQ(stages(secrets, name), "current=1");
    const auto read = secrets.get(name, Stage::current);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->bytes, bytes);
    EXPECT_EQ(read->id, v1);
    EXPECT_EQ(code_of(secrets.get(name, Stage::previous)), Code::not_found);

    EXPECT_TRUE(secrets.put(name, v1, bytes, Stage::current)) << "the same again changes nothing";
    EXPECT_EQ(code_of(secrets.put(name, v1, "other", Stage::current)), Code::precondition_failed);
    EXPECT_EQ(secrets.get(name, Stage::current)->bytes, bytes);

    ASSERT_TRUE(secrets.put(name, v2, "two", Stage::pending));
    EXPECT_EQ(stages(secrets, name), "current=1 pending=2");
    EXPECT_EQ(secrets.get(name, Stage::pending)->bytes, "two");
    EXPECT_EQ(code_of(secrets.move(name, Stage::current, v2, v3)), Code::precondition_failed);
    EXPECT_EQ(code_of(secrets.move(name, Stage::current, v3, v1)), Code::precondition_failed);
    EXPECT_EQ(code_of(secrets.move(name, Stage::current, "", v1)), Code::invalid_value);
    ASSERT_TRUE(secrets.move(name, Stage::current, v2, v1));
    EXPECT_EQ(stages(secrets, name), "current=2 pending=2 previous=1");
    ASSERT_TRUE(secrets.move(name, Stage::pending, "", v2));
    EXPECT_EQ(stages(secrets, name), "current=2 previous=1");
    EXPECT_EQ(code_of(secrets.move(name, Stage::pending, "", v2)), Code::precondition_failed);
    ASSERT_TRUE(secrets.put(name, v3, "three", Stage::current));
    EXPECT_EQ(stages(secrets, name), "current=3 previous=2");
    EXPECT_EQ(secrets.get(name, Stage::previous)->bytes, "two");
    ASSERT_TRUE(secrets.move(name, Stage::current, v2, v3)) << "back to what was before";
    EXPECT_EQ(stages(secrets, name), "current=2 previous=3");

    ASSERT_TRUE(secrets.put("suite/one/below", v1, "x", Stage::current));
    ASSERT_TRUE(secrets.put("suitetwo", v1, "x", Stage::current));
    const auto listed = secrets.list("suite/");
    ASSERT_TRUE(listed);
    EXPECT_EQ(*listed, (std::vector<std::string>{"suite/one", "suite/one/below"}));
    for (const auto* bad : {"", "/", "a//b", "../etc", "a/..", "A", "a b", "a\n"}) {
        EXPECT_EQ(code_of(secrets.put(bad, v1, "x", Stage::current)), Code::invalid_value) << bad;
    }
    EXPECT_EQ(code_of(secrets.put(name, "short", "x", Stage::current)), Code::invalid_value);
    EXPECT_EQ(code_of(secrets.put(name, std::string(32, 'z'), "", Stage::current)), Code::invalid_value);
    EXPECT_EQ(code_of(secrets.put(name, std::string(32, 'z'), std::string(cloud::secret_bytes_max + 1, 'x'),
                                  Stage::current)),
              Code::invalid_value);
    ASSERT_TRUE(
        secrets.put(name, std::string(32, 'z'), std::string(cloud::secret_bytes_max, 'x'), Stage::current));
    for (const auto* each : {"suite/one", "suite/one/below", "suitetwo"}) {
        EXPECT_TRUE(secrets.remove(each));
        EXPECT_EQ(code_of(secrets.describe(each)), Code::not_found);
    }
    EXPECT_TRUE(secrets.remove(name)) << "nothing there is fine";
}

}  // namespace domicile::test_support
