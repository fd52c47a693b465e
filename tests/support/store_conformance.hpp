#pragma once
// What every driver of the object store must do.

#include "cloud/object_store.hpp"

namespace domicile::test_support {

/// `store` is empty.
void store_conformance(cloud::ObjectStore& store);

}  // namespace domicile::test_support
