#pragma once
// Owners of OpenSSL's things, for the files that speak to it directly.

#include <memory>

#include <openssl/bio.h>

namespace domicile::crypto {

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* thing) const noexcept {
        Free(thing);
    }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

}  // namespace domicile::crypto
