// Policy documents from outside: parsing them, and a decision under what was taken, must be bounded and
// clean.

#include "iam/policy_set.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace domicile::iam;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto kind : {PolicyKind::identity, PolicyKind::resource}) {
        Policies policies;
        auto parsed = parse_policy("p", text, kind, policies.keys);
        if (!parsed.policy) {
            continue;
        }
        if (kind == PolicyKind::identity) {
            policies.roles["r"].identity.push_back(std::move(*parsed.policy));
        } else {
            policies.resources["table/users"].push_back(std::move(*parsed.policy));
        }
        const PolicySet set(std::move(policies));
        Context context;
        context.set("aws:username", text.substr(0, 64));
        context.set("aws:SourceIp", "10.0.0.1");
        const std::vector<std::string> roles = {"r"};
        Request request;
        request.roles = roles;
        request.account = request.resource_account = "eu";
        request.action = "data:Select";
        request.resource = "arn:domicile:data::eu:table/users";
        request.context = &context;
        const auto decision = set.decide(request);
        const auto residual = set.specialise(request, {});
        if (residual.decide(request).allowed() != decision.allowed()) {
            __builtin_trap();
        }
    }
    return 0;
}
