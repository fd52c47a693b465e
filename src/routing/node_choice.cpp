#include "routing/node_choice.hpp"

#include <charconv>

namespace domicile::routing {
namespace {

template <class Int>
bool parse_number(std::string_view text, Int& value, int base) {
    const char* last = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), last, value, base);
    return !text.empty() && parsed.ec == std::errc{} && parsed.ptr == last;
}

bool fresh(const NodeState& node, const std::optional<Position>& required) {
    return !required || (node.timeline == required->timeline && node.lsn >= required->lsn);
}

}  // namespace

std::optional<std::uint64_t> parse_lsn(std::string_view text) {
    const auto slash = text.find('/');
    std::uint32_t high = 0;
    std::uint32_t low = 0;
    if (slash == std::string_view::npos || !parse_number(text.substr(0, slash), high, 16) ||
        !parse_number(text.substr(slash + 1), low, 16)) {
        return std::nullopt;
    }
    return std::uint64_t{high} << 32U | low;
}

std::optional<Position> parse_position(std::string_view text) {
    const auto colon = text.find(':');
    Position position;
    if (colon == std::string_view::npos || !parse_number(text.substr(0, colon), position.timeline, 10)) {
        return std::nullopt;
    }
    const auto lsn = parse_lsn(text.substr(colon + 1));
    if (!lsn) {
        return std::nullopt;
    }
    position.lsn = *lsn;
    return position;
}

std::string to_text(const Position& position) {
    char digits[40];
    char* at = std::to_chars(digits, digits + sizeof digits, position.timeline).ptr;
    *at++ = ':';
    at = std::to_chars(at, digits + sizeof digits, position.lsn >> 32U, 16).ptr;
    *at++ = '/';
    at = std::to_chars(at, digits + sizeof digits, position.lsn & 0xFFFF'FFFFU, 16).ptr;
    return {digits, at};
}

std::optional<std::size_t> choose_writer(std::span<const NodeState> nodes) {
    std::optional<std::size_t> writer;
    bool contested = false;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (!nodes[i].up || nodes[i].in_recovery) {
            continue;
        }
        if (!writer || nodes[i].timeline > nodes[*writer].timeline) {
            writer = i;
            contested = false;
        } else if (nodes[i].timeline == nodes[*writer].timeline) {
            contested = true;
        }
    }
    return contested ? std::nullopt : writer;
}

std::optional<std::size_t> choose_node(std::span<const NodeState> nodes, Access access,
                                       const std::optional<Position>& required, std::int64_t lag_ms_max,
                                       std::uint64_t turn) {
    const auto writer = choose_writer(nodes);
    if (access == Access::writer) {
        return writer;
    }
    const auto serves = [&](const NodeState& node, bool local) {
        return node.up && node.in_recovery && node.local == local && node.lag_ms <= lag_ms_max &&
               (!writer || node.timeline == nodes[*writer].timeline) && fresh(node, required);
    };
    // A writer next door beats a reader across a border of regions.
    const bool writer_is_local = writer && nodes[*writer].local;
    for (const bool local : {true, false}) {
        if (!local && writer_is_local) {
            break;
        }
        std::uint64_t count = 0;
        for (const NodeState& node : nodes) {
            count += serves(node, local) ? 1 : 0;
        }
        if (count == 0) {
            continue;
        }
        std::uint64_t skip = turn % count;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (serves(nodes[i], local) && skip-- == 0) {
                return i;
            }
        }
    }
    return writer;
}

}  // namespace domicile::routing
