#include "crypto/merkle.hpp"

#include <gtest/gtest.h>

namespace domicile::crypto {
namespace {

// RFC 6962's reference implementation (certificate-transparency, merkle_tree_test): roots of its eight
// inputs.
TEST(Merkle, GivesTheKnownRoots) {
    const std::string inputs[] = {"",
                                  std::string("\0", 1),
                                  "\x10",
                                  "\x20\x21",
                                  "\x30\x31",
                                  "\x40\x41\x42\x43",
                                  "\x50\x51\x52\x53\x54\x55\x56\x57",
                                  "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
    const char* const roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                 "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                 "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                 "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                 "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                 "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                 "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    MerkleEdge edge;
    EXPECT_EQ(hex(view(edge.root())), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (std::size_t i = 0; i < std::size(inputs); ++i) {
        edge.append(merkle_leaf(inputs[i]));
        EXPECT_EQ(hex(view(edge.root())), roots[i]) << i;
        EXPECT_EQ(MerkleEdge::parse(edge.text())->root(), edge.root());
    }
}

/// Reads subtrees of leaves that are all in memory.
ReadSubtree over(const std::vector<Digest>& leaves) {
    return [&leaves](unsigned height, std::uint64_t index) -> base::Result<Digest> {
        MerkleEdge edge;
        for (std::uint64_t i = index << height; i < (index + 1) << height; ++i) {
            edge.append(leaves.at(i));
        }
        return edge.root();
    };
}

TEST(Merkle, ProvesWhatIsThereAndNothingElse) {
    std::vector<Digest> leaves;
    MerkleEdge edge;
    std::vector<Digest> roots = {edge.root()};
    for (std::uint64_t size = 1; size <= 40; ++size) {
        leaves.push_back(merkle_leaf(std::to_string(size)));
        edge.append(leaves.back());
        roots.push_back(edge.root());
        EXPECT_EQ(tree_root(size, over(leaves)).value(), edge.root());
        for (std::uint64_t i = 0; i < size; ++i) {
            auto proof = inclusion_proof(i, size, over(leaves)).value();
            EXPECT_TRUE(verify_inclusion(leaves[i], i, size, proof, edge.root())) << i << " of " << size;
            EXPECT_FALSE(verify_inclusion(merkle_leaf("other"), i, size, proof, edge.root()));
            EXPECT_FALSE(verify_inclusion(leaves[i], (i + 1) % size, size, proof, edge.root()) && size > 1);
            proof.push_back(leaves[0]);
            EXPECT_FALSE(verify_inclusion(leaves[i], i, size, proof, edge.root()));
        }
        for (std::uint64_t old = 1; old <= size; ++old) {
            auto proof = consistency_proof(old, size, over(leaves)).value();
            EXPECT_TRUE(verify_consistency(old, roots[old], size, edge.root(), proof)) << old << " " << size;
            EXPECT_FALSE(verify_consistency(old, merkle_leaf("other"), size, edge.root(), proof));
            EXPECT_FALSE(verify_consistency(old, roots[old], size, merkle_leaf("other"), proof));
            if (old > 1) {
                EXPECT_FALSE(verify_consistency(old - 1, roots[old], size, edge.root(), proof));
            }
            proof.push_back(leaves[0]);
            EXPECT_FALSE(verify_consistency(old, roots[old], size, edge.root(), proof));
        }
    }
    EXPECT_FALSE(verify_consistency(0, roots[0], 1, roots[1], {}));
    EXPECT_FALSE(verify_consistency(2, roots[2], 1, roots[1], {}));
    for (const char* bad : {"", "1", ":", "1:", "0:00", "x:",
                            "2:"
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,"}) {
        EXPECT_FALSE(MerkleEdge::parse(bad)) << bad;
    }
    EXPECT_TRUE(MerkleEdge::parse("0:"));
}

}  // namespace
}  // namespace domicile::crypto
