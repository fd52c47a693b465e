-- wrk: GET of one user, the id at random below USERS.
local users = tonumber(os.getenv("USERS"))
local tail

function init()
  math.randomseed(tonumber(os.getenv("SEED")))
  tail = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n\r\n"
end

function request()
  return "GET /v1/users/" .. math.random(0, users - 1) .. tail
end

-- requests, seconds, answers with an error status, broken connections and timeouts, p50 and p99 in microseconds
function done(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %.6f %d %d %.0f %.0f", summary.requests, summary.duration / 1e6, e.status,
                      e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
