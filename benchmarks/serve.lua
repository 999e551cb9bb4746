-- For wrk: posts the files named in the environment variable BODIES in turn, and prints what was measured as JSON.
local bodies, turn = {}, 0
for name in string.gmatch(os.getenv("BODIES"), "[^:]+") do
  local file = assert(io.open(name, "rb"))
  bodies[#bodies + 1] = file:read("*a")
  file:close()
end

local heads = { ["Content-Type"] = "application/octet-stream" }

function request()
  turn = turn % #bodies + 1
  return wrk.format("POST", nil, heads, bodies[turn])
end

function done(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
