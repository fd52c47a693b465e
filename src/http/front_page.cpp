#include "http/front_page.hpp"

#include "edge/headers.hpp"

namespace domicile::http {
namespace {

constexpr std::string_view style =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}"
    "code{font-family:ui-monospace,monospace}li{margin:.2rem 0}";

// textContent alone: with Trusted Types required nothing else would work.
constexpr std::string_view script = R"js(
fetch('/openapi.json').then(answer => answer.ok ? answer.json() : Promise.reject(answer.status)).then(api => {
  const list = document.getElementById('resources')
  for (const [path, methods] of Object.entries(api.paths)) {
    const item = document.createElement('li'), name = document.createElement('code')
    name.textContent = path
    item.append(name, ' ' + Object.keys(methods).filter(one => one !== 'parameters').join(', ').toUpperCase())
    list.append(item)
  }
  document.body.dataset.listed = list.childElementCount
}).catch(status => { document.getElementById('resources').textContent = 'not known yet (' + status + ')' })
)js";

}  // namespace

void append_front_page(base::Buffer& out, const topology::Topology& topology, topology::RegionIndex region,
                       std::string_view nonce) {
    // Names are of letters, digits and hyphens (topology), so nothing here needs escaping.
    const std::string& policy = topology.edge.content_security_policy;
    const bool scripted = policy.find(edge::nonce_mark) != std::string::npos;
    const topology::Region& at = topology.at(region);
    out.append("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>");
    out.append(topology.name);
    out.append("</title>\n<link rel=\"icon\" href=\"data:,\">\n");
    if (scripted) {
        out.append("<style nonce=\"");
        out.append(nonce);
        out.append("\">");
        out.append(style);
        out.append("</style>\n");
    }
    out.append("<body>\n<h1>");
    out.append(topology.name);
    out.append("</h1>\n<p>The HTTP door of region <code>");
    out.append(at.name);
    out.append("</code>, jurisdiction <code>");
    out.append(topology.at(at.jurisdiction).name);
    out.append(
        "</code>. It serves data: <a href=\"/openapi.json\">what it can do</a>, <a href=\"/readyz\">whether "
        "it is "
        "ready</a>.</p>\n<ul id=\"resources\"></ul>\n");
    if (scripted) {
        out.append("<script nonce=\"");
        out.append(nonce);
        out.append("\">");
        out.append(script);
        out.append("</script>\n");
    }
    out.append("</body>\n</html>\n");
}

}  // namespace domicile::http
