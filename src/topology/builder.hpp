#pragma once
// From the checked document to a Topology, section by section; each finds what is wrong in its own part and
// between parts. Goes on after a finding as far as the rest still makes sense, and stays silent about mere
// consequences. Private to this room.

#include "topology/reader.hpp"
#include "topology/report.hpp"
#include "topology/topology.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace domicile::topology {

/// The section of tables that the file does not name.
inline constexpr std::string_view other_tables_name = "*";

class Builder {
  public:
    /// REQUIRES: both outlive the builder.
    Builder(const Value& root, Report& report);
    Topology build();

  private:
    /// The names of one kind of thing, by index in the order of the file.
    struct Names {
        std::vector<std::string_view> all;
        std::unordered_map<std::string_view, std::uint16_t> index;

        void add(std::string_view name);
        [[nodiscard]] std::optional<std::uint16_t> find(std::string_view name) const;
    };
    /// One use of an address, to find two of the same.
    struct Use {
        Address address;
        Place place;
        std::string who;
    };
    struct OwnedRange {
        KeyRange range;
        Place place;
        ShardIndex shard;
    };
    /// A region as the file tells it; what could not be read is empty or unsure.
    struct RegionFacts {
        std::optional<JurisdictionIndex> jurisdiction;
        Place writer_place;
        bool writer_known = true;
    };

    // builder.cpp
    [[nodiscard]] Reader open(const Entry& entry, std::string_view kind, const keys::Section& section);
    /// The entries of a section of names, cut to `most`; their names go to `names`.
    std::vector<const Entry*> named(std::string_view kind, std::size_t most, Names& names);
    /// The index `word` names, or nothing and a finding.
    std::optional<std::uint16_t> resolve(const Word& word, std::string_view kind, const Names& names,
                                         const std::string& label);
    void check_name(std::string_view text, Place place, std::string_view what);
    bool check_sql_name(std::string_view text, Place place, std::string_view what);
    void check_unique(const std::vector<Word>& words, std::string_view what);
    void header();
    void limits();
    void bounded(const Reader& reader, std::string_view key, std::int64_t least, std::int64_t most,
                 std::uint32_t& value);

    // builder_places.cpp: where the law runs and where machines run
    void jurisdictions();
    void countries(const Reader& reader, Jurisdiction& jurisdiction);
    void regions();
    Address door(const Reader& reader, std::string_view key);
    void check_writer_regions();
    [[nodiscard]] bool has_writer_region(JurisdictionIndex index) const;

    // builder_shards.cpp: who lives where
    void embedded();
    void settings(const Reader& reader);
    void shards();
    void ranges(const Reader& reader, ShardIndex index, Shard& shard);
    void check_overlaps();
    std::optional<RegionIndex> writer(const Reader& reader);
    void readers(const Reader& reader, std::optional<RegionIndex> writer_region, ShardIndex index,
                 Shard& shard);
    void listed_nodes(const Reader& reader, std::optional<RegionIndex> writer_region, ShardIndex index,
                      Shard& shard);
    void check_abroad(const Word& word, RegionIndex region, std::optional<RegionIndex> writer_region,
                      std::string_view what);
    NodeIndex add_node(Node node);
    void central();
    void embedded_ports();
    void check_addresses();

    // builder_tables.cpp: what is stored
    void tables();
    void other_tables(const Entry& entry);
    void table_kind(const Reader& reader, Table& table);
    void personal(const Reader& reader, Table& table);
    void audit(const Reader& reader, Table& table);
    void statistics();
    void documents();
    void institutions();
    void privacy();
    void consents();
    void delivery(const Reader& reader, Institution& one);
    void buckets(const Reader& reader, const Table* table, Statistic& statistic);
    void columns(const Reader& reader, std::string_view key, const std::vector<Word>& words,
                 const Table* table, std::vector<std::string>& out);
    void columns(const Reader& reader, std::string_view key, const Table* table,
                 std::vector<std::string>& out);
    void transfers();
    void transfer(const Value& item);

    // builder_operations.cpp: what is watched, and who is told
    void notify();
    void alarms();
    void alarm(const Entry& entry, const Names& names, AlarmRule& rule);
    void maintenance();

    // builder_identity.cpp: whose word counts about who is asking
    void identity();
    void issuer(const Value& item);
    void clients(const Reader& reader);
    void roles();
    void files(const Reader& reader, std::string_view key, std::vector<std::string>& out);

    // builder_private.cpp: secrets and the private network
    void vault();
    void queue();
    void store();
    /// An https URL, or http:// with a loopback address; else a finding.
    std::string endpoint(const Reader& reader);
    void secrets();
    void mesh();

    // builder_edge.cpp: what responses say about themselves, and who is served where
    void edge();
    void edge_headers(const Reader& reader);
    void edge_policy(const Reader& reader, std::string_view key, std::string& value);
    void edge_word(const Reader& reader, std::string_view key, std::span<const std::string_view> words,
                   std::string& value);
    /// The entries of a table of texts; what is no text is a finding.
    std::vector<const Entry*> edge_texts(const Reader& reader, std::string_view key);

    const Value& root_value_;
    Report& report_;
    Reader root_;
    Topology topology_;
    Names jurisdiction_names_;
    Names region_names_;
    Names shard_names_;
    Names table_names_;
    Names role_names_;
    Names secret_names_;
    std::unordered_map<std::string, std::pair<std::string, Place>> country_owners_;
    std::vector<RegionFacts> region_facts_;
    std::vector<OwnedRange> owned_ranges_;
    std::vector<Use> uses_;
    std::optional<Place> embedded_place_;  // of first_port, if it is good
    bool embedded_port_missing_ = false;   // neither good nor reported
};

}  // namespace domicile::topology
