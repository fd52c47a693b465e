#pragma once
// What every driver of the key service and of the secret store must do, whichever cloud it speaks to.

#include "cloud/key_service.hpp"
#include "cloud/secret_store.hpp"

namespace domicile::test_support {

/// Uses gtest's expectations. `other` is another region's service.
void check_key_service(cloud::KeyService& keys, cloud::KeyService& other);
/// The store holds nothing under "suite/" before and after.
void check_secret_store(cloud::SecretStore& secrets);

}  // namespace domicile::test_support
