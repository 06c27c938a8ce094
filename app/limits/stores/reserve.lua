-- Decides one operation over buckets and places, all of it or nothing; the twin of deciding.py.
-- KEYS: the buckets, then the sets of places. ARGV: the time in us, or 0 for the server's own; 1
-- where nothing refuses; the number of buckets; delta_us and period_us of each; member, limit and
-- ttl_us of each place. Returns the place of what refused or -1, the us to wait, and the states.
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local forced, buckets = ARGV[2] == '1', tonumber(ARGV[3])
local arrivals, deltas, periods, taken = {}, {}, {}, {}
local wait, refused = 0, -1

for i = 1, buckets do
  local delta, period = tonumber(ARGV[2 + 2 * i]), tonumber(ARGV[3 + 2 * i])
  local kept = tonumber(redis.call('GET', KEYS[i]) or now)
  arrivals[i] = math.min(math.max(kept, now), now + 2 * period)
  deltas[i], periods[i] = delta, period
  local over = arrivals[i] + delta - period - now
  if not forced and over > wait then
    wait, refused = over, i - 1
  end
end

local first = 3 + 2 * buckets
local function place_of(j)
  local at = first + 3 * (j - buckets - 1)
  return ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
end

if not forced then
  local free = refused == -1
  for j = buckets + 1, #KEYS do
    local _, limit = place_of(j)
    redis.call('ZREMRANGEBYSCORE', KEYS[j], '-inf', string.format('%.0f', now))
    local count = redis.call('ZCARD', KEYS[j])
    taken[#taken + 1] = count
    if free and count >= limit then
      wait, refused, free = 1000000, j - 1, false
    end
  end
end

local answer = {refused, wait}
for i = 1, buckets do
  local arrival = arrivals[i]
  if refused == -1 then
    arrival = math.min(arrival + deltas[i], forced and now + 2 * periods[i] or math.huge)
    -- %.0f, because tostring keeps 14 digits.
    if arrival > now then
      local kept_ms = math.ceil((arrival - now) / 1000) + 1000
      redis.call('SET', KEYS[i], string.format('%.0f', arrival), 'PX', kept_ms)
    else
      redis.call('DEL', KEYS[i])
    end
  end
  answer[#answer + 1] = arrival - now
end
if refused == -1 then
  for j = buckets + 1, #KEYS do
    local member, _, ttl = place_of(j)
    if ttl > 0 then
      redis.call('ZADD', KEYS[j], string.format('%.0f', now + ttl), member)
      redis.call('PEXPIRE', KEYS[j], math.ceil(ttl / 1000) + 1000)
    else
      redis.call('ZREM', KEYS[j], member)
    end
  end
end
for j = 1, #taken do
  answer[#answer + 1] = taken[j] + (refused == -1 and 1 or 0)
end
return answer
