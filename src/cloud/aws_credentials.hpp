#pragma once
// Where AWS credentials are found.

#include "base/error.hpp"
#include "cloud/sigv4.hpp"

#include <optional>
#include <string_view>

namespace domicile::cloud {

/// As AWS's own tools find them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; else profile
/// [default] of the file AWS_SHARED_CREDENTIALS_FILE; else the container's endpoint
/// AWS_CONTAINER_CREDENTIALS_FULL_URI with the token in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (EKS, ECS),
/// kept until they are about to end. configuration if none of these is there.
[[nodiscard]] base::Result<AwsCredentials> find_credentials();

/// The keys of profile [default]; nothing if they are not there. Pure.
[[nodiscard]] std::optional<AwsCredentials> parse_credentials_file(std::string_view text);

}  // namespace domicile::cloud
