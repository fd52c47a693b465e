#pragma once
// What the files of this room share of OpenSSL: owners of its things. Private to this room.

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
