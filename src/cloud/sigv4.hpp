#pragma once
// AWS Signature Version 4 (AWS General Reference, "Create a signed AWS API request"). Pure.

#include "base/secret.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace domicile::cloud {

struct AwsCredentials {
    std::string access_key;
    base::Secret<std::string> secret_key;
    std::string session_token;  ///< of temporary credentials; may be empty
};

struct UnsignedRequest {
    std::string_view method;
    std::string_view path;   ///< as on the wire: percent-encoded, from '/'
    std::string_view query;  ///< as on the wire, without '?': encoded pairs, sorted by name, each with '='
    /// Names in lower case, each once; "host" among them. The signature covers all.
    std::vector<std::pair<std::string, std::string>> headers;
    std::string_view body;
};

/// "20150830T123600Z"
[[nodiscard]] std::string amz_date(std::int64_t unix_seconds);

/// Headers to add to those of the request: authorization, x-amz-date, and the token's, if there is one.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> sign(UnsignedRequest request,
                                                                    const AwsCredentials& credentials,
                                                                    std::string_view region,
                                                                    std::string_view service,
                                                                    std::int64_t unix_seconds);

}  // namespace domicile::cloud
