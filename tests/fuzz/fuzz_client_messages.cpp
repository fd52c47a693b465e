// A stream of messages as an authenticated client sends them: framing and every decoder on every body,
// whatever its type says. What decodes is put together again and must give the same bytes, as a proxy that
// rewrites names relies on.

#include "base/buffer.hpp"
#include "base/limits.hpp"
#include "fuzz.hpp"
#include "wire/client.hpp"

#include <string>

namespace {

using namespace domicile;

void check_text(std::string_view text, std::string_view body) {
    DOMICILE_ASSERT(fuzz::within(text, body) && !text.contains('\0'));
}

template <class Integer>
void append_list(base::Buffer& out, const wire::IntegerList<Integer>& list) {
    out.append_u16(static_cast<std::uint16_t>(list.size()));
    for (std::size_t i = 0; i < list.size(); ++i) {
        if constexpr (sizeof(Integer) == 2) {
            out.append_u16(static_cast<std::uint16_t>(list[i]));
        } else {
            out.append_u32(list[i]);
        }
    }
}

void check_parse(std::string_view body, base::Buffer& out) {
    wire::Parse parse;
    if (!wire::decode(body, parse)) {
        return;
    }
    check_text(parse.name, body);
    check_text(parse.sql, body);
    out.append_cstring(parse.name);
    DOMICILE_ASSERT(out.size() == parse.rest_offset);
    out.append_cstring(parse.sql);
    append_list(out, parse.types);
    DOMICILE_ASSERT(out.view() == body);
}

void check_bind(std::string_view body, base::Buffer& out) {
    wire::Bind bind;
    if (!wire::decode(body, bind)) {
        return;
    }
    check_text(bind.portal, body);
    check_text(bind.statement, body);
    out.append_cstring(bind.portal);
    DOMICILE_ASSERT(out.size() == bind.statement_offset);
    out.append_cstring(bind.statement);
    DOMICILE_ASSERT(out.size() == bind.rest_offset);
    append_list(out, bind.formats);
    out.append_u16(bind.parameter_count);
    wire::ParameterReader parameters = bind.parameters();
    for (std::size_t i = 0; i < bind.parameter_count; ++i) {
        const auto value = parameters.next();
        DOMICILE_ASSERT(bind.is_binary(i) || bind.formats.empty() || bind.formats.size() == 1 ||
                        bind.formats[i] == 0);
        DOMICILE_ASSERT(fuzz::within(value.value_or(std::string_view{}), body));
        out.append_u32(value ? static_cast<std::uint32_t>(value->size()) : 0xFFFF'FFFFU);
        out.append(value.value_or(std::string_view{}));
    }
    DOMICILE_ASSERT(parameters.done());
    append_list(out, bind.result_formats);
    DOMICILE_ASSERT(out.view() == body);
}

void check_names(std::string_view body) {
    wire::Query query;
    if (wire::decode(body, query)) {
        check_text(query.sql, body);
        DOMICILE_ASSERT(query.sql.size() + 1 == body.size());
    }
    wire::Target target;
    if (wire::decode(body, target)) {
        check_text(target.name, body);
        DOMICILE_ASSERT(target.name.size() + 2 == body.size());
        DOMICILE_ASSERT(target.kind == 'S' || target.kind == 'P');
    }
    wire::Execute execute;
    if (wire::decode(body, execute)) {
        check_text(execute.portal, body);
        DOMICILE_ASSERT(execute.rest_offset + 4 == body.size());
        DOMICILE_ASSERT(execute.rows_max <= 0x7FFF'FFFFU);
    }
    wire::CopyFail fail;
    if (wire::decode(body, fail)) {
        check_text(fail.reason, body);
    }
    wire::SaslInitialResponse initial;
    if (wire::decode(body, initial)) {
        check_text(initial.mechanism, body);
        const std::string_view said = initial.data.value_or(std::string_view{});
        DOMICILE_ASSERT(fuzz::within(said, body));
        DOMICILE_ASSERT(initial.mechanism.size() + 5 + said.size() == body.size());
    }
    wire::SaslResponse response;
    DOMICILE_ASSERT(wire::decode(body, response) && response.data == body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest = fuzz::Input(data, size).rest();
    base::Buffer out;
    for (;;) {
        wire::Frame frame;
        const wire::Scan found = wire::scan_client(rest, frame);
        if (found != wire::Scan::frame) {
            DOMICILE_ASSERT(frame.type == 0 && frame.body.empty());
            return 0;
        }
        DOMICILE_ASSERT(fuzz::within(frame.body, rest) && frame.bytes() <= rest.size());
        wire::Frame shorter;
        DOMICILE_ASSERT(wire::scan_client(rest.substr(0, frame.bytes() - 1), shorter) == wire::Scan::more);
        out.clear();
        check_parse(frame.body, out);
        out.clear();
        check_bind(frame.body, out);
        check_names(frame.body);
        rest.remove_prefix(frame.bytes());
    }
}
