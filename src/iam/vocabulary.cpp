#include "iam/vocabulary.hpp"

#include "iam/pattern.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace domicile::iam {
namespace {

constexpr std::string_view table = "arn:domicile:data::<jurisdiction>:table/<table>";
constexpr std::string_view subject = "arn:domicile:privacy::<jurisdiction>:subject";
constexpr std::string_view secret = "arn:domicile:secrets:<region>:<jurisdiction>:secret/<name>";
constexpr std::string_view key = "arn:domicile:keys::<jurisdiction>:key/<name>";
constexpr std::string_view document = "arn:domicile:audit::<jurisdiction>:document";
constexpr std::string_view shard = "arn:domicile:ranges::<jurisdiction>:shard/<shard>";
constexpr std::string_view fleet = "arn:domicile:ops::<jurisdiction>:fleet";

constexpr std::array action_words{
    ActionWord{"data:Select", table, "read rows"},
    ActionWord{"data:Insert", table, "add rows"},
    ActionWord{"data:Update", table, "change rows, or lock them"},
    ActionWord{"data:Delete", table, "remove rows"},
    ActionWord{"data:ReadPersonal", table, "read personal columns, or compare with them; beside data:Select"},
    ActionWord{"data:Define", table, "change the table itself, run procedures, maintain"},
    ActionWord{"privacy:Export", subject, "a person's data as a package (GDPR Art. 15, 20)"},
    ActionWord{"privacy:Erase", subject, "erase a person's personal columns (GDPR Art. 17)"},
    ActionWord{"privacy:Rectify", subject, "correct them (GDPR Art. 16)"},
    ActionWord{"privacy:Restrict", subject, "restrict their use (GDPR Art. 18)"},
    ActionWord{"privacy:Object", subject, "object to their use (GDPR Art. 21)"},
    ActionWord{"privacy:Consent", subject, "give or withdraw a consent (GDPR Art. 7)"},
    ActionWord{"privacy:Hold", subject, "place or lift a legal hold"},
    ActionWord{"secrets:GetValue", secret, "read a secret's value"},
    ActionWord{"secrets:Put", secret, "write a new version"},
    ActionWord{"secrets:Rotate", secret, "rotate it"},
    ActionWord{"secrets:Describe", secret, "see versions and stages, never values"},
    ActionWord{"keys:Encrypt", key, "encrypt under a key"},
    ActionWord{"keys:Decrypt", key, "decrypt under a key"},
    ActionWord{"keys:Rotate", key, "give a key a new version"},
    ActionWord{"audit:Read", document, "read audit documents and the access log"},
    ActionWord{"audit:Dispatch", document, "send them to institutions"},
    ActionWord{"ranges:Read", shard, "see the range map"},
    ActionWord{"ranges:Move", shard, "move a range to another shard"},
    ActionWord{"ranges:Split", shard, "split a range"},
    ActionWord{"ops:Read", fleet, "see metrics, nodes and alarms"},
    ActionWord{"ops:Silence", fleet, "silence an alarm for a while"},
    ActionWord{"ops:Acknowledge", fleet, "accept what the advisor has found"},
    ActionWord{"ops:Fleet", fleet, "start, stop and fail over"},
    ActionWord{"stats:Read", "arn:domicile:stats:::metric/<metric>", "read global statistics"},
    ActionWord{"iam:IssueToken", "arn:domicile:iam::<jurisdiction>:role/<role>", "issue tokens for a role"},
    ActionWord{"iam:ReadPolicies", "arn:domicile:iam::<jurisdiction>:role/<role>", "read policies"},
    ActionWord{"mesh:Forward", shard, "forward a statement to the writer region"},
    ActionWord{"mesh:Gossip", fleet, "exchange range maps and health"},
};

constexpr std::array key_words{
    KeyWord{"aws:PrincipalArn", "text", "arn:domicile:iam::<jurisdiction>:user/<name>"},
    KeyWord{"aws:PrincipalType", "text", "Service, Subject or Gateway"},
    KeyWord{"aws:PrincipalAccount", "text", "the principal's jurisdiction"},
    KeyWord{"aws:username", "text", "the principal's name"},
    KeyWord{"aws:SourceIp", "address", "where the client connects from"},
    KeyWord{"aws:SecureTransport", "boolean", "the connection is TLS"},
    KeyWord{"aws:CurrentTime", "time", "now"},
    KeyWord{"aws:EpochTime", "number", "now, in seconds since 1970"},
    KeyWord{"aws:RequestedRegion", "text", "the gateway's region"},
    KeyWord{"domicile:HomeJurisdiction", "text",
            "where the rows asked for have their home; data actions only"},
    KeyWord{"domicile:GatewayJurisdiction", "text", "the gateway's jurisdiction"},
    KeyWord{"domicile:GatewayRegion", "text", "the gateway's region"},
    KeyWord{"domicile:PrincipalRoles", "texts", "all roles of the principal"},
    KeyWord{"domicile:Subject", "text", "the user id the principal acts for; absent if it acts for nobody"},
    KeyWord{"domicile:SubjectMatch", "boolean",
            "all rows asked for are those of the principal's own subject"},
    KeyWord{"domicile:Columns", "texts", "columns the request touches; data actions only"},
    KeyWord{"domicile:PersonalColumns", "texts", "the personal ones among those it reads"},
    KeyWord{"domicile:Purpose", "text",
            "what the data is used for, from the token; absent if it says nothing"},
    KeyWord{"domicile:Door", "text", "sql, http or mesh"},
    KeyWord{"domicile:TransferBasis", "text",
            "adequacy, contract_clauses or consent, for a principal abroad under a declared transfer; else "
            "absent"},
};

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t corner = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)});
            corner = above;
        }
    }
    return row[b.size()];
}

template <class Words>
std::string nearest(const Words& words, std::string_view name) {
    std::string_view best;
    std::size_t least = 4;
    if (name.size() <= 64) {
        for (const auto& word : words) {
            if (const auto far = distance(lower(word.name), lower(name)); far < least) {
                least = far;
                best = word.name;
            }
        }
    }
    return best.empty() ? "docs/policy.md lists them" : "did you mean " + std::string(best) + "?";
}

}  // namespace

std::span<const ActionWord> actions() noexcept {
    return action_words;
}
std::span<const KeyWord> condition_keys() noexcept {
    return key_words;
}

std::string unknown_action(std::string_view name) {
    const auto pattern =
        Pattern::compile(lower(name), true, false, [](std::string_view) { return std::uint16_t{0}; });
    const bool known = pattern && std::ranges::any_of(action_words, [&](const auto& word) {
                           return pattern->matches(lower(word.name));
                       });
    return known ? std::string() : nearest(action_words, name);
}

std::string unknown_key(std::string_view name) {
    const bool known =
        std::ranges::any_of(key_words, [&](const auto& word) { return lower(word.name) == lower(name); });
    return known ? std::string() : nearest(key_words, name);
}

std::string table_arn(std::string_view jurisdiction, std::string_view name) {
    return "arn:domicile:data::" + std::string(jurisdiction) + ":table/" + std::string(name);
}
std::string role_arn(std::string_view jurisdiction, std::string_view role) {
    return "arn:domicile:iam::" + std::string(jurisdiction) + ":role/" + std::string(role);
}
std::string user_arn(std::string_view jurisdiction, std::string_view name) {
    return "arn:domicile:iam::" + std::string(jurisdiction) + ":user/" + std::string(name);
}

}  // namespace domicile::iam
