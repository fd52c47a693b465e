// domicile-audit-verify DIRECTORY --key PUBLIC_KEY: whether what an institution has received is complete and
// unaltered, from the files alone: no database, no network, none of the sender's programs but this one. With
// a proof and a document, or an older checkpoint, in the directory's place: whether the one proves the other.
//
//   DIRECTORY/00000001/manifest.json  which documents, in which order; the hash of the manifest before; the
//   log's root
//                      manifest.sig   Ed25519 over manifest.json, base64
//                      checkpoint     of the log, signed (C2SP tlog-checkpoint)
//                      eu-1.42.pdf    the documents
//   DIRECTORY/notices/eu-1.7.json     what has changed since (GDPR Art. 19), signed
//
// Checked: the sequence has no gap; each manifest is signed, and bears the hash of the one before; each
// document is there, with its hash and size, and no other file is; no document came twice; each shard's
// numbers grow; the root of the Merkle log (RFC 6962) follows from all documents so far. Exit status: 0 good,
// 1 not, 2 wrong use.

#include "crypto/base64.hpp"
#include "crypto/hash.hpp"
#include "crypto/signature.hpp"
#include "documents/manifest.hpp"
#include "documents/proof.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace domicile;

constexpr std::uintmax_t file_bytes_max = 64U << 20U;
constexpr std::size_t findings_max = 100;

std::optional<std::string> read(const fs::path& file) {
    std::error_code error;
    if (!fs::is_regular_file(file, error) || fs::file_size(file, error) > file_bytes_max || error) {
        return std::nullopt;
    }
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string hash_of(std::string_view bytes) {
    return crypto::hex(crypto::view(crypto::sha256(bytes)));
}

class Check {
  public:
    Check(fs::path folder, crypto::VerifyingKey key) : folder_(std::move(folder)), key_(std::move(key)) {}

    bool run() {
        std::set<std::string> batches;
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(folder_, error)) {
            batches.insert(entry.path().filename().string());
        }
        if (error || batches.empty()) {
            find(folder_.string(), "holds no batch");
        }
        if (batches.erase("notices") > 0) {
            notices();
        }
        // A batch that is still on its way has no manifest yet; only the last one may be so.
        std::uint64_t sequence = 1;
        for (; batches.contains(name_of(sequence)); ++sequence) {
            const auto text = read(folder_ / name_of(sequence) / "manifest.json");
            if (!text && !batches.contains(name_of(sequence + 1))) {
                std::cout << name_of(sequence) << ": on its way, not checked\n";
                batches.erase(name_of(sequence));
                break;
            }
            batch(sequence, text);
            batches.erase(name_of(sequence));
        }
        for (const auto& left : batches) {
            find(left, "does not follow: batch " + name_of(sequence) + " is missing, or this is none");
        }
        return findings_ == 0;
    }

    void report() const {
        std::cout << batches_ << " batches, " << seen_.size() << " documents, " << bytes_ << " bytes";
        if (withdrawn_ > 0) {
            std::cout << "; " << withdrawn_ << " of them erased before they were sent";
        }
        if (notices_ > 0) {
            std::cout << "; " << notices_ << " notices of what has changed since";
        }
        for (const auto& [shard, last] : last_) {
            std::cout << "; " << shard << " up to " << last;
        }
        std::cout << "\nlog of " << edge_.size() << " leaves, root "
                  << crypto::hex(crypto::view(edge_.root())) << "\n";
        std::cout << (findings_ == 0 ? "complete and unaltered\n"
                                     : std::to_string(findings_) + " findings\n");
    }

  private:
    static std::string name_of(std::uint64_t sequence) {
        std::string name = documents::batch_folder(sequence);
        name.pop_back();
        return name;
    }
    void find(const std::string& where, const std::string& what) {
        if (++findings_ <= findings_max) {
            std::cout << where << ": " << what << "\n";
        }
    }

    void batch(std::uint64_t sequence, const std::optional<std::string>& text) {
        const std::string name = name_of(sequence);
        const auto signature = read(folder_ / name / "manifest.sig");
        const auto manifest =
            text ? documents::parse_manifest(*text)
                 : base::Result<documents::Manifest>(base::fail(base::Code::not_found, "missing"));
        if (!manifest) {
            find(name, "its manifest is missing, or none");
            previous_.clear();
            return;
        }
        ++batches_;
        const auto raw = signature && signature->ends_with('\n')
                             ? crypto::base64_decode(signature->substr(0, signature->size() - 1))
                             : std::nullopt;
        if (!raw || !key_.verify(*text, *raw)) {
            find(name, "its manifest is not signed by this key");
        }
        if (manifest->sequence != sequence) {
            find(name, "its manifest is of batch " + std::to_string(manifest->sequence));
        }
        if (!previous_.empty() && manifest->previous != previous_) {
            find(name, "does not follow the batch before: another one was sent, or it was altered");
        }
        if (!institution_.empty() && manifest->institution != institution_) {
            find(name, "is for " + manifest->institution + ", not " + institution_);
        }
        institution_ = manifest->institution;
        previous_ = hash_of(*text);
        files(name, *manifest);
        if (edge_.size() != manifest->log_size ||
            crypto::hex(crypto::view(edge_.root())) != manifest->log_root) {
            find(name, "the log's root is not that of the documents so far");
        }
        const auto note = read(folder_ / name / "checkpoint");
        const auto checkpoint = note ? crypto::open_checkpoint(*note, key_) : std::nullopt;
        if (!checkpoint || checkpoint->size != edge_.size() || checkpoint->root != edge_.root() ||
            !checkpoint->origin.ends_with("/" + institution_)) {
            find(name, "its checkpoint is not that of the documents so far, signed by this key");
        }
    }

    void files(const std::string& name, const documents::Manifest& manifest) {
        std::set<std::string> expected = {"checkpoint", "manifest.json", "manifest.sig"};
        for (const auto& entry : manifest.documents) {
            expected.insert(entry.id + ".pdf");
            edge_.append(documents::leaf_of(entry.id, entry.sha256, entry.salt));
            if (!seen_.insert(entry.id).second) {
                find(name, entry.id + " came before");
            }
            const auto dot = entry.id.rfind('.');
            const auto number = std::strtoull(entry.id.c_str() + dot + 1, nullptr, 10);
            auto& last = last_[entry.id.substr(0, dot)];
            if (number <= last) {
                find(name, entry.id + " is out of order");
            }
            last = std::max<std::uint64_t>(last, number);
            const auto bytes = read(folder_ / name / (entry.id + ".pdf"));
            if (!bytes && withdrawn(folder_ / name / (entry.id + ".withdrawn"), entry.id)) {
                expected.insert(entry.id + ".withdrawn");
                ++withdrawn_;
            } else if (!bytes) {
                find(name, entry.id + " is missing");
            } else if (hash_of(*bytes) != entry.sha256 || bytes->size() != entry.bytes) {
                find(name, entry.id + " was altered");
            } else {
                bytes_ += bytes->size();
            }
        }
        std::error_code error;
        for (const auto& file : fs::directory_iterator(folder_ / name, error)) {
            if (!expected.contains(file.path().filename().string())) {
                find(name, file.path().filename().string() + " stands in no manifest");
            }
        }
    }

    /// What recipients are told later (GDPR Art. 19): each signed.
    void notices() {
        std::error_code error;
        for (const auto& file : fs::directory_iterator(folder_ / "notices", error)) {
            const auto text = read(file.path());
            const auto line = text ? text->find('\n') : std::string::npos;
            const auto signature =
                line != std::string::npos && text->ends_with('\n') && line + 1 < text->size()
                    ? crypto::base64_decode(text->substr(line + 1, text->size() - line - 2))
                    : std::nullopt;
            if (signature && key_.verify(text->substr(0, line + 1), *signature)) {
                ++notices_;
            } else {
                find("notices/" + file.path().filename().string(), "is not signed by this key");
            }
        }
    }

    bool withdrawn(const fs::path& file, const std::string& id) const {
        const auto note = read(file);
        const std::string text = documents::withdrawal_text(id);
        const auto signature =
            note && note->starts_with(text) && note->ends_with('\n')
                ? crypto::base64_decode(note->substr(text.size(), note->size() - text.size() - 1))
                : std::nullopt;
        return signature && key_.verify(text, *signature);
    }

    fs::path folder_;
    crypto::VerifyingKey key_;
    std::string institution_, previous_ = std::string(64, '0');
    crypto::MerkleEdge edge_;
    std::set<std::string> seen_;
    std::map<std::string, std::uint64_t> last_;
    std::size_t batches_ = 0, findings_ = 0, withdrawn_ = 0, notices_ = 0;
    std::uintmax_t bytes_ = 0;
};

int proven(const std::optional<crypto::Checkpoint>& checkpoint, const std::string& what) {
    std::cout << (checkpoint ? what + " " + checkpoint->origin + ", " + std::to_string(checkpoint->size) +
                                   " entries, root " + crypto::hex(crypto::view(checkpoint->root))
                             : std::string("the proof does not hold"))
              << "\n";
    return checkpoint ? 0 : 1;
}

/// A proof against a document, or against an older checkpoint.
int check_proof(const std::string& proof_file, const std::string& beside_file,
                const crypto::VerifyingKey& key) {
    const auto text = read(proof_file);
    const auto beside = read(beside_file);
    if (!text || !beside) {
        std::cerr << "domicile-audit-verify: " << (text ? beside_file : proof_file) << " cannot be read\n";
        return 2;
    }
    if (const auto proof = documents::parse_inclusion(*text)) {
        return proven(documents::check(*proof, hash_of(*beside), key),
                      "the document is " + proof->id + " of");
    }
    const auto proof = documents::parse_consistency(*text);
    const auto older = crypto::open_checkpoint(*beside, key);
    return proven(proof && older ? documents::check(*proof, *older, key) : std::nullopt, "it continues as");
}

}  // namespace

int main(int count, char** arguments) {
    const std::vector<std::string> words(arguments + 1, arguments + count);
    if ((words.size() != 3 && words.size() != 4) || words[words.size() - 2] != "--key") {
        std::cerr
            << "usage: domicile-audit-verify DIRECTORY --key PUBLIC_KEY\n"
               "       domicile-audit-verify PROOF DOCUMENT.pdf --key PUBLIC_KEY\n"
               "       domicile-audit-verify PROOF OLDER_CHECKPOINT --key PUBLIC_KEY\n\n"
               "The key is what `domicile audit key` prints, received on another way than the documents; a "
               "proof, what `domicile audit prove` prints.\n";
        return 2;
    }
    const auto raw = crypto::base64url_decode(words.back());
    const auto key =
        raw ? crypto::VerifyingKey::from_ed25519(*raw)
            : base::Result<crypto::VerifyingKey>(base::fail(base::Code::invalid_value, "no key"));
    if (!key) {
        std::cerr << "domicile-audit-verify: that is no public key: 43 characters of base64url\n";
        return 2;
    }
    if (words.size() == 4) {
        return check_proof(words[0], words[1], *key);
    }
    Check check(words[0], *key);
    const bool good = check.run();
    check.report();
    return good ? 0 : 1;
}
