#include "http/openapi.hpp"

#include "base/error.hpp"
#include "http/problem.hpp"

#include <boost/json.hpp>

namespace domicile::http {
namespace {

namespace json = boost::json;

json::object schema_of(const Column& column) {
    json::object schema;
    switch (column.kind) {
        case ColumnKind::boolean: schema["type"] = "boolean"; break;
        case ColumnKind::int2:
        case ColumnKind::int4:
            schema["type"] = "integer";
            schema["format"] = "int32";
            break;
        case ColumnKind::int8:
            schema["type"] = "integer";
            schema["format"] = "int64";
            break;
        case ColumnKind::floating: schema["type"] = "number"; break;
        case ColumnKind::numeric:
            schema["type"] = "string";
            schema["format"] = "decimal";
            break;
        case ColumnKind::json: break;
        case ColumnKind::timestamp:
        case ColumnKind::timestamptz:
            schema["type"] = "string";
            schema["format"] = "date-time";
            break;
        case ColumnKind::text:
        case ColumnKind::other: schema["type"] = "string"; break;
    }
    if (column.length_max > 0) {
        schema["maxLength"] = column.length_max;
    }
    if (!column.not_null && schema.contains("type")) {
        json::array types;
        types.push_back(schema["type"]);
        types.emplace_back("null");
        schema["type"] = std::move(types);
    }
    schema["description"] = column.type;
    if (column.generated) {
        schema["readOnly"] = true;
    }
    return schema;
}

json::object reference(std::string_view name) {
    json::object object;
    object["$ref"] = "#/components/schemas/" + std::string(name);
    return object;
}

json::object json_content(json::object schema) {
    json::object media;
    media["schema"] = std::move(schema);
    json::object content;
    content["application/json"] = std::move(media);
    json::object object;
    object["content"] = std::move(content);
    return object;
}

json::object parameter(std::string_view name, std::string_view in, std::string_view description,
                       bool required, std::string_view type = "string") {
    json::object schema;
    schema["type"] = type;
    json::object object;
    object["name"] = name;
    object["in"] = in;
    object["required"] = required;
    object["description"] = description;
    object["schema"] = std::move(schema);
    return object;
}

/// One operation with its success answer and the problem answers every operation can give.
json::object operation(std::string_view id, std::string_view summary, std::string_view status,
                       json::object success, std::initializer_list<std::string_view> problems) {
    success["description"] = summary;
    json::object responses;
    responses[status] = std::move(success);
    for (const std::string_view problem : problems) {
        json::object ref;
        ref["$ref"] = "#/components/responses/Problem";
        responses[problem] = std::move(ref);
    }
    json::object object;
    object["operationId"] = id;
    object["summary"] = summary;
    object["responses"] = std::move(responses);
    return object;
}

void with_body(json::object& object, std::string_view schema) {
    json::object body = json_content(reference(schema));
    body["required"] = true;
    object["requestBody"] = std::move(body);
}

json::object row_schema(const TableShape& shape, bool for_writing) {
    json::object properties;
    json::array required;
    for (const Column& column : shape.columns) {
        if (for_writing && (column.generated || column.name == shape.table->key)) {
            continue;
        }
        properties[column.name] = schema_of(column);
        if (!for_writing || (column.not_null && !column.has_default)) {
            required.emplace_back(column.name);
        }
    }
    json::object schema;
    schema["type"] = "object";
    schema["properties"] = std::move(properties);
    schema["required"] = std::move(required);
    schema["additionalProperties"] = false;
    return schema;
}

json::object page_schema(std::string_view row) {
    json::object rows;
    rows["type"] = "array";
    rows["items"] = reference(row);
    json::object next;
    json::array types;
    types.emplace_back("string");
    types.emplace_back("null");
    next["type"] = std::move(types);
    next["description"] = "Give it as `after` to read on; null on the last page.";
    json::object properties;
    properties["rows"] = std::move(rows);
    properties["next"] = std::move(next);
    json::object schema;
    schema["type"] = "object";
    schema["properties"] = std::move(properties);
    return schema;
}

json::object problem_schema() {
    json::array types;
    for (const base::CodeInfo& info : base::all_codes()) {
        types.emplace_back(problem_type(info.code));
    }
    json::object type;
    type["type"] = "string";
    type["enum"] = std::move(types);
    json::object properties;
    properties["type"] = std::move(type);
    for (const std::string_view name : {"title", "detail", "hint", "rule"}) {
        json::object text;
        text["type"] = "string";
        properties[name] = std::move(text);
    }
    json::object status;
    status["type"] = "integer";
    properties["status"] = std::move(status);
    json::object home;
    home["type"] = "object";
    home["description"] = "Only for a foreign home: where to go.";
    properties["home"] = std::move(home);
    json::object schema;
    schema["type"] = "object";
    schema["properties"] = std::move(properties);
    return schema;
}

}  // namespace

std::string openapi(const topology::Topology& topology, topology::RegionIndex region,
                    std::string_view base_url, const Schema& schema) {
    json::object paths;
    json::object schemas;
    schemas["Problem"] = problem_schema();
    const json::object user = parameter("id", "path", "The user id.", true, "integer");
    const json::object position =
        parameter("Domicile-Position", "header",
                  "A position from an earlier response: the read is never older than that write.", false);
    const json::object key = parameter(
        "Idempotency-Key", "header", "Repeating the request with the same key has no further effect.", false);
    const json::object if_match =
        parameter("If-Match", "header", "The ETag of the version to change.", false);

    const TableShape& person = schema.person();
    for (const TableShape& shape : schema.tables) {
        const std::string& name = shape.table->name;
        schemas[name] = row_schema(shape, false);
        schemas[name + "_write"] = row_schema(shape, true);
        json::object change = row_schema(shape, true);
        change.erase("required");
        schemas[name + "_change"] = std::move(change);
        if (&shape == &person) {
            continue;
        }
        json::object read =
            operation("list_" + name, "Rows of " + name + " of one person, page by page", "200",
                      json_content(page_schema(name)), {"400", "401", "403", "404", "451", "503"});
        json::array read_parameters;
        read_parameters.emplace_back(position);
        read_parameters.emplace_back(parameter("select", "query", "Columns, separated by commas.", false));
        read_parameters.emplace_back(parameter("order", "query", "Columns, each with .asc or .desc.", false));
        read_parameters.emplace_back(parameter("limit", "query", "Rows of a page.", false, "integer"));
        read_parameters.emplace_back(
            parameter("after", "query", "Where the page before ended: its `next`.", false));
        for (const Column& column : shape.columns) {
            read_parameters.emplace_back(
                parameter(column.name, "query",
                          "Filter: eq., ne., gt., gte., lt., lte., like., in.(a,b), is.null", false));
        }
        read["parameters"] = std::move(read_parameters);
        json::object create =
            operation("create_" + name, "A new row of " + name, "201", json_content(reference(name)),
                      {"400", "401", "403", "404", "409", "413", "415", "422", "451", "503"});
        json::array create_parameters;
        create_parameters.emplace_back(key);
        create["parameters"] = std::move(create_parameters);
        with_body(create, name + "_write");
        json::object rows;
        json::array of_user;
        of_user.emplace_back(user);
        rows["parameters"] = of_user;
        rows["get"] = std::move(read);
        rows["post"] = std::move(create);
        paths["/v1/users/{id}/" + name] = std::move(rows);

        json::object row;
        json::array of_row = of_user;
        std::string parts;
        for (const std::string& part : shape.row_key()) {
            parts += (parts.empty() ? "" : ",") + part;
        }
        if (!parts.empty()) {
            of_row.emplace_back(parameter("key", "path", "The row's key: " + parts + ".", true));
        }
        row["parameters"] = std::move(of_row);
        row["get"] = operation("read_" + name, "One row of " + name, "200", json_content(reference(name)),
                               {"400", "401", "403", "404", "451", "503"});
        json::array conditional;
        conditional.emplace_back(if_match);
        json::object patch = operation("change_" + name, "Changes columns of one row of " + name, "200",
                                       json_content(reference(name)),
                                       {"400", "401", "403", "404", "412", "422", "451", "503"});
        patch["parameters"] = conditional;
        with_body(patch, name + "_change");
        row["patch"] = std::move(patch);
        json::object remove = operation("delete_" + name, "Deletes one row of " + name, "204", {},
                                        {"401", "403", "404", "412", "422", "451", "503"});
        remove["parameters"] = conditional;
        row["delete"] = std::move(remove);
        paths["/v1/users/{id}/" + name + (parts.empty() ? "/" : "/{key}")] = std::move(row);
    }

    const std::string& people = person.table->name;
    json::object create = operation("create_person", "A new person, at home in this jurisdiction", "201",
                                    json_content(reference(people)),
                                    {"400", "401", "403", "409", "413", "415", "422", "451", "503", "507"});
    json::array create_parameters;
    create_parameters.emplace_back(key);
    create["parameters"] = std::move(create_parameters);
    with_body(create, people + "_write");
    json::object collection;
    collection["post"] = std::move(create);
    paths["/v1/users"] = std::move(collection);

    json::object one;
    json::array of_user;
    of_user.emplace_back(user);
    one["parameters"] = of_user;
    one["get"] = operation("read_person", "One person", "200", json_content(reference(people)),
                           {"400", "401", "403", "404", "451", "503"});
    json::object patch =
        operation("change_person", "Changes columns of one person", "200", json_content(reference(people)),
                  {"400", "401", "403", "404", "412", "422", "451", "503"});
    json::array conditional;
    conditional.emplace_back(if_match);
    patch["parameters"] = std::move(conditional);
    with_body(patch, people + "_change");
    one["patch"] = std::move(patch);
    paths["/v1/users/{id}"] = std::move(one);

    json::object home;
    home["parameters"] = std::move(of_user);
    home["get"] =
        operation("read_home", "The jurisdiction and gateways of a user id, from the public range map", "200",
                  json_content({}), {"404"});
    paths["/v1/users/{id}/home"] = std::move(home);
    json::object erasure;
    erasure["parameters"] = paths["/v1/users/{id}/home"].at("parameters");
    json::object asked = erasure;
    erasure["delete"] =
        operation("erase", "Ask for the erasure of a person's data (GDPR Art. 17)", "202",
                  json_content(json::object{{"type", "object"}}), {"401", "403", "404", "451", "503"});
    const auto an_object = [] { return json_content(json::object{{"type", "object"}}); };
    erasure["patch"] = operation("rectify", "Set values right, and tell recipients (GDPR Art. 16, 19)", "200",
                                 an_object(), {"400", "401", "403", "404", "422", "451", "503"});
    paths["/v1/users/{id}/personal-data"] = std::move(erasure);
    json::object package = asked;
    package["get"] =
        operation("export", "The person's data as a package: ZIP; 202 until it is made (GDPR Art. 15, 20)",
                  "200", an_object(), {"401", "403", "404", "451", "503"});
    paths["/v1/users/{id}/export"] = std::move(package);
    json::object consents = asked;
    consents["get"] = operation("read_consents", "Consents given and withdrawn (GDPR Art. 7)", "200",
                                json_content(json::object{{"type", "array"}}), {"401", "403", "451", "503"});
    consents["post"] = operation("consent", "Record a consent, or that it was withdrawn", "201", an_object(),
                                 {"400", "401", "403", "404", "451", "503"});
    paths["/v1/users/{id}/consents"] = std::move(consents);
    asked["post"] =
        operation("ask", "Ask for erasure, export, restriction, its end, or object (GDPR Art. 17 to 21)",
                  "202", an_object(), {"400", "401", "403", "404", "451", "503"});
    asked["get"] = operation("read_privacy_requests", "What the person has asked for, and the answers", "200",
                             json_content(json::object{{"type", "array"}}), {"401", "403", "451", "503"});
    paths["/v1/users/{id}/privacy-requests"] = std::move(asked);
    for (const auto& statistic : topology.statistics) {
        json::object success = json_content(json::object{{"type", "object"}});
        json::object get =
            operation("stats_" + statistic.name, "Figures of all jurisdictions: " + statistic.name, "200",
                      std::move(success), {"400", "401", "403", "422", "503"});
        json::array parameters;
        parameters.push_back(parameter("by", "query", "Dimensions to group by, between commas", false));
        parameters.push_back(parameter("from", "query", "First time bucket", false));
        parameters.push_back(parameter("to", "query", "Last time bucket", false));
        parameters.push_back(parameter("format", "query", "json or csv", false));
        for (const auto& dimension : statistic.dimensions()) {
            parameters.push_back(parameter(dimension, "query", "Only this value of " + dimension, false));
        }
        get["parameters"] = std::move(parameters);
        paths["/v1/stats/" + statistic.name] = json::object{{"get", std::move(get)}};
    }

    json::object problem_media;
    problem_media["schema"] = reference("Problem");
    json::object problem_content;
    problem_content["application/problem+json"] = std::move(problem_media);
    json::object problem;
    problem["description"] = "RFC 9457 problem details";
    problem["content"] = std::move(problem_content);
    json::object responses;
    responses["Problem"] = std::move(problem);
    json::object components;
    components["schemas"] = std::move(schemas);
    components["responses"] = std::move(responses);

    json::object info;
    info["title"] = topology.name + " in " + topology.at(region).name;
    info["version"] = "1";
    json::object server;
    server["url"] = base_url;
    json::array servers;
    servers.emplace_back(std::move(server));
    json::object document;
    document["openapi"] = "3.1.0";
    document["info"] = std::move(info);
    document["servers"] = std::move(servers);
    document["paths"] = std::move(paths);
    document["components"] = std::move(components);
    return json::serialize(document) + "\n";
}

}  // namespace domicile::http
