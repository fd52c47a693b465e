#include "iam/policy.hpp"

#include "crypto/base64.hpp"
#include "iam/json_tree.hpp"
#include "iam/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace domicile::iam {
namespace {

constexpr std::size_t values_max = 256;

/// One document being read.
class Reader {
  public:
    Reader(std::string_view name, PolicyKind kind, Keys& keys) : keys_(keys) {
        policy_.name = name;
        policy_.kind = kind;
    }

    ParsedPolicy read(std::string_view text) {
        if (text.size() > policy_bytes_max) {
            error("", "the policy has more than " + std::to_string(policy_bytes_max) + " bytes", "split it");
            return finish();
        }
        const JsonResult parsed = parse_json(text);
        if (!parsed.root) {
            error("", "not JSON: " + parsed.problem + " at byte " + std::to_string(parsed.offset),
                  "mend the syntax");
            return finish();
        }
        for (const auto& twice : parsed.twice) {
            error(twice, "the name stands twice", "keep one: readers differ about which of them counts");
        }
        document(*parsed.root);
        return finish();
    }

  private:
    void error(std::string_view pointer, std::string text, std::string hint) {
        findings_.push_back({true, std::string(pointer), std::move(text), std::move(hint)});
    }
    void warn(std::string_view pointer, std::string text, std::string hint) {
        findings_.push_back({false, std::string(pointer), std::move(text), std::move(hint)});
    }
    ParsedPolicy finish() {
        ParsedPolicy parsed;
        if (std::ranges::none_of(findings_, &Finding::error)) {
            parsed.policy = std::move(policy_);
        }
        parsed.findings = std::move(findings_);
        return parsed;
    }
    bool is_object(const Json& value, std::string_view at) {
        if (value.kind == Json::Kind::object) {
            return true;
        }
        error(at, "must be an object", "write { … }");
        return false;
    }
    void known_names(const Json& object, std::string_view at,
                     std::initializer_list<std::string_view> allowed) {
        for (const auto& [name, value] : object.members) {
            if (std::ranges::find(allowed, name) == allowed.end()) {
                std::string list;
                for (const auto one : allowed) {
                    list += (list.empty() ? "" : ", ") + std::string(one);
                }
                error(step(at, name), "unknown element", "the elements here are " + list);
            }
        }
    }

    void document(const Json& root) {
        if (!is_object(root, "")) {
            return;
        }
        known_names(root, "", {"Version", "Id", "Statement"});
        if (const Json* version = root.find("Version")) {
            if (version->text != "2012-10-17" && version->text != "2008-10-17") {
                error("/Version", "unknown version", "use 2012-10-17");
            }
            variables_ = version->text == "2012-10-17";
        } else {
            variables_ = false;
            warn("", "no Version: variables such as ${aws:username} are plain text",
                 "add \"Version\": \"2012-10-17\"");
        }
        if (const Json* id = root.find("Id"); id != nullptr && id->kind != Json::Kind::text) {
            error("/Id", "must be text", "write \"…\"");
        }
        const Json* statements = root.find("Statement");
        if (statements == nullptr) {
            error("", "no Statement", "add \"Statement\": [ … ]");
            return;
        }
        if (statements->kind == Json::Kind::object) {
            statement(*statements, "/Statement");
            return;
        }
        if (statements->kind != Json::Kind::list || statements->items.empty()) {
            error("/Statement", "must be a statement or a list of them", "write [ { … } ]");
            return;
        }
        if (statements->items.size() > statements_max) {
            error("/Statement", "more than " + std::to_string(statements_max) + " statements",
                  "split the policy");
            return;
        }
        for (std::size_t i = 0; i < statements->items.size(); ++i) {
            statement(statements->items[i], step("/Statement", std::to_string(i)));
        }
    }

    void statement(const Json& json, const std::string& at) {
        if (!is_object(json, at)) {
            return;
        }
        known_names(json, at,
                    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
                     "NotResource", "Condition"});
        Statement made;
        made.index = policy_.statements.size();
        if (const Json* sid = json.find("Sid")) {
            if (sid->kind != Json::Kind::text || sid->text.size() > 128) {
                error(at + "/Sid", "must be a text of at most 128 bytes", "name the statement");
            } else if (!sid->text.empty() && !sids_.insert(sid->text).second) {
                error(at + "/Sid", "the Sid stands twice", "reasons name statements by it: make it unique");
            }
            made.sid = sid->text;
        }
        const Json* effect = json.find("Effect");
        if (effect == nullptr || effect->kind != Json::Kind::text ||
            (effect->text != "Allow" && effect->text != "Deny")) {
            error(effect == nullptr ? at : at + "/Effect", "Effect must be \"Allow\" or \"Deny\"",
                  "write one of them");
        } else {
            made.allow = effect->text == "Allow";
        }
        actions(json, at, made);
        resources(json, at, made);
        principals(json, at, made);
        if (const Json* conditions = json.find("Condition")) {
            this->conditions(*conditions, at + "/Condition", made);
        }
        policy_.statements.push_back(std::move(made));
    }

    /// One of two elements, exactly. Null and a finding otherwise.
    const Json* either(const Json& json, const std::string& at, const char* plain, const char* negated,
                       bool required, bool& is_negated, std::string& where) {
        const Json* one = json.find(plain);
        const Json* other = json.find(negated);
        if ((one != nullptr) == (other != nullptr)) {
            if (one != nullptr || required) {
                error(at, std::string(one != nullptr ? "both " : "neither ") + plain + " and " + negated,
                      std::string("give exactly one of them"));
            }
            return nullptr;
        }
        is_negated = other != nullptr;
        where = at + "/" + (is_negated ? negated : plain);
        return is_negated ? other : one;
    }

    /// A text or a list of texts, with the pointer of each.
    std::vector<std::pair<std::string_view, std::string>> texts(const Json& json, const std::string& at) {
        std::vector<std::pair<std::string_view, std::string>> list;
        if (json.kind == Json::Kind::text) {
            list.emplace_back(json.text, at);
        } else if (json.kind == Json::Kind::list && !json.items.empty() && json.items.size() <= values_max) {
            for (std::size_t i = 0; i < json.items.size(); ++i) {
                const std::string place = step(at, std::to_string(i));
                if (json.items[i].kind != Json::Kind::text) {
                    error(place, "must be text", "write \"…\"");
                    continue;
                }
                list.emplace_back(json.items[i].text, place);
            }
        } else {
            error(at, "must be a text, or a list of 1 to " + std::to_string(values_max) + " texts",
                  "write \"…\"");
        }
        return list;
    }

    std::optional<Pattern> pattern(std::string_view text, bool wildcards, bool variables,
                                   const std::string& at) {
        auto made = Pattern::compile(text, wildcards, variables,
                                     [this](std::string_view key) { return keys_.intern(key); });
        if (!made) {
            error(at, "a policy variable is malformed, or a control character stands here",
                  "write ${key}, ${key, 'default'}, ${*}, ${?} or ${$}");
        }
        return made;
    }

    void actions(const Json& json, const std::string& at, Statement& made) {
        std::string where;
        const Json* list = either(json, at, "Action", "NotAction", true, made.not_action, where);
        if (list == nullptr) {
            return;
        }
        if (made.not_action && made.allow) {
            warn(where, "Allow with NotAction allows every action that is not named", "name what is allowed");
        }
        for (const auto& [text, place] : texts(*list, where)) {
            const auto colon = text.find(':');
            if (text != "*" && (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())) {
                error(place, "\"" + std::string(text) + "\" is no action",
                      "write service:Name, such as data:Select");
                continue;
            }
            if (text != "*" && text.substr(0, colon).find_first_of("*?") != std::string_view::npos) {
                error(place, "a wildcard stands in the service", "name the service: data:*");
                continue;
            }
            if (const auto hint = unknown_action(text); !hint.empty()) {
                warn(place, "no action is called \"" + std::string(text) + "\"", hint);
            }
            if (auto one = pattern(lower(text), true, false, place)) {
                made.actions.push_back(std::move(*one));
            }
        }
    }

    void resources(const Json& json, const std::string& at, Statement& made) {
        std::string where;
        // A resource policy may leave it out: it means the resource it is given to.
        const bool required = policy_.kind != PolicyKind::resource;
        const Json* list = either(json, at, "Resource", "NotResource", required, made.not_resource, where);
        if (list == nullptr) {
            made.any_resource = !required;
            return;
        }
        if (made.not_resource && made.allow) {
            warn(where, "Allow with NotResource allows every resource that is not named",
                 "name what is allowed");
        }
        for (const auto& [text, place] : texts(*list, where)) {
            if (text == "*") {
                made.any_resource = true;
                continue;
            }
            std::vector<Pattern> parts;
            std::string_view rest = text;
            for (int i = 0; i < 6; ++i) {
                const auto colon = i == 5 ? std::string_view::npos : rest.find(':');
                if (i < 5 && colon == std::string_view::npos) {
                    break;
                }
                const auto part = rest.substr(0, colon);
                if (i < 5 && variables_ && part.find("${") != std::string_view::npos) {
                    error(place, "a variable stands before the fifth colon", "variables name resources only");
                    parts.clear();
                    break;
                }
                auto one = pattern(part, true, variables_ && i == 5, place);
                if (!one) {
                    return;
                }
                parts.push_back(std::move(*one));
                rest = i < 5 ? rest.substr(colon + 1) : std::string_view();
            }
            if (parts.size() == 6) {
                made.resources.push_back(std::move(parts));
            } else {
                error(place, "\"" + std::string(text) + "\" is no ARN",
                      "write *, or arn:domicile:service:region:jurisdiction:resource");
            }
        }
        if (made.allow && made.any_resource && !made.not_resource && policy_.kind == PolicyKind::identity &&
            std::ranges::any_of(made.actions, &Pattern::is_any)) {
            warn(at, "this allows everything on everything", "name actions and resources");
        }
    }

    void principals(const Json& json, const std::string& at, Statement& made) {
        std::string where;
        const bool expected = policy_.kind == PolicyKind::resource;
        const Json* given =
            either(json, at, "Principal", "NotPrincipal", expected, made.not_principal, where);
        if (given == nullptr) {
            return;
        }
        if (!expected) {
            error(where, "a policy of this kind names no principal",
                  "remove it: whoever has the policy is meant");
            return;
        }
        if (made.not_principal && made.allow) {
            error(where, "Allow with NotPrincipal would allow everybody but those named",
                  "use Deny, or Principal");
        }
        const auto add = [&](Statement::Who::Kind kind, std::string_view text) {
            made.principals.push_back({kind, std::string(text)});
        };
        if (given->kind == Json::Kind::text && given->text == "*") {
            add(Statement::Who::Kind::everybody, "*");
            return;
        }
        if (!is_object(*given, where)) {
            return;
        }
        known_names(*given, where, {"AWS", "Domicile", "Service", "Federated"});
        for (const auto& [kind, list] : given->members) {
            for (const auto& [text, place] : texts(list, step(where, kind))) {
                if (kind == "Service" || kind == "Federated") {
                    add(Statement::Who::Kind::service, text);
                } else if (text == "*") {
                    add(Statement::Who::Kind::everybody, text);
                } else if (text.find_first_of("*?") != std::string_view::npos) {
                    error(place, "a wildcard stands in a principal", "name it in full, or write *");
                } else if (!text.starts_with("arn:")) {
                    add(Statement::Who::Kind::account, text);
                } else if (text.ends_with(":root")) {
                    // arn:domicile:iam::eu:root is the jurisdiction itself.
                    const auto account = text.substr(0, text.size() - 5);
                    add(Statement::Who::Kind::account, account.substr(account.rfind(':') + 1));
                } else {
                    add(Statement::Who::Kind::arn, text);
                }
            }
        }
    }

    void conditions(const Json& json, const std::string& at, Statement& made) {
        if (!is_object(json, at)) {
            return;
        }
        for (const auto& [op_name, keys] : json.members) {
            const std::string op_at = step(at, op_name);
            const auto op = parse_operator(op_name);
            if (!op) {
                error(op_at, "no such condition operator", "see docs/policy.md for the list");
                continue;
            }
            if (!is_object(keys, op_at)) {
                continue;
            }
            if (op->set == Operator::Set::all && made.allow) {
                warn(op_at, "ForAllValues is true when the key is absent",
                     "add a Null condition for the key");
            }
            for (const auto& [key, values] : keys.members) {
                const std::string key_at = step(op_at, key);
                if (key.empty() || key.size() > 256) {
                    error(key_at, "an empty or long condition key", "name a key");
                    continue;
                }
                if (const auto hint = unknown_key(key); !hint.empty()) {
                    warn(key_at, "no request has the key \"" + key + "\"", hint);
                }
                Condition condition;
                condition.op = *op;
                condition.op_name = op_name;
                condition.key_name = key;
                condition.key = keys_.intern(key);
                for (const auto& [text, place] : scalars(values, key_at)) {
                    value(condition, text, place);
                }
                for (const auto& one : condition.values) {
                    condition.variables.insert(condition.variables.end(), one.pattern.keys().begin(),
                                               one.pattern.keys().end());
                    for (const auto& part : one.parts) {
                        condition.variables.insert(condition.variables.end(), part.keys().begin(),
                                                   part.keys().end());
                    }
                }
                made.conditions.push_back(std::move(condition));
            }
        }
    }

    /// As texts(), and numbers and booleans, which AWS takes unquoted, too.
    std::vector<std::pair<std::string_view, std::string>> scalars(const Json& json, const std::string& at) {
        using Kind = Json::Kind;
        if (json.kind == Kind::number || json.kind == Kind::boolean) {
            return {{json.text, at}};
        }
        if (json.kind != Kind::list) {
            return texts(json, at);
        }
        std::vector<std::pair<std::string_view, std::string>> list;
        if (json.items.size() > values_max) {
            error(at, "more than " + std::to_string(values_max) + " values", "split the statement");
            return list;
        }
        for (std::size_t i = 0; i < json.items.size(); ++i) {
            const auto& item = json.items[i];
            const std::string place = step(at, std::to_string(i));
            if (item.kind == Kind::text || item.kind == Kind::number || item.kind == Kind::boolean) {
                list.emplace_back(item.text, place);
            } else {
                error(place, "must be a text, a number or a boolean", "write \"…\"");
            }
        }
        return list;
    }

    void value(Condition& condition, std::string_view text, const std::string& at) {
        Condition::Value made;
        bool good = true;
        const auto wrong = [&](const char* what, const char* hint) {
            error(at, "\"" + std::string(text) + "\" is no " + what, hint);
            good = false;
        };
        switch (condition.op.compare) {
            case Compare::string_equals:
            case Compare::string_equals_ignore_case:
            case Compare::string_like: {
                auto one = pattern(text, condition.op.compare == Compare::string_like, variables_, at);
                good = one.has_value();
                if (one) {
                    made.pattern = std::move(*one);
                }
                break;
            }
            case Compare::numeric_equals:
            case Compare::numeric_less:
            case Compare::numeric_less_equal:
            case Compare::numeric_greater:
            case Compare::numeric_greater_equal:
                if (const auto number = parse_number(text)) {
                    made.number = *number;
                } else {
                    wrong("number", "write digits");
                }
                break;
            case Compare::date_equals:
            case Compare::date_less:
            case Compare::date_less_equal:
            case Compare::date_greater:
            case Compare::date_greater_equal:
                if (const auto date = parse_date(text)) {
                    made.date = *date;
                } else {
                    wrong("time", "write 2026-11-26T00:00:00Z");
                }
                break;
            case Compare::boolean:
            case Compare::null:
                made.bytes = lower(text);
                if (made.bytes != "true" && made.bytes != "false") {
                    wrong("boolean", "write true or false");
                }
                break;
            case Compare::binary:
                if (auto bytes = crypto::base64_decode(text)) {
                    made.bytes = std::move(*bytes);
                } else {
                    wrong("base64", "encode the bytes (RFC 4648 section 4)");
                }
                break;
            case Compare::ip_address:
                if (const auto network = parse_network(text)) {
                    made.network = *network;
                } else {
                    wrong("address or network", "write 203.0.113.0/24 or 2001:db8::/32");
                }
                break;
            case Compare::arn: good = arn_value(made, text, at); break;
        }
        if (good) {
            condition.values.push_back(std::move(made));
        }
    }

    bool arn_value(Condition::Value& made, std::string_view text, const std::string& at) {
        std::string_view rest = text;
        for (int i = 0; i < 6; ++i) {
            const auto colon = i == 5 ? std::string_view::npos : rest.find(':');
            if (i < 5 && colon == std::string_view::npos) {
                error(at, "\"" + std::string(text) + "\" is no ARN", "an ARN has six parts");
                return false;
            }
            auto part = pattern(rest.substr(0, colon), true, variables_, at);
            if (!part) {
                return false;
            }
            made.parts.push_back(std::move(*part));
            rest = i < 5 ? rest.substr(colon + 1) : std::string_view();
        }
        return true;
    }

    Keys& keys_;
    Policy policy_;
    std::vector<Finding> findings_;
    std::set<std::string, std::less<>> sids_;
    bool variables_ = false;
};

}  // namespace

std::string_view name(PolicyKind kind) noexcept {
    static constexpr std::array<std::string_view, 5> names{"identity", "resource", "boundary", "session",
                                                           "guard rail"};
    return names[static_cast<std::size_t>(kind)];
}

std::uint16_t Keys::intern(std::string_view name) {
    return by_name_.emplace(lower(name), static_cast<std::uint16_t>(by_name_.size())).first->second;
}

std::optional<std::uint16_t> Keys::find(std::string_view name) const {
    const auto found = by_name_.find(lower(name));
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

std::string Statement::label() const {
    return sid.empty() ? "statement " + std::to_string(index + 1) : sid;
}

ParsedPolicy parse_policy(std::string_view name, std::string_view json, PolicyKind kind, Keys& keys) {
    return Reader(name, kind, keys).read(json);
}

}  // namespace domicile::iam
