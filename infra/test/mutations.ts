// Small changes of one small file that uses every section: what each cuts out (its first occurrence) and puts there.
// The C++ reader's own defects (src/topology/defects_test.cpp), and more. Which ones are good, the test asks the binary.
export const base = `name = "shop"
[database]
name = "shop"
migrations = "schema"
[jurisdictions.eu]
law = "GDPR"
countries = ["DE", "FR"]
[jurisdictions.uk]
countries = ["GB"]
rest_of_world = true
[regions.eu-a]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:8101"
sql = "127.0.0.1:7101"
[regions.eu-b]
jurisdiction = "eu"
http = "127.0.0.1:8102"
sql = "127.0.0.1:7102"
[regions.uk-a]
jurisdiction = "uk"
writer = true
http = "127.0.0.1:8103"
sql = "127.0.0.1:7103"
[shards.eu-1]
ranges = [[0, 100], [200, 300]]
writer = "eu-a"
readers = ["eu-b"]
[shards.uk-1]
ranges = [[1_000, 1_100]]
open = false
writer = "uk-a"
nodes = ["10.0.0.1:5432", { address = "10.0.0.2:5432", region = "uk-a" }]
[central]
region = "eu-b"
[embedded]
first_port = 7500
settings = { shared_buffers = "64MB" }
[tables.people]
key = "id"
person = true
country = "country"
personal.email = { erase = "null" }
[tables.orders]
key = "person_id"
personal.note = { erase = "shred" }
audit = ["insert"]
[tables.currencies]
reference = true
[tables.jobs]
shard = "eu-1"
[statistics.sales]
table = "orders"
by = ["country"]
sums = ["total"]
[[transfers]]
from = "eu"
to = "uk"
basis = "adequacy"
actions = ["data:Select"]
tables = ["orders"]
[limits]
body_bytes_max = 2_048
`

/** [cut, paste] */
export const mutations: [string, string][] = [
  ["law = \"GDPR\"", "law = \"GDPR"],
  ["writer = true", "writer = NO"],
  ["writer = true", "writer = true\nwriter = true"],
  ["[central]", "[central]\n[central]"],
  ["law = \"GDPR\"", "law = \"a\rb\""],
  ["law = \"GDPR\"", "law = \"a\u2028\""],
  ["law = \"GDPR\"", "law = \u201cGDPR\u201d"],
  ["law = \"GDPR\"", "law = \"\"\"a \\\n b\"\"\""],
  ["[central]", "[[[central]]]"],
  ["[central]", "[ .central]"],
  ["[central]", "[]"],
  ["[200, 300]]", "[200, 300}]"],
  ["[central]", "[central]]"],
  ["name = \"shop\"\n[database]", "[database]"],
  ["name = \"shop\"\n[d", "name = \"Shop\"\n[d"],
  ["[central]", "colour = 1\n[central]"],
  ["law = \"GDPR\"", "laws = \"GDPR\""],
  ["[limits]", "[limts]"],
  ["[central]", "[centrale]"],
  ["erase = \"shred\"", "erase = \"shred\", why = 1"],
  ["writer = true", "writer = \"yes\""],
  ["law = \"GDPR\"", "law = 7"],
  ["countries = [\"GB\"]", "countries = \"GB\""],
  ["countries = [\"GB\"]", "countries = [\"GB\", 7]"],
  ["first_port = 7500", "first_port = 7500.0"],
  ["first_port = 7500", "first_port = 2024-01-01"],
  ["[central]\nregion = \"eu-b\"", "[[central]]\nregion = \"eu-b\""],
  ["migrations = \"schema\"\n", ""],
  ["migrations = \"schema\"", "migrations = \"\""],
  ["name = \"shop\"\nm", "name = \"my-shop\"\nm"],
  ["name = \"shop\"\nm", "name = \"postgres\"\nm"],
  ["[\"GB\"]", "[\"GB\", \"DE\"]"],
  ["[\"GB\"]", "[\"GB\", \"gb\"]"],
  ["[\"GB\"]", "[\"GBR\"]"],
  ["law = \"GDPR\"", "rest_of_world = true"],
  ["[jurisdictions.uk]", "[jurisdictions.us]\n[jurisdictions.uk]"],
  ["[regions.eu-b]\njurisdiction = \"eu\"", "[regions.eu-b]\njurisdiction = \"ue\""],
  ["[regions.eu-b]\njurisdiction = \"eu\"", "[regions.eu-b]"],
  ["[regions.eu-b]\njurisdiction = \"eu\"", "[regions.eu-b]\nwriter = true\njurisdiction = \"eu\""],
  ["writer = true\nhttp = \"127.0.0.1:8103\"", "http = \"127.0.0.1:8103\""],
  ["127.0.0.1:8102", "8102"],
  ["127.0.0.1:8102", "127.0.0.1:0"],
  ["127.0.0.1:8102", "127.0.0.1:65536"],
  ["127.0.0.1:8102", "127.0.0.300:80"],
  ["127.0.0.1:8102", "::1:80"],
  ["127.0.0.1:8102", "0.0.0.0:80"],
  ["127.0.0.1:7102", "10.0.0.9:80"],
  ["127.0.0.1:8102", "localhost:8101"],
  ["127.0.0.1:7102", "127.0.0.1:8102"],
  ["jurisdiction = \"eu\"\nwriter", "jursidiction = \"eu\"\nwriter"],
  ["[central]", "[identity]\naudience = \"\"\n[central]"],
  ["[central]", "[[identity.issuers]]\nissuer = \"x\"\njwks = \"http://x\"\njurisdictions = [\"eu\"]\nroles = [\"a\"]\n[central]"],
  ["[central]", "[[identity.issuers]]\nissuer = \"domicile:eu\"\njwks = \"x\"\njurisdictions = [\"eu\"]\nroles = [\"a\"]\n[central]"],
  ["[central]", "[[identity.issuers]]\nissuer = \"x\"\njwks = \"x\"\njurisdictions = [\"ue\"]\nroles = [\"a\"]\n[central]"],
  ["[central]", "[[identity.issuers]]\nissuer = \"x\"\njwks = \"x\"\njurisdictions = [\"eu\"]\nroles = []\n[central]"],
  ["[central]", "[[identity.issuers]]\nissuer = \"x\"\njwks = \"x\"\njurisdictions = [\"eu\"]\nroles = [\"a\"]\nalgorithms = [\"none\"]\n[central]"],
  ["[central]", "[identity]\nclients = [{ name = \"x\", roles = [\"app\"], jurisdiction = \"eu\" }]\n[central]"],
  ["[central]", "[roles.Analyst]\npolicies = [\"a.json\"]\n[central]"],
  ["[central]", "[roles.analyst]\npolicies = [\"\"]\n[central]"],
  ["[central]", "[vault]\ndriver = \"azure\"\n[central]"],
  ["[central]", "[vault]\ndriver = \"aws\"\nendpoint = \"http://10.0.0.1:5000\"\n[central]"],
  ["[central]", "[vault]\nkey = \"alias/x\"\n[central]"],
  ["[central]", "[secrets.pay]\njurisdictions = [\"ue\"]\n[central]"],
  ["[central]", "[secrets.pay]\njurisdictions = []\n[central]"],
  ["[central]", "[mesh]\nfirst_port = 7900\n[central]"],
  ["\"10.0.0.2:5432\"", "\"[::]:5432\""],
  ["[200, 300]", "[50, 300]"],
  ["[1_000, 1_100]", "[250, 260]"],
  ["[200, 300]", "[300, 200]"],
  ["[200, 300]", "[200, 200]"],
  ["[0, 100]", "[-5, 100]"],
  ["[200, 300]", "[200, 300.0]"],
  ["[200, 300]", "[200, \"300\"]"],
  ["[200, 300]", "[200]"],
  ["[200, 300]", "300"],
  ["[[1_000, 1_100]]", "[]"],
  ["ranges = [[1_000, 1_100]]\n", ""],
  ["writer = \"uk-a\"", "writer = \"uk-b\""],
  ["writer = \"uk-a\"", "writer = \"mars-north\""],
  ["writer = \"eu-a\"", "writer = \"eu-b\""],
  ["readers = [\"eu-b\"]", "readers = [\"uk-a\"]"],
  ["readers = [\"eu-b\"]", "readers = [\"eu-c\"]"],
  ["nodes = [", "readers = [\"uk-a\"]\nnodes = ["],
  ["region = \"uk-a\" }", "region = \"eu-b\" }"],
  ["region = \"uk-a\" }", "region = \"uk-c\" }"],
  ["address = \"10.0.0.2:5432\", ", ""],
  ["\"10.0.0.2:5432\"", "\"10.0.0.1:5432\""],
  ["\"10.0.0.1:5432\"", "\"postgres://10.0.0.1:5432\""],
  ["\"10.0.0.1:5432\"", "7"],
  ["[\"10.0.0.1:5432\", { address = \"10.0.0.2:5432\", region = \"uk-a\" }]", "[]"],
  ["open = false", "open = 0"],
  ["[shards.uk-1]", "[shards.UK_1]"],
  ["[central]\nregion = \"eu-b\"", "[central]\nregion = \"eu-c\""],
  ["first_port = 7500\n", ""],
  ["first_port = 7500", "first_port = 0"],
  ["first_port = 7500", "first_port = 70_000"],
  ["first_port = 7500", "first_port = 65_534"],
  ["first_port = 7500", "first_port = 7500\nlisten = \"127.0.0.1:5\""],
  ["shared_buffers =", "Shared-Buffers ="],
  ["shared_buffers = \"64MB\"", "port = 5432"],
  ["shared_buffers = \"64MB\"", "ssl_key_file = \"x\""],
  ["\"64MB\"", "\"64MB'\\\nport = 1\""],
  ["\"64MB\"", "[64]"],
  ["\"64MB\" }", "\"64MB\", a.b = 1, \"a.b\" = 2 }"],
  ["jurisdiction = \"uk\"\n", "jurisdiction = \"uk\"\ntls_key = \"door.key\"\n"],
  ["migrations = \"schema\"", "migrations = \"schema\"\nnode_tls_ca = \"\""],
  ["reference = true\n", ""],
  ["reference = true", "reference = true\nkey = \"id\""],
  ["shard = \"eu-1\"", "shard = \"eu-9\""],
  ["[tables.jobs]\nshard = \"eu-1\"", "[tables.\"*\"]\nshard = \"eu-9\""],
  ["[tables.jobs]\nshard = \"eu-1\"", "[tables.\"*\"]\nkey = \"id\"\nshard = \"eu-1\""],
  ["person = true\ncountry = \"country\"\n", ""],
  ["key = \"person_id\"", "key = \"person_id\"\nperson = true"],
  ["key = \"person_id\"", "key = \"person_id\"\ncountry = \"land\""],
  ["country = \"country\"", "country = \"Country\""],
  ["key = \"person_id\"", "key = \"personId\""],
  ["[tables.jobs]", "[tables.domicile_jobs]"],
  ["[tables.jobs]", "[tables.Jobs]"],
  ["personal.email = { erase = \"null\" }", "personal.email = {}"],
  ["personal.email = { erase = \"null\" }", "personal.email = \"null\""],
  ["erase = \"null\"", "erase = \"nul\""],
  ["erase = \"null\"", "erase = \"burn\""],
  ["personal.email", "personal.id"],
  ["personal.email", "personal.\"e-mail\""],
  ["reference = true", "reference = true\npersonal.x = { erase = \"null\" }"],
  ["shard = \"eu-1\"", "shard = \"eu-1\"\npersonal.x = { erase = \"null\" }"],
  ["audit = [\"insert\"]", "audit = [\"inserts\"]"],
  ["audit = [\"insert\"]", "audit = [\"insert\", \"insert\"]"],
  ["table = \"orders\"", "table = \"order\""],
  ["table = \"orders\"", "table = \"currencies\""],
  ["by = [\"country\"]", "by = [\"note\"]"],
  ["by = [\"country\"]", "by = [\"person_id\"]"],
  ["sums = [\"total\"]", "sums = [\"note\"]"],
  ["by = [\"country\"]", "by = [\"a b\"]"],
  ["[statistics.sales]", "[statistics.my-sales]"],
  ["from = \"eu\"", "from = \"ch\""],
  ["to = \"uk\"", "to = \"ukk\""],
  ["to = \"uk\"", "to = \"eu\""],
  ["basis = \"adequacy\"", "basis = \"friendship\""],
  ["actions = [\"data:Select\"]", "actions = []"],
  ["actions = [\"data:Select\"]\n", ""],
  ["actions = [\"data:Select\"]", "actions = [\"data:*\"]"],
  ["tables = [\"orders\"]", "tables = [\"odrers\"]"],
  ["tables = [\"orders\"]", "tables = []"],
  ["2_048", "0"],
  ["2_048", "2_048\nstatement_ms_max = 10_000"],
  ["2_048", "2_048\ngateway_threads = -1"],
  // Not among the C++ reader's
  ["[200, 300]", "[200, 9223372036854775808]"],
  ["[200, 300]", "[9223372036854775807, 9223372036854775807]"],
  ["[central]", "[privacy]\nrewrite_h = 1\n[central]"],
  ["first_port = 7500", "first_port = 8101"],
  ["127.0.0.1:8102", "127.0.0.1:08102"],
  ["[central]", "[institutions.tax]\njurisdiction = \"eu\"\ndocuments = [\"people\"]\ndeliver = \"directory:tax\"\n[central]"],
  ["[central]", "[institutions.tax]\njurisdiction = \"eu\"\ndocuments = [\"orders\"]\ndeliver = \"sftp://a@b/c\"\n[central]"],
  ["[central]", "[institutions.tax]\njurisdiction = \"eu\"\ndocuments = [\"orders\"]\ndeliver = \"http://tax.example/\"\n[central]"],
  ["[central]", "[documents.jobs]\ntitle = \"x\"\n[central]"],
  ["[central]", "[queue]\nname = \"figures\"\n[central]"],
  ["by = [\"country\"]", "by = [\"country\", \"month\"]\ntime = \"at\""],
  ["by = [\"country\"]", "by = [\"country\"]\nhistogram = \"total\"\nbounds = [5, 5]"],
  ["by = [\"country\"]", "by = [\"country\"]\nhistogram = \"total\""],
  ["by = [\"country\"]", "by = [\"country\"]\nbucket = \"day\""],
  ["jurisdiction = \"uk\"\n", "jurisdiction = \"uk\"\nmesh = \"10.0.0.9:7901\"\n"],
  ["jurisdiction = \"uk\"\n", "jurisdiction = \"uk\"\nmesh = \"10.0.0.9:7901\"\n[mesh]\nfirst_port = 80\n[regions.x]\n"],
  ["erase = \"null\"", "erase = \"generalise\""],
  ["erase = \"null\"", "erase = \"null\", to = \"year\""],
  ["erase = \"null\"", "erase = \"generalise\", to = \"prefix:0\""],
  ["audit = [\"insert\"]", "retention = \"0 years\""],
  ["audit = [\"insert\"]", "retained_from = \"at\""],
  ["audit = [\"insert\"]", "retention = \"2 years\"\nretained_from = \"At\""],
  ["[central]", "[consents.news]\ntext = \"Words.\"\n[central]"],
  ["[central]", "[consents.news]\nversion = \"V1\"\ntext = \"Words.\"\n[central]"],
  ["[central]", "[consents.news]\nversion = \"v1\"\ntext = \"\"\n[central]"],
  ["[central]", "[consents.News]\nversion = \"v1\"\ntext = \"Words.\"\n[central]"],
  ["[central]", "[consents]\n[central]"],
  ["law = \"GDPR\"", "holidays = [\"12-32\"]"],
  ["law = \"GDPR\"", "holidays = [\"easter+0\"]"],
  ["law = \"GDPR\"", "guard_rails = [\"a.json\", \"a.json\"]"],
  ["[limits]", "[limits]\npage_rows_max = 10_001"],
  ["law = \"GDPR\"", "law = \"\\e\""],
  ["[central]", "[edge]\ncsp = \"x\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"default-src 'none', script-src 'self'\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \" default-src\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"default-src \"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"script-src 'nonce-{nonces}'\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"script-src {nonce}\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"script-src 'nonce-{nonce}\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"script-src 'nonce-{nonce}' }\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"a\\tb\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"caf\u00e9\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = 7\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n[central]"],
  ["[central]", "[edge]\nreport_only = \"\"\n[central]"],
  ["[central]", "[edge]\nstrict_transport_security = \"max-age\"\n[central]"],
  ["[central]", "[edge]\nstrict_transport_security = \"max-age=1; preload; includeSubDomains\"\n[central]"],
  ["[central]", "[edge]\nstrict_transport_security = \"max-age=99999999999\"\n[central]"],
  ["[central]", "[edge]\nstrict_transport_security = \"max-age=1;includeSubDomains\"\n[central]"],
  ["[central]", "[edge]\nreferrer_policy = \"none\"\n[central]"],
  ["[central]", "[edge]\nreferrer_policy = \"\"\n[central]"],
  ["[central]", "[edge]\npermissions_policy = \"\"\n[central]"],
  ["[central]", "[edge]\npermissions_policy = \"camera=()\\n\"\n[central]"],
  ["[central]", "[edge]\ncross_origin_opener_policy = \"same-site\"\n[central]"],
  ["[central]", "[edge]\ncross_origin_resource_policy = \"none\"\n[central]"],
  ["[central]", "[edge]\nreporting.Csp = \"https://x.example/\"\n[central]"],
  ["[central]", "[edge]\nreporting.csp = \"http://x.example/\"\n[central]"],
  ["[central]", "[edge]\nreporting.csp = \"https://\"\n[central]"],
  ["[central]", "[edge]\nreporting.csp = \"https://x/\\\"\"\n[central]"],
  ["[central]", "[edge]\nreporting.csp = \"https://x/ y\"\n[central]"],
  ["[central]", "[edge]\nreporting.csp = 7\n[central]"],
  ["[central]", "[edge]\nreporting.csp = \"http://127.0.0.1/x\"\n[central]"],
  ["[central]", "[edge]\nreporting.csp = \"https://x/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n[central]"],
  ["[central]", "[edge]\nreporting = \"https://x.example/\"\n[central]"],
  ["[central]", "[edge]\ncountries.DE = \"uk-a\"\n[central]"],
  ["[central]", "[edge]\ncountries.DE = \"eu-c\"\n[central]"],
  ["[central]", "[edge]\ncountries.de = \"eu-a\"\n[central]"],
  ["[central]", "[edge]\ncountries.DEU = \"eu-a\"\n[central]"],
  ["[central]", "[edge]\ncountries.BR = \"eu-a\"\n[central]"],
  ["[central]", "[edge]\ncountries.DE = 7\n[central]"],
  ["[central]", "[edge]\ncountries.GB = \"eu-b\"\n[central]"],
  ["[central]", "[edge]\nhosts.us = \"us.shop.example\"\n[central]"],
  ["[central]", "[edge]\nhosts.eu = \"EU.shop.example\"\n[central]"],
  ["[central]", "[edge]\nhosts.eu = \"10.0.0.1\"\n[central]"],
  ["[central]", "[edge]\nhosts.eu = \"a..b\"\n[central]"],
  ["[central]", "[edge]\nhosts.eu = \"::1\"\n[central]"],
  ["[central]", "[edge]\nhosts.eu = \"\"\n[central]"],
  ["[central]", "[edge]\nhosts.eu = \"shop.example\"\nhosts.uk = \"shop.example\"\n[central]"],
  ["[central]", "[edge]\nhosts.eu = 7\n[central]"],
  ["[central]", "[edge]\nhosts.eu = \"-a.example\"\n[central]"],
  ["personal.email = { erase = \"null\" }", "personal.email = { erase = \"null\", }"],
  ["personal.email = { erase = \"null\" }", "personal.email = { erase =\n\"null\" }"],
  ["[central]", "[alarms.x]\nabove = 1\n[central]"],
  ["[central]", "[alarms.x]\nfact = \"node.nothing\"\nabove = 1\n[central]"],
  ["[central]", "[alarms.x]\nfact = \"node.lag_ms\"\n[central]"],
  ["[central]", "[alarms.x]\nfact = \"node.lag_ms\"\nabove = 1\nbelow = 2\n[central]"],
  ["[central]", "[alarms.x]\nfact = \"node.lag_ms\"\nabove = 1\nfor = \"4 of 3\"\n[central]"],
  ["[central]", "[alarms.x]\nfact = \"node.lag_ms\"\nabove = 1\nnotify = [\"nobody\"]\n[central]"],
  ["[central]", "[alarms.x]\nany_of = [\"x\"]\n[central]"],
  ["[central]", "[alarms.x]\nnone_of = [\"node-down\"]\n[central]"],
  ["[central]", "[alarms.replica-lag]\nregions = 2\n[central]"],
  ["[central]", "[alarms.replica-lag]\nseverity = \"dire\"\n[central]"],
  ["[central]", "[notify.x]\nwebhook = \"http://example.org/a\"\n[central]"],
  ["[central]", "[notify.x]\nwebhook = \"https://example.org\"\nfrom = \"a@x\"\n[central]"],
  ["[central]", "[notify.x]\nmail = \"smtp://mail.example.org:25\"\nfrom = \"a@x\"\nto = [\"b@x\"]\n[central]"],
  ["[central]", "[notify.x]\nmail = \"smtps://mail.example.org:465\"\nfrom = \"a@x\"\n[central]"],
  ["[central]", "[notify.x]\ncommand = []\n[central]"],
  ["[central]", "[maintenance.x]\nfrom = \"2026-12-01T02:00Z\"\nuntil = \"2026-12-01T02:00Z\"\n[central]"],
  ["[central]", "[maintenance.x]\nfrom = \"2026-02-30T02:00Z\"\nuntil = \"2026-12-01T02:00Z\"\n[central]"],
  ["[central]", "[maintenance.x]\nfrom = \"2026-12-01T02:00Z\"\nuntil = \"2026-12-02T02:00Z\"\nregions = [\"mars\"]\n[central]"],
]

/** Changes after which the file is still good: a reader that refuses everything would pass without these. */
export const harmless: [string, string][] = [
  ["law = \"GDPR\"", "law = 'GDPR'"],
  ["first_port = 7500", "first_port = 0x1d4c"],
  ["[1_000, 1_100]", "[1_000, 9223372036854775807]"],
  ["[200, 300]", "[100, 200]"],
  ["127.0.0.1:8102", "[::1]:8102"],
  ["body_bytes_max = 2_048", "body_bytes_max = 67_108_864"],
  ["erase = \"null\"", "erase = \"generalise\", to = \"prefix:007\""],
  ["audit = [\"insert\"]", "retention = \"2 years\"\nretained_from = \"at\""],
  ["[central]", "[consents.news]\nversion = \"v1\"\ntext = \"Words.\"\n[central]"],
  ["audit = [\"insert\"]", "audit = [\"insert\"]\npurpose = \"\"\nretention = \"\""],
  ["open = false", "open = true # \u201cquoted\u201d"],
  ["readers = [\"eu-b\"]", "readers = [\"eu-b\", \"eu-b\", \"eu-a\"]"],
  ["[central]\nregion = \"eu-b\"", ""],
  ["[central]", "[store]\ndriver = \"s3\"\nretain_days = 36_500\n[central]"],
  ["[central]", "[institutions.tax]\njurisdiction = \"eu\"\ndocuments = [\"orders\"]\ndeliver = \"directory:tax\"\n[central]"],
  ["law = \"GDPR\"", "law = \"\"\"G\nDPR\"\"\""],
  ["http = \"127.0.0.1:8102\"\nsql = \"127.0.0.1:7102\"", "http = \"10.0.0.9:8102\"\nsql = \"127.0.0.1:7102\"\ntls_certificate = \"a\"\ntls_key = \"b\""],
  ["[central]", "[documents.orders]\ntitle = \"{no}\"\nlines = \"orders\"\nby = [\"no\"]\ncolumns = [\"a\"]\n[central]"],
  ["[central]", "[privacy]\nstrict = false\n[central]"],
  ["by = [\"country\"]", "by = [\"country\"]\ntime = \"at\"\nhistogram = \"total\"\nbounds = [-1, 0, 5]"],
  ["[central]", "[edge]\n\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'nonce-{nonce}'\"\n[central]"],
  ["[central]", "[edge]\nreport_only = \"script-src 'none'\"\n[central]"],
  ["[central]", "[edge]\nstrict_transport_security = \"max-age=0\"\n[central]"],
  ["[central]", "[edge]\nstrict_transport_security = \"max-age=63072000; includeSubDomains; preload\"\n[central]"],
  ["[central]", "[edge]\nstrict_transport_security = \"max-age=1; preload\"\n[central]"],
  ["[central]", "[edge]\nreferrer_policy = \"strict-origin\"\n[central]"],
  ["[central]", "[edge]\npermissions_policy = \"camera=(), geolocation=(self \\\"https://a.example\\\")\"\n[central]"],
  ["[central]", "[edge]\ncross_origin_opener_policy = \"unsafe-none\"\ncross_origin_resource_policy = \"same-site\"\n[central]"],
  ["[central]", "[edge]\nreporting.csp = \"https://x.example/csp?a=b\"\nreporting.other = \"http://127.0.0.1:9000/r\"\n[central]"],
  ["[central]", "[edge]\nreporting.csp = \"http://[::1]:9000\"\n[central]"],
  ["[central]", "[edge]\ncountries.DE = \"eu-b\"\ncountries.FR = \"eu-a\"\ncountries.BR = \"uk-a\"\n[central]"],
  ["[central]", "[edge]\nhosts.eu = \"eu.shop.example\"\nhosts.uk = \"uk.shop.example\"\n[central]"],
  ["[central]", "[edge]\nhosts.eu = \"localhost\"\n[central]"],
  ["[central]", "[edge]\ncontent_security_policy = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n[central]"],
  ["[central]", "[edge]\nreporting = {}\n[central]"],
  ["[central]", "[alarms.x]\nfact = \"node.lag_ms\"\nabove = 1\nfor = \"3 of 5\"\n[central]"],
  ["[central]", "[alarms.replica-lag]\nabove = 1\nnotify = [\"web\"]\n[notify.web]\nwebhook = \"http://127.0.0.1:8080/alarms\"\n[central]"],
  ["[central]", "[alarms.x]\nany_of = [\"node-down\"]\nregions = 2\n[central]"],
  ["[central]", "[alarms.node-down]\noff = true\n[central]"],
  ["[central]", "[notify.x]\nmail = \"smtp://127.0.0.1:25\"\nfrom = \"a@x\"\nto = [\"b@x\"]\n[central]"],
  ["[central]", "[notify.x]\ncommand = [\"/bin/true\"]\n[central]"],
  ["[central]", "[maintenance.x]\nfrom = \"2026-12-01T02:00Z\"\nuntil = \"2026-12-02T02:00Z\"\nregions = [\"eu-a\"]\n[central]"],
]
