#pragma once
// Calls of AWS's JSON protocol (AWS JSON 1.1), signed; and what its errors mean to us.

#include "base/error.hpp"
#include "cloud/sigv4.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace domicile::cloud {

/// Where AWS is, and as whom we ask.
struct AwsAccess {
    /// Asked for each call: temporary credentials change.
    std::function<base::Result<AwsCredentials>()> credentials;
    std::string endpoint;  ///< "http://127.0.0.1:5000" for a server of one's own; empty: AWS's for the region
};

/// As AWS's own tools find them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; else profile
/// [default] of the file AWS_SHARED_CREDENTIALS_FILE; else the container's endpoint
/// AWS_CONTAINER_CREDENTIALS_FULL_URI with the token in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (EKS, ECS),
/// kept until they are about to end. configuration if none of these is there.
[[nodiscard]] base::Result<AwsCredentials> find_credentials();

/// The keys of profile [default]; nothing if they are not there. Pure.
[[nodiscard]] std::optional<AwsCredentials> parse_credentials_file(std::string_view text);

class AwsService {
  public:
    /// `service` as in endpoints and signatures: "kms"; `target` as in X-Amz-Target: "TrentService".
    AwsService(AwsAccess access, std::string region, std::string service, std::string target);

    /// Tried three times while nobody answers or the service is busy. Errors as the drivers' interfaces list
    /// them, by AWS's own code, which stands in the detail.
    [[nodiscard]] base::Result<boost::json::object> run(std::string_view action,
                                                        const boost::json::object& body) const;

  private:
    AwsAccess access_;
    std::string region_, service_, target_, url_, host_;
};

}  // namespace domicile::cloud
