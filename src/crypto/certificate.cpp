#include "crypto/certificate.hpp"

#include "crypto/openssl.hpp"
#include "crypto/random.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace domicile::crypto {
namespace {

using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;

std::unexpected<base::Error> failed() {
    return base::fail(base::Code::internal, "A certificate cannot be made.");
}

std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

Bio reader(std::string_view text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate read_certificate(std::string_view pem) {
    const Bio bio = reader(pem);
    return Certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// "IP:127.0.0.1,DNS:example". Nothing but letters, digits, '.', ':', '-' and '_' may stand in a name.
std::string alternative_names(std::span<const std::string> hosts) {
    std::string text;
    for (const auto& host : hosts) {
        if (host.empty() ||
            host.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:-_") !=
                std::string::npos) {
            return {};
        }
        const bool ip =
            host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
        text += (text.empty() ? "" : ",") + std::string(ip ? "IP:" : "DNS:") + host;
    }
    return text;
}

/// Unsigned: key, names and times.
Certificate new_certificate(EVP_PKEY* key, std::string_view name, std::chrono::seconds valid) {
    Certificate certificate(X509_new());
    if (!certificate) {
        return nullptr;
    }
    X509_set_version(certificate.get(), X509_VERSION_3);
    std::array<unsigned char, 16> serial{};
    random_bytes(serial);
    serial[0] &= 0x7FU;  // positive (RFC 5280, 4.1.2.2)
    serial[0] |= 0x01U;
    const std::unique_ptr<BIGNUM, Freer<BN_free>> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
    BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get()));
    // A clock that is a little behind must not refuse it.
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -300);
    X509_time_adj_ex(X509_getm_notAfter(certificate.get()), 0, static_cast<long>(valid.count()), nullptr);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.data()),
                               static_cast<int>(name.size()), -1, 0);
    return certificate;
}

base::Result<Identity> written(X509* certificate, EVP_PKEY* key) {
    const Bio public_part(BIO_new(BIO_s_mem()));
    const Bio private_part(BIO_new(BIO_s_secmem()));
    if (PEM_write_bio_X509(public_part.get(), certificate) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(private_part.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return failed();
    }
    return Identity{text_of(public_part.get()), base::Secret<std::string>(text_of(private_part.get()))};
}

}  // namespace

base::Result<Identity> make_authority(std::string_view name, std::chrono::seconds valid) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = key ? new_certificate(key.get(), name, valid) : nullptr;
    if (!certificate ||
        X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) != 1 ||
        !add_extension(certificate.get(), certificate.get(), NID_basic_constraints,
                       "critical,CA:TRUE,pathlen:0") ||
        !add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash") ||
        X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) {
        return failed();
    }
    return written(certificate.get(), key.get());
}

base::Result<Identity> make_certificate(const Identity& authority, std::string_view name,
                                        std::span<const std::string> hosts, std::chrono::seconds valid) {
    const Certificate issuer = read_certificate(authority.certificate);
    const Bio bio = reader(authority.key.reveal());
    const Key issuer_key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr);
    const std::string names = alternative_names(hosts);
    if (!issuer || !issuer_key || names.empty()) {
        return base::fail(base::Code::invalid_value, "The certificate's authority or names are malformed.");
    }
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = key ? new_certificate(key.get(), name, valid) : nullptr;
    if (!certificate || X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get())) != 1 ||
        !add_extension(certificate.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(certificate.get(), issuer.get(), NID_key_usage, "critical,digitalSignature") ||
        !add_extension(certificate.get(), issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth") ||
        !add_extension(certificate.get(), issuer.get(), NID_authority_key_identifier, "keyid") ||
        !add_extension(certificate.get(), issuer.get(), NID_subject_alt_name, names) ||
        X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) == 0) {
        return failed();
    }
    return written(certificate.get(), key.get());
}

bool is_good(std::string_view certificate, std::string_view authority, std::chrono::seconds least) {
    const Certificate one = read_certificate(certificate);
    const Certificate issuer = read_certificate(authority);
    if (!one || !issuer || X509_verify(one.get(), X509_get0_pubkey(issuer.get())) != 1) {
        return false;
    }
    int days = 0;
    int seconds = 0;
    constexpr std::int64_t day = 86'400;
    return ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(one.get())) == 1 &&
           days * day + seconds >= least.count() && (days > 0 || seconds > 0);
}

std::string common_name(std::string_view certificate) {
    const Certificate one = read_certificate(certificate);
    X509_NAME* subject = one ? X509_get_subject_name(one.get()) : nullptr;
    const int at = subject != nullptr ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) {
        return {};
    }
    const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    std::string name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
    const bool plain = std::ranges::all_of(name, [](char c) { return c > ' ' && c < 127; });
    return plain ? name : std::string();
}

std::optional<std::int64_t> seconds_left(std::string_view certificate) {
    const Certificate one = read_certificate(certificate);
    int days = 0;
    int seconds = 0;
    if (!one || ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(one.get())) != 1) {
        return std::nullopt;
    }
    return std::int64_t{days} * 86'400 + seconds;
}

std::vector<std::string> dns_names(std::string_view certificate) {
    std::vector<std::string> names;
    const Certificate one = read_certificate(certificate);
    const std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>> all(
        one ? static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(one.get(), NID_subject_alt_name, nullptr, nullptr))
            : nullptr);
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type == GEN_DNS) {
            const ASN1_IA5STRING* text = name->d.dNSName;
            names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                               static_cast<std::size_t>(ASN1_STRING_length(text)));
        }
    }
    return names;
}

}  // namespace domicile::crypto
