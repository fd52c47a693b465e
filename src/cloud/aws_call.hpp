#pragma once
// Calls of AWS's JSON protocol (AWS JSON 1.1), signed; and what its errors mean to us.

#include "base/error.hpp"
#include "cloud/sigv4.hpp"

#include <functional>
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

class AwsService {
  public:
    /// `service` as in endpoints and signatures: "kms"; `target` as in X-Amz-Target: "TrentService".
    /// `version` of the JSON protocol.
    AwsService(AwsAccess access, std::string region, std::string service, std::string target,
               std::string version = "1.1");

    /// Tried three times while nobody answers or the service is busy. Errors as the drivers' interfaces list
    /// them, by AWS's own code, which stands in the detail.
    [[nodiscard]] base::Result<boost::json::object> run(std::string_view action,
                                                        const boost::json::object& body) const;

  private:
    AwsAccess access_;
    std::string region_, service_, target_, version_, url_, host_;
};

}  // namespace domicile::cloud
