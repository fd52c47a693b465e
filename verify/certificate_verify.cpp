// domicile-certificate-verify FILE --key PUBLIC_KEY: whether an erasure's certificate is signed by that key
// and stands in the ledger it names, from the file alone; then what it says, for a person to read. Exit
// status: 0 good, 1 not, 2 wrong use.

#include "crypto/base64.hpp"
#include "rights/certificate.hpp"

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

int main(int count, char** arguments) {
    using namespace domicile;
    const std::vector<std::string> words(arguments + 1, arguments + count);
    if (words.size() != 3 || words[1] != "--key") {
        std::cerr << "usage: domicile-certificate-verify FILE --key PUBLIC_KEY\n\nThe file is what `domicile "
                     "user certificate` prints; "
                     "the key, what `domicile audit key` prints,\nreceived on another way than the file.\n";
        return 2;
    }
    const auto raw = crypto::base64url_decode(words[2]);
    const auto key =
        raw ? crypto::VerifyingKey::from_ed25519(*raw)
            : base::Result<crypto::VerifyingKey>(base::fail(base::Code::invalid_value, "no key"));
    std::ifstream in(words[0], std::ios::binary);
    if (!key || !in) {
        std::cerr << "domicile-certificate-verify: "
                  << (in ? "that is no public key: 43 characters of base64url" : "the file cannot be read")
                  << "\n";
        return 2;
    }
    const std::string file(std::istreambuf_iterator<char>(in), {});
    const auto certificate = rights::open_certificate(file, *key);
    if (!certificate) {
        std::cout << "this is no certificate, or it is not signed by this key\n";
        return 1;
    }
    if (!rights::stands_in_ledger(*certificate, *key)) {
        std::cout << "signed by this key, and not in the ledger it names\n";
        return 1;
    }
    std::cout << rights::to_text(*certificate) << "\nsigned by this key, and in the ledger\n";
    return 0;
}
