// A stream of frames as a node sends them: framing, every decoder, and the pipeline that follows them. The
// input begins with the number of steps sent and one byte per step; the rest is the stream.

#include "base/limits.hpp"
#include "fuzz.hpp"
#include "wire/backend.hpp"
#include "wire/exchange.hpp"
#include "wire/pipeline.hpp"

#include <algorithm>
#include <vector>

namespace {

using namespace domicile;
using wire::Pipeline;

constexpr std::size_t steps_max = 32;

/// Every decoder on every body, whatever its type says.
void decode_all(std::string_view body) {
    wire::ServerError error;
    if (wire::decode(body, error)) {
        for (const auto view : {error.severity, error.sqlstate, error.message, error.detail, error.hint,
                                error.context, error.table, error.column, error.constraint}) {
            DOMICILE_ASSERT(fuzz::within(view, body));
            DOMICILE_ASSERT(view.find('\0') == std::string_view::npos);
        }
        DOMICILE_ASSERT(error.sqlstate.empty() || error.sqlstate.size() == 5);
    }
    static std::vector<wire::ColumnDescription> columns;
    if (wire::decode_row_description(body, columns)) {
        DOMICILE_ASSERT(columns.size() <= base::limits::wire_columns_max);
        for (const auto& column : columns) {
            DOMICILE_ASSERT(fuzz::within(column.name, body));
        }
    }
    wire::RowReader row(body);
    std::size_t bytes = 2;
    for (std::uint16_t i = 0; i < row.columns() && row.ok(); ++i) {
        const auto field = row.next();
        DOMICILE_ASSERT(fuzz::within(field.value_or(std::string_view{}), body));
        bytes += 4 + field.value_or(std::string_view{}).size();
    }
    // What is accepted accounts for every byte.
    DOMICILE_ASSERT(!row.ok() || bytes == body.size());
    DOMICILE_ASSERT(row.ok() == wire::well_formed_row(body));
    static_cast<void>(row.next());
    DOMICILE_ASSERT(!row.ok());

    std::string_view tag;
    if (wire::decode_command_complete(body, tag)) {
        DOMICILE_ASSERT(tag.size() + 1 == body.size());
    }
    static_cast<void>(wire::affected_rows(body));
    char status = '?';
    DOMICILE_ASSERT(wire::decode_ready(body, status) == (status != '?'));
}

void check_event(Pipeline::Event event, const Pipeline& pipeline, const wire::Frame& frame) {
    wire::ServerError error;
    std::string_view tag;
    switch (event) {
        case Pipeline::Event::row: DOMICILE_ASSERT(wire::well_formed_row(frame.body)); break;
        case Pipeline::Event::complete:
            DOMICILE_ASSERT(wire::decode_command_complete(frame.body, tag));
            break;
        case Pipeline::Event::error: DOMICILE_ASSERT(wire::decode(frame.body, error)); break;
        case Pipeline::Event::broken: DOMICILE_ASSERT(!pipeline.idle()); break;
        default: break;
    }
    DOMICILE_ASSERT(pipeline.tag() < steps_max);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Pipeline pipeline;
    const std::size_t steps = input.choice() % steps_max;
    std::size_t syncs = 0;
    for (std::uint32_t tag = 0; tag < steps; ++tag) {
        switch (input.choice() % 4) {
            case 0: pipeline.sent_parse(tag); break;
            case 1: pipeline.sent_bind(tag); break;
            case 2: pipeline.sent_execute(tag); break;
            default: pipeline.sent_sync(); ++syncs;
        }
    }
    wire::Exchange exchange;
    exchange.sent();
    bool out_of_step = false;
    std::string_view rest = input.rest();
    std::size_t ready = 0;
    bool broken = false;
    for (;;) {
        wire::Frame frame;
        const wire::Scan found = wire::scan(rest, frame);
        if (found != wire::Scan::frame) {
            DOMICILE_ASSERT(frame.type == 0 && frame.body.empty());
            DOMICILE_ASSERT(found == wire::Scan::broken ||
                            rest.size() < base::limits::wire_message_bytes_max + 1);
            break;
        }
        DOMICILE_ASSERT(fuzz::within(frame.body, rest) && frame.bytes() <= rest.size());
        wire::Frame shorter;
        DOMICILE_ASSERT(wire::scan(rest.substr(0, frame.bytes() - 1), shorter) == wire::Scan::more);
        decode_all(frame.body);
        const auto event = pipeline.advance(frame);
        check_event(event, pipeline, frame);
        ready += event == Pipeline::Event::ready ? 1U : 0U;
        DOMICILE_ASSERT(!broken || event == Pipeline::Event::broken);
        broken = event == Pipeline::Event::broken;
        const auto said = exchange.advance(frame);
        DOMICILE_ASSERT(!out_of_step || said == wire::Exchange::Event::broken);
        DOMICILE_ASSERT(said != wire::Exchange::Event::row || wire::well_formed_row(frame.body));
        out_of_step = said == wire::Exchange::Event::broken;
        if (exchange.copying()) {
            exchange.copy_ended();
        }
        rest.remove_prefix(frame.bytes());
    }
    DOMICILE_ASSERT(ready <= syncs);
    DOMICILE_ASSERT(!pipeline.idle() || ready == syncs);
    return 0;
}
