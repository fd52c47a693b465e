-- wrk: POST of one invoice, the user's id at random below USERS, the invoice number new each time. wrk runs one thread.
local users = tonumber(os.getenv("USERS"))
local seed = os.getenv("SEED")
local count = 0
local head

function init()
  math.randomseed(tonumber(seed))
  head = "/invoices HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
         "\r\nContent-Type: application/json\r\nContent-Length: "
end

function request()
  count = count + 1
  local body = '{"invoice_no":"' .. seed .. "-" .. count ..
               '","country":"DE","invoiced_at":"2026-01-02T03:04:05","lines":3,"total":59.97}'
  return "POST /v1/users/" .. math.random(0, users - 1) .. head .. #body .. "\r\n\r\n" .. body
end

-- requests, seconds, answers with an error status, broken connections and timeouts, p50 and p99 in microseconds
function done(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %.6f %d %d %.0f %.0f", summary.requests, summary.duration / 1e6, e.status,
                      e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
