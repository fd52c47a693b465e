// From an audited row to an institution's shelf: one document each, sealed at rest, sent once in a chain
// without a gap, whatever fails in between; and a checker that finds every way of tampering with what was
// received.

#include "cloud/directory_store.hpp"
#include "cloud/local_keys.hpp"
#include "documents/dispatcher.hpp"
#include "documents/log.hpp"
#include "documents/proof.hpp"
#include "fleet/context.hpp"
#include "support/store_conformance.hpp"
#include "support/temp_fleet.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

namespace domicile {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using pool::MaintenanceClient;
using test_support::TempFleet;

std::string auditing_topology() {
    return test_support::small_topology() + R"toml(
audit = ["insert", "update", "delete"]
personal.note = { erase = "null" }

[tables.items]
key = "user_id"

[documents.orders]
title = "Order {order_no}"
fields = ["order_no", "amount", "note"]
person = ["name"]
lines = "items"
by = ["order_no"]
columns = ["item", "price"]

[institutions.eu-tax]
jurisdiction = "eu"
documents = ["orders"]
deliver = "directory:eu-tax"
batch_documents = 7
batch_s = 0
)toml";
}

std::map<std::string, std::string> auditing_migrations() {
    return {{"0001_small.sql", R"sql(
CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL, name text);
CREATE TABLE orders (user_id bigint NOT NULL, order_no integer NOT NULL, amount numeric(12, 3) NOT NULL, note text,
                     PRIMARY KEY (user_id, order_no));
CREATE TABLE items (user_id bigint NOT NULL, order_no integer NOT NULL, item text NOT NULL, price numeric(12, 3) NOT NULL,
                    PRIMARY KEY (user_id, order_no, item));
)sql"}};
}

/// Fails now and then, before or after the file has been put.
class Unreliable final : public documents::Delivery {
  public:
    Unreliable(std::unique_ptr<documents::Delivery> real, std::mt19937_64& random)
        : real_(std::move(real)), random_(random) {}
    base::Result<std::string> put(std::string_view name, std::string_view bytes) override {
        const auto fate = [this] {
            const std::lock_guard lock(mutex_);
            return random_() % 10;
        }();
        if (fate == 0) {
            return base::fail(base::Code::node_unavailable, "Nobody answers.");
        }
        auto given = real_->put(name, bytes);
        return fate == 1 ? base::Result<std::string>(base::fail(base::Code::node_timeout, "No answer came."))
                         : given;
    }

  private:
    std::unique_ptr<documents::Delivery> real_;
    std::mt19937_64& random_;
    std::mutex mutex_;
};

class Documents : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        fleet_ = new TempFleet(DOMICILE_STAND_IN_GATEWAY, auditing_topology(), auditing_migrations());
        const auto up = fleet_->start();
        ASSERT_TRUE(up) << base::describe(up.error());
    }
    static void TearDownTestSuite() {
        delete fleet_;
        fleet_ = nullptr;
    }
    void SetUp() override {
        run("TRUNCATE domicile.documents, domicile.outbox, domicile.dispatches, domicile.person_keys, users, "
            "items; "
            "UPDATE domicile.batch_state SET documents = 0; ALTER TABLE orders DISABLE TRIGGER USER; DELETE "
            "FROM orders; "
            "ALTER TABLE orders ENABLE TRIGGER USER");
        fs::remove_all(objects());
        fs::remove_all(shelf());
        fs::create_directories(objects());
        run("INSERT INTO users SELECT u, 'DE', 'Žofie ' || u FROM generate_series(1, 30) AS u");
    }
    static fs::path objects() { return fleet_->folder() / "objects-here"; }
    static fs::path shelf() { return fleet_->folder() / "shelf"; }
    std::vector<pool::ResultSet> run(std::string_view script) {
        auto done = eu_.run(script, 20s);
        EXPECT_TRUE(done) << script << "\n" << base::describe(done.error()) << " " << done.error().detail;
        return done ? std::move(*done) : std::vector<pool::ResultSet>();
    }
    std::string value(std::string_view statement) {
        auto got = fleet::single_value(eu_, statement);
        EXPECT_TRUE(got) << statement << "\n" << base::describe(got.error()) << " " << got.error().detail;
        return got.value().value_or("null");
    }
    void order(int user, int number) {
        const std::string key = std::to_string(user) + ", " + std::to_string(number);
        run("BEGIN; INSERT INTO orders VALUES (" + key + ", 12.500, 'secret note " + std::to_string(number) +
            "'); INSERT INTO items "
            "VALUES (" +
            key + ", 'a thing', 2.5), (" + key + ", 'another thing', 10); COMMIT");
    }
    void number_events() {
        auto client = writer()().value();
        while (fleet::single_value(client, "SELECT events FROM domicile.make_batch(1000)").value() != "0") {
        }
    }
    static events::Connect writer() {
        return []() -> base::Result<MaintenanceClient> {
            return fleet_->connect("eu-1.eu-west-1.w", fleet::roles::worker);
        };
    }
    documents::Keeper keeper() {
        return {fleet_->topology(), "eu-1", writer(), store_, keys_, keeper_metrics_};
    }
    documents::Dispatcher dispatcher(std::unique_ptr<documents::Delivery> delivery = nullptr) {
        if (delivery == nullptr) {
            delivery = to_shelf();
        }
        return {fleet_->topology(),
                fleet_->topology().institutions[0],
                {{"eu-1", writer()}},
                store_,
                keys_,
                [given = std::make_shared<std::unique_ptr<documents::Delivery>>(std::move(delivery))]()
                    -> base::Result<std::unique_ptr<documents::Delivery>> { return std::move(*given); },
                crypto::SigningKey::from_pem(signing_.pem()).value(),
                dispatch_metrics_};
    }
    static std::unique_ptr<documents::Delivery> to_shelf() {
        return documents::delivery_to({"directory:shelf", fleet_->folder(), {}, {}}).value();
    }
    std::string public_key() const {
        for (const auto& [name, value] : signing_.verifying().jwk()) {
            if (name == "x") {
                return value;
            }
        }
        return "";
    }
    /// Exit status and text of the institution's checker.
    [[nodiscard]] std::pair<int, std::string> check(const fs::path& folder,
                                                    const std::string& key = {}) const {
        std::string text;
        FILE* pipe = ::popen((DOMICILE_AUDIT_VERIFY " '" + folder.string() + "' --key " +
                              (key.empty() ? public_key() : key) + " 2>&1")
                                 .c_str(),
                             "r");
        char piece[4096];
        for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) {
            text.append(piece, got);
        }
        const int status = ::pclose(pipe);
        return {WEXITSTATUS(status), text};
    }

    static inline TempFleet* fleet_ = nullptr;
    MaintenanceClient eu_ = fleet_->connect("eu-1.eu-west-1.w", fleet::roles::owner);
    cloud::DirectoryStore store_{objects()};
    cloud::LocalKeys keys_{[] {
                               fs::create_directories(fleet_->folder() / "keys-here");
                               return fleet_->folder() / "keys-here";
                           }(),
                           "documents"};
    crypto::SigningKey signing_ = crypto::SigningKey::generate(crypto::SignatureAlgorithm::eddsa).value();
    base::Metrics metrics_;
    documents::KeeperMetrics keeper_metrics_{metrics_, "eu-1"};
    documents::DispatchMetrics dispatch_metrics_{metrics_, "eu-tax"};
};

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(Documents, ARowBecomesOneSealedDocument) {
    order(1, 10);
    run("UPDATE orders SET amount = 13 WHERE order_no = 10");
    run("DELETE FROM orders WHERE order_no = 10");
    run("BEGIN; INSERT INTO orders VALUES (2, 11, 1, 'never'); ROLLBACK");
    number_events();
    auto one = keeper();
    auto client = writer()().value();
    EXPECT_EQ(one.round(client).value(), 3U);
    EXPECT_EQ(value("SELECT string_agg(number || op::text, ' ' ORDER BY number) FROM domicile.documents"),
              "1I 2U 3D");
    EXPECT_EQ(value("SELECT count(body) FROM domicile.documents"), "0") << "what is stored is not kept twice";
    const auto stored = store_.list("").value();
    ASSERT_EQ(stored.size(), 3U);
    EXPECT_EQ(stored[0].key, "documents/eu-1/000000/000000001");
    documents::PersonKeys keys(keys_, "small", "eu");
    ASSERT_TRUE(keys.know(client, {"1"}, false));
    const std::string sealed = store_.get(stored[0].key).value();
    for (const char* plain : {"%PDF", "secret note", "Žofie", "/Title"}) {
        EXPECT_EQ(sealed.find(plain), std::string::npos) << plain;
    }
    const auto pdf = documents::open_document(keys.of("1"), "eu-1.1", sealed);
    ASSERT_TRUE(pdf);
    EXPECT_FALSE(documents::open_document(keys.of("1"), "eu-1.2", sealed)) << "a document in another's place";
    const fs::path file = fleet_->folder() / "one.pdf";
    std::ofstream(file, std::ios::binary) << pdf->reveal();
    EXPECT_EQ(std::system(("qpdf --check '" + file.string() + "' >/dev/null").c_str()), 0);
    EXPECT_EQ(std::system(("pdftotext -layout '" + file.string() + "' '" + file.string() + ".txt'").c_str()),
              0);
    const std::string text = read(file.string() + ".txt");
    for (const char* part : {"Order 10", "Žofie 1", "12.500", "secret note 10", "a thing", "another thing",
                             "10.000", "eu-1.1"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
    // The person's key is gone: nobody reads it any more, and nobody can make it again.
    run("DELETE FROM domicile.person_keys");
    documents::PersonKeys later(keys_, "small", "eu");
    EXPECT_EQ(later.know(client, {"1"}, false).error().code, base::Code::not_found);
}

TEST_F(Documents, ARoundThatDiedIsDoneAgainWithTheSameOutcome) {
    for (int i = 0; i < 5; ++i) {
        order(1 + i, 20 + i);
    }
    number_events();
    run("CREATE TEMP TABLE before AS SELECT number, body FROM domicile.documents");
    auto one = keeper();
    auto client = writer()().value();
    ASSERT_EQ(one.round(client).value(), 5U);
    const auto hashes = value("SELECT string_agg(sha256, ' ' ORDER BY number) FROM domicile.documents");
    const std::string first = store_.get("documents/eu-1/000000/000000001").value();
    // As if it had died after storing and before noting it.
    run("UPDATE domicile.documents AS d SET stored_at = NULL, sha256 = NULL, salt = NULL, bytes = NULL, body "
        "= b.body FROM before AS b "
        "WHERE b.number = d.number");
    auto other = keeper();
    ASSERT_EQ(other.round(client).value(), 5U);
    EXPECT_EQ(value("SELECT string_agg(sha256, ' ' ORDER BY number) FROM domicile.documents"), hashes);
    EXPECT_EQ(store_.get("documents/eu-1/000000/000000001").value(), first);
    // Something else in a document's place is not taken for it.
    run("UPDATE domicile.documents AS d SET stored_at = NULL, body = b.body FROM before AS b WHERE b.number "
        "= d.number AND d.number = 2");
    ASSERT_TRUE(store_.put("documents/eu-1/000000/000000002", "something else"));
    auto third = keeper();
    EXPECT_FALSE(third.round(client));
}

TEST_F(Documents, EachIsSentOnceInAChainWhateverFails) {
    const std::uint64_t seed = std::random_device{}();
    std::cout << "    seed " << seed << "\n";
    std::mt19937_64 random(seed);
    auto client = writer()().value();
    int made = 0;
    for (int step = 0; step < 60; ++step) {
        if (random() % 2 == 0) {
            order(1 + static_cast<int>(random() % 30), 100 + made++);
        }
        if (random() % 3 == 0) {
            number_events();
        }
        if (random() % 3 == 0) {
            auto some = keeper();  // begun anew each time, as after a crash
            ASSERT_TRUE(some.round(client));
        }
        if (random() % 2 == 0) {
            auto some = dispatcher(std::make_unique<Unreliable>(to_shelf(), random));
            std::ignore = some.round(client);  // it may fail: then it is done again
        }
    }
    number_events();
    auto last = keeper();
    ASSERT_TRUE(last.round(client));
    auto rest = dispatcher();
    while (rest.round(client).value()) {
    }
    EXPECT_EQ(
        value("SELECT sum(documents)::bigint FROM domicile.dispatches WHERE acknowledged_at IS NOT NULL"),
        std::to_string(made));
    const auto [status, text] = check(shelf());
    EXPECT_EQ(status, 0) << text;
    EXPECT_NE(text.find(" " + std::to_string(made) + " documents"), std::string::npos) << text;
}

TEST_F(Documents, TheCheckerFindsEveryTampering) {
    for (int i = 0; i < 20; ++i) {
        order(1 + i, 200 + i);
    }
    number_events();
    auto client = writer()().value();
    auto one = keeper();
    ASSERT_TRUE(one.round(client));
    auto all = dispatcher();
    while (all.round(client).value()) {
    }
    ASSERT_EQ(check(shelf()).first, 0) << check(shelf()).second;
    const auto other_key = [&] {
        const auto other = crypto::SigningKey::generate(crypto::SignatureAlgorithm::eddsa).value();
        for (const auto& [name, value] : other.verifying().jwk()) {
            if (name == "x") {
                return value;
            }
        }
        return std::string();
    }();
    struct Tampering {
        const char* what;
        std::function<void(const fs::path&)> how;
        const char* said;
    };
    const auto write = [](const fs::path& file, const std::string& text) {
        std::ofstream(file, std::ios::binary) << text;
    };
    const auto replaced = [&](const fs::path& file, const std::string& from, const std::string& to) {
        std::string text = read(file);
        const auto at = text.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        write(file, text.replace(at, from.size(), to));
    };
    const Tampering cases[] = {
        {"a document is missing", [](const auto& d) { fs::remove(d / "00000001/eu-1.3.pdf"); },
         "eu-1.3 is missing"},
        {"a document was altered", [&](const auto& d) { write(d / "00000002/eu-1.9.pdf", "%PDF-1.4"); },
         "eu-1.9 was altered"},
        {"two documents changed places",
         [](const auto& d) {
             fs::rename(d / "00000001/eu-1.1.pdf", d / "x");
             fs::rename(d / "00000001/eu-1.2.pdf", d / "00000001/eu-1.1.pdf");
             fs::rename(d / "x", d / "00000001/eu-1.2.pdf");
         },
         "eu-1.1 was altered"},
        {"a document too many", [&](const auto& d) { write(d / "00000001/eu-1.99.pdf", "%PDF"); },
         "stands in no manifest"},
        {"a batch is missing", [](const auto& d) { fs::remove_all(d / "00000002"); },
         "batch 00000002 is missing"},
        {"the first batch is missing", [](const auto& d) { fs::remove_all(d / "00000001"); },
         "batch 00000001 is missing"},
        {"a batch came twice",
         [](const auto& d) { fs::copy(d / "00000001", d / "00000004", fs::copy_options::recursive); },
         "its manifest is of batch 1"},
        {"a manifest without a document",
         [&](const auto& d) {
             replaced(d / "00000002/manifest.json", "{\"id\":\"eu-1.8\"", "{\"id\":\"eu-1.7\"");
         },
         "is not signed by this key"},
        {"a signature is missing", [](const auto& d) { fs::remove(d / "00000003/manifest.sig"); },
         "is not signed by this key"},
        {"a manifest in the middle is missing",
         [](const auto& d) { fs::remove(d / "00000002/manifest.json"); }, "its manifest is missing"},
        {"a checkpoint is missing", [](const auto& d) { fs::remove(d / "00000002/checkpoint"); },
         "its checkpoint is not that"},
        {"a checkpoint of another size",
         [](const auto& d) {
             fs::copy_file(d / "00000001/checkpoint", d / "00000002/checkpoint",
                           fs::copy_options::overwrite_existing);
         },
         "its checkpoint is not that"},
        {"a manifest is none", [&](const auto& d) { write(d / "00000001/manifest.json", "{}"); },
         "its manifest is missing, or none"},
    };
    for (const auto& [what, how, said] : cases) {
        const fs::path copy = fleet_->folder() / "tampered";
        fs::remove_all(copy);
        fs::copy(shelf(), copy, fs::copy_options::recursive);
        how(copy);
        const auto [status, text] = check(copy);
        EXPECT_EQ(status, 1) << what << "\n" << text;
        EXPECT_NE(text.find(said), std::string::npos) << what << "\n" << text;
    }
    EXPECT_EQ(check(shelf(), other_key).first, 1) << "somebody else's key";
    EXPECT_EQ(check(shelf(), "no-key").first, 2);
    EXPECT_EQ(check(fleet_->folder() / "nothing").first, 1);
    // A batch on its way is no finding.
    const fs::path copy = fleet_->folder() / "tampered";
    fs::remove_all(copy);
    fs::copy(shelf(), copy, fs::copy_options::recursive);
    fs::remove(copy / "00000003/manifest.json");
    EXPECT_EQ(check(copy).first, 0) << check(copy).second;
}

TEST_F(Documents, AnybodyProvesOutOfTheLog) {
    for (int i = 0; i < 20; ++i) {
        order(1 + i, 300 + i);
    }
    number_events();
    auto client = writer()().value();
    auto one = keeper();
    ASSERT_TRUE(one.round(client));
    auto all = dispatcher();
    while (all.round(client).value()) {
    }
    documents::Log log(store_, "eu-tax");
    const auto note = log.checkpoint().value();
    const auto head = crypto::open_checkpoint(note, signing_.verifying());
    ASSERT_TRUE(head);
    EXPECT_EQ(head->origin, "small/eu-tax");
    ASSERT_EQ(head->size, 20U);
    const auto manifest = documents::parse_manifest(read(shelf() / "00000002/manifest.json")).value();
    const auto& entry = manifest.documents[3];
    const documents::InclusionProof proof{entry.id, entry.salt, 10,
                                          crypto::inclusion_proof(10, 20, log.reader(20)).value(), note};
    const fs::path file = fleet_->folder() / "one.proof";
    const auto said = [&](const std::string& text, const fs::path& beside) {
        std::ofstream(file, std::ios::binary) << text;
        return check(file.string() + "' '" + beside.string());
    };
    const fs::path pdf = shelf() / "00000002" / (entry.id + ".pdf");
    EXPECT_EQ(
        said(to_text(proof), pdf).second.find("the document is " + entry.id + " of small/eu-tax, 20 entries"),
        0U)
        << said(to_text(proof), pdf).second;
    EXPECT_EQ(said(to_text(proof), shelf() / "00000001/eu-1.1.pdf").first, 1) << "another document";
    auto bent = proof;
    bent.index = 9;
    EXPECT_EQ(said(to_text(bent), pdf).first, 1);
    bent = proof;
    bent.salt[0] = bent.salt[0] == '0' ? '1' : '0';
    EXPECT_EQ(said(to_text(bent), pdf).first, 1);
    bent = proof;
    bent.hashes.pop_back();
    EXPECT_EQ(said(to_text(bent), pdf).first, 1);
    EXPECT_EQ(said("c2sp.org/tlog-proof@v1\nnothing", pdf).first, 1);
    // That the log has only grown since the first batch.
    const documents::ConsistencyProof grown{7, crypto::consistency_proof(7, 20, log.reader(20)).value(),
                                            note};
    EXPECT_EQ(said(to_text(grown), shelf() / "00000001/checkpoint").first, 0);
    EXPECT_EQ(said(to_text(grown), shelf() / "00000002/checkpoint").first, 1) << "another size";
    auto forged = grown;
    forged.hashes[0] = crypto::sha256("other");
    EXPECT_EQ(said(to_text(forged), shelf() / "00000001/checkpoint").first, 1);
    // A store that has lost its tiles gets them again from the books.
    fs::remove_all(objects() / "log");
    order(25, 400);
    number_events();
    ASSERT_TRUE(one.round(client));
    while (all.round(client).value()) {
    }
    EXPECT_TRUE(crypto::inclusion_proof(0, 21, log.reader(21)));
    EXPECT_EQ(check(shelf()).first, 0) << check(shelf()).second;
}

TEST_F(Documents, ALogOfManyTilesProvesEveryEntry) {
    crypto::MerkleEdge edge;
    std::vector<crypto::Digest> leaves;
    std::vector<std::string> entries;
    documents::Log log(store_, "many");
    const auto grow = [&](std::uint64_t by) {
        entries.clear();
        for (std::uint64_t i = 0; i < by; ++i) {
            entries.push_back("entry " + std::to_string(leaves.size()));
            leaves.push_back(crypto::merkle_leaf(entries.back()));
            edge.append(leaves.back());
        }
        ASSERT_TRUE(log.append(leaves.size() - by, entries));
        ASSERT_TRUE(log.append(leaves.size() - by, entries)) << "again, as after a crash";
    };
    for (const std::uint64_t by : {1U, 254U, 1U, 300U, 66'000U, 1U, 255U}) {
        const auto before = leaves.size();
        const auto old_root = edge.root();
        grow(by);
        const auto size = leaves.size();
        const auto read = log.reader(size);
        for (const std::uint64_t index : {std::uint64_t{0}, size / 3, size / 2, size - 1}) {
            EXPECT_TRUE(crypto::verify_inclusion(
                leaves[index], index, size, crypto::inclusion_proof(index, size, read).value(), edge.root()))
                << index << " of " << size;
        }
        if (before > 0) {
            EXPECT_TRUE(crypto::verify_consistency(before, old_root, size, edge.root(),
                                                   crypto::consistency_proof(before, size, read).value()));
        }
    }
    EXPECT_EQ(documents::tile_path(0, 1'234'067, 256), "tile/0/x001/x234/067");
    EXPECT_EQ(documents::tile_path(-1, 0, 17), "tile/entries/000.p/17");
    const std::string other[] = {"something else"};
    EXPECT_EQ(log.append(0, other).error().code, base::Code::internal) << "another first entry";
    EXPECT_EQ(log.append(leaves.size() - 1, other).error().code, base::Code::not_found)
        << "it never had that size";
}

TEST_F(Documents, AStoreKeepsWhatItWasGivenAndSaysIfItDidNot) {
    test_support::store_conformance(store_);
    std::ofstream(objects() / "a/b", std::ios::app) << "!";
    EXPECT_EQ(store_.get("a/b").error().code, base::Code::internal);
}

}  // namespace
}  // namespace domicile
