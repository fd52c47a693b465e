#include "cloud/aws_secrets.hpp"

#include "crypto/base64.hpp"

#include <algorithm>
#include <array>

#include <boost/json.hpp>

namespace domicile::cloud {
namespace {

namespace json = boost::json;
using base::Code;

struct StageName {
    Stage stage;
    std::string_view aws;
};
constexpr std::array stage_names{
    StageName{Stage::current, "AWSCURRENT"},
    StageName{Stage::pending, "AWSPENDING"},
    StageName{Stage::previous, "AWSPREVIOUS"},
};

std::string_view aws_name(Stage stage) {
    return std::ranges::find(stage_names, stage, &StageName::stage)->aws;
}

std::string text_of(const json::object& body, std::string_view name) {
    const json::value* value = body.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::unexpected<base::Error> odd() {
    return base::fail(Code::protocol_violation, "The secret store gives something else than a secret.");
}

base::Status done(base::Result<json::object> answer) {
    return answer ? base::Status() : std::unexpected(std::move(answer.error()));
}

}  // namespace

base::Result<json::object> AwsSecrets::run(std::string_view action, const json::object& body) const {
    auto answer = service_.run(action, body);
    if (!answer && answer.error().code == Code::not_found) {
        answer.error().text = "There is no such secret, or no such version of it.";
    }
    return answer;
}

base::Status AwsSecrets::put(std::string_view name, std::string_view version, std::string_view bytes,
                             Stage stage) {
    if (!is_secret_name(name) || !is_version_id(version) || bytes.empty() ||
        bytes.size() > secret_bytes_max) {
        return base::fail(Code::invalid_value, "That is no name, version or value of a secret.");
    }
    const std::string id = prefix_ + std::string(name);
    const std::string value = crypto::base64(bytes);
    json::object body{{"SecretId", id}, {"ClientRequestToken", version}, {"SecretBinary", value}};
    if (stage != Stage::current) {  // else what AWS does without being told
        body["VersionStages"] = json::array{aws_name(stage)};
    }
    auto put = run("PutSecretValue", body);
    if (!put && put.error().code == Code::precondition_failed) {
        // AWS takes the same bytes again without a word; a server that does not is asked what it has.
        const auto held = run("GetSecretValue", {{"SecretId", id}, {"VersionId", version}});
        return held && text_of(*held, "SecretBinary") == value ? base::Status() : done(std::move(put));
    }
    if (put || put.error().code != Code::not_found || stage != Stage::current) {
        return done(std::move(put));
    }
    json::object create{{"Name", id}, {"ClientRequestToken", version}, {"SecretBinary", value}};
    if (!key_.empty()) {
        create["KmsKeyId"] = key_;
    }
    return done(run("CreateSecret", create));
}

base::Result<StoredVersion> AwsSecrets::get(std::string_view name, Stage stage) {
    const auto answer =
        run("GetSecretValue", {{"SecretId", prefix_ + std::string(name)}, {"VersionStage", aws_name(stage)}});
    if (!answer) {
        return std::unexpected(answer.error());
    }
    auto bytes = crypto::base64_decode(text_of(*answer, "SecretBinary"));
    StoredVersion found{text_of(*answer, "VersionId"), {}};
    if (!bytes || !is_version_id(found.id)) {
        return odd();
    }
    found.bytes = std::move(*bytes);
    return found;
}

base::Status AwsSecrets::move(std::string_view name, Stage stage, std::string_view to,
                              std::string_view from) {
    if (stage == Stage::current && to.empty()) {
        return base::fail(Code::invalid_value, "A secret always has a current version.");
    }
    // AWS only checks `from` against the holder where both are named.
    const auto versions = describe(name);
    if (!versions) {
        return std::unexpected(versions.error());
    }
    std::string_view holder;
    bool known = to.empty();
    for (const SecretVersion& version : *versions) {
        holder = version.is(stage) ? std::string_view(version.id) : holder;
        known = known || version.id == to;
    }
    if (holder != from || !known) {
        return base::fail(Code::precondition_failed,
                          "Secret " + std::string(name) + " has changed meanwhile.", "Look, then try again.");
    }
    if (to == from) {
        return {};
    }
    json::object body{{"SecretId", prefix_ + std::string(name)}, {"VersionStage", aws_name(stage)}};
    if (!to.empty()) {
        body["MoveToVersionId"] = to;
    }
    if (!from.empty()) {
        body["RemoveFromVersionId"] = from;
    }
    return done(run("UpdateSecretVersionStage", body));
}

base::Result<std::vector<SecretVersion>> AwsSecrets::describe(std::string_view name) {
    const auto answer = run("DescribeSecret", {{"SecretId", prefix_ + std::string(name)}});
    if (!answer) {
        return std::unexpected(answer.error());
    }
    if (answer->contains("DeletedDate") && !answer->at("DeletedDate").is_null()) {
        return base::fail(Code::not_found, "There is no such secret, or no such version of it.");
    }
    std::vector<SecretVersion> versions;
    const json::value* stages = answer->if_contains("VersionIdsToStages");
    if (stages == nullptr || !stages->is_object()) {
        return odd();
    }
    for (const auto& [id, names] : stages->as_object()) {
        SecretVersion version{std::string(id), {}};
        for (const auto& [stage, aws] : stage_names) {
            if (names.is_array() && std::ranges::count(names.as_array(), json::value(aws)) != 0) {
                version.stages.push_back(stage);
            }
        }
        if (const auto* changed = answer->if_contains("LastChangedDate");
            changed != nullptr && changed->is_number()) {
            version.changed_s = static_cast<std::int64_t>(changed->to_number<double>());
        }
        if (!version.stages.empty()) {
            versions.push_back(std::move(version));
        }
    }
    return versions;
}

base::Result<std::vector<std::string>> AwsSecrets::list(std::string_view prefix) {
    std::vector<std::string> names;
    json::object body{
        {"MaxResults", 100},
        {"Filters",
         json::array{json::object{{"Key", "name"}, {"Values", json::array{prefix_ + std::string(prefix)}}}}}};
    for (;;) {
        const auto answer = run("ListSecrets", body);
        if (!answer) {
            return std::unexpected(answer.error());
        }
        const json::value* list = answer->if_contains("SecretList");
        if (list == nullptr || !list->is_array()) {
            return odd();
        }
        for (const json::value& one : list->as_array()) {
            // AWS's filter takes prefixes of words, too.
            const std::string name = one.is_object() ? text_of(one.as_object(), "Name") : std::string();
            if (name.starts_with(prefix_ + std::string(prefix))) {
                names.push_back(name.substr(prefix_.size()));
            }
        }
        const std::string next = text_of(*answer, "NextToken");
        if (next.empty()) {
            break;
        }
        body["NextToken"] = next;
    }
    std::ranges::sort(names);
    return names;
}

base::Status AwsSecrets::remove(std::string_view name) {
    auto answer = run("DeleteSecret",
                      {{"SecretId", prefix_ + std::string(name)}, {"ForceDeleteWithoutRecovery", true}});
    return !answer && answer.error().code == Code::not_found ? base::Status() : done(std::move(answer));
}

}  // namespace domicile::cloud
