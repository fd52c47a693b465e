#include "iam/defaults.hpp"

#include <array>

namespace domicile::iam {
namespace {

constexpr std::string_view app = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "rows",
      "Effect": "Allow",
      "Action": ["data:Select", "data:Insert", "data:Update", "data:Delete", "data:ReadPersonal"],
      "Resource": "arn:domicile:data::*:table/*"
    }
  ]
})json";

constexpr std::string_view operators = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "data",
      "Effect": "Allow",
      "Action": "data:*",
      "Resource": "arn:domicile:data::*:table/*"
    },
    {
      "Sid": "running",
      "Effect": "Allow",
      "Action": ["ops:*", "ranges:*", "secrets:Describe", "secrets:Rotate", "keys:Rotate", "privacy:*", "audit:*",
                 "stats:Read", "iam:*"],
      "Resource": "*"
    }
  ]
})json";

constexpr std::string_view analyst = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "impersonal",
      "Effect": "Allow",
      "Action": "data:Select",
      "Resource": "arn:domicile:data::*:table/*"
    },
    {
      "Sid": "statistics",
      "Effect": "Allow",
      "Action": "stats:Read",
      "Resource": "arn:domicile:stats:::metric/*"
    }
  ]
})json";

constexpr std::string_view auditor = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "look",
      "Effect": "Allow",
      "Action": ["audit:Read", "ops:Read", "ranges:Read", "iam:ReadPolicies", "secrets:Describe", "stats:Read"],
      "Resource": "*"
    }
  ]
})json";

constexpr std::string_view subject = R"json({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "own",
      "Effect": "Allow",
      "Action": ["data:Select", "data:Update", "data:ReadPersonal", "privacy:Export", "privacy:Erase",
                 "privacy:Rectify", "privacy:Restrict", "privacy:Object", "privacy:Consent"],
      "Resource": "*",
      "Condition": { "Bool": { "domicile:SubjectMatch": "true" } }
    }
  ]
})json";

constexpr std::string_view guard_rail = R"json({
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "otherwise", "Effect": "Allow", "Action": "*", "Resource": "*" },
    {
      "Sid": "home",
      "Effect": "Deny",
      "Action": "data:*",
      "Resource": "*",
      "Condition": {
        "StringNotEqualsIfExists": { "domicile:HomeJurisdiction": "${domicile:GatewayJurisdiction}" }
      }
    },
    {
      "Sid": "in-clear",
      "Effect": "Deny",
      "Action": "data:*",
      "Resource": "*",
      "Condition": {
        "Bool": { "aws:SecureTransport": "false" },
        "NotIpAddress": { "aws:SourceIp": ["127.0.0.0/8", "::1/128"] }
      }
    }
  ]
})json";

constexpr std::array roles{
    DefaultRole{"app", app},         DefaultRole{"operator", operators}, DefaultRole{"analyst", analyst},
    DefaultRole{"auditor", auditor}, DefaultRole{"subject", subject},
};

}  // namespace

std::span<const DefaultRole> default_roles() noexcept {
    return roles;
}
std::string_view default_guard_rail() noexcept {
    return guard_rail;
}

}  // namespace domicile::iam
