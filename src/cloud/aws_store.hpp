#pragma once
// The object store in S3 (Amazon S3 API Reference, REST): put if absent, checksums both ways, retention by
// object lock.

#include "cloud/aws_call.hpp"
#include "cloud/object_store.hpp"

#include <cstdint>
#include <string>

namespace domicile::cloud {

class AwsStore final : public ObjectStore {
  public:
    /// `retain_days`: what is put if absent can be neither changed nor deleted for so long (object lock,
    /// compliance mode; the bucket must allow it); 0: as the bucket says.
    AwsStore(AwsAccess access, std::string region, std::string bucket, std::uint32_t retain_days = 0);

    base::Status put_if_absent(std::string_view key, std::string_view bytes) override;
    base::Status put(std::string_view key, std::string_view bytes) override;
    base::Result<std::string> get(std::string_view key) override;
    base::Result<std::vector<StoredObject>> list(std::string_view prefix) override;

  private:
    struct Answer;
    base::Result<Answer> run(std::string_view method, const std::string& path, const std::string& query,
                             std::string_view body, std::vector<std::pair<std::string, std::string>> headers);
    base::Status write(std::string_view key, std::string_view bytes, bool replace);

    AwsAccess access_;
    std::string region_, bucket_, url_, host_, root_;
    std::uint32_t retain_days_;
};

}  // namespace domicile::cloud
