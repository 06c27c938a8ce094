-- Keeps or deletes answers of one tenant. All names begin with the same prefix, which has the tenant
-- in braces, so that they stand on one node of a cluster.
-- KEYS[1]: the answers by last use, of which every other name is derived.
-- ARGV: the prefix; the time in ms; what to do, and its arguments:
--   put: key, value, ttl in ms, bytes of the tenant at most, when it began in ms, by how much clocks
--        differ in ms, tags...
--   tag: tag (empty for all), how long to remember that in ms, answers to delete at most
--   key: key
-- Returns how many were kept or deleted, and for `tag` whether some are left.
local prefix, now = ARGV[1], tonumber(ARGV[2])
local by_use, by_end, facts, total = KEYS[1], prefix .. 'end', prefix .. 'facts', prefix .. 'bytes'

local function drop(key)
  local said = redis.call('HGET', facts, key)
  redis.call('DEL', prefix .. 'v:' .. key)
  redis.call('ZREM', by_use, key)
  redis.call('ZREM', by_end, key)
  if not said then return 0 end
  redis.call('HDEL', facts, key)
  local first = true
  for part in string.gmatch(said, '%S+') do
    if first then
      redis.call('DECRBY', total, part)
      first = false
    else
      redis.call('ZREM', prefix .. 't:' .. part, key)
    end
  end
  -- What belongs to another answer counts as none.
  return string.sub(key, 1, 1) == '~' and 0 or 1
end

local function keep_until(name, ends)
  local left = redis.call('PTTL', name)
  if left < ends - now then redis.call('PEXPIRE', name, ends - now + 60000) end
end

if ARGV[3] == 'key' then return {drop(ARGV[4]), 0} end

if ARGV[3] == 'tag' then
  local tag, most = ARGV[4], tonumber(ARGV[6])
  redis.call('SET', prefix .. 'forgotten:' .. tag, string.format('%.0f', now), 'PX', ARGV[5])
  local found
  if tag == '' then
    found = redis.call('ZRANGE', by_use, 0, most - 1)
  else
    found = redis.call('ZRANGE', prefix .. 't:' .. tag, 0, most - 1)
  end
  local gone = 0
  for _, key in ipairs(found) do
    gone = gone + drop(key)
    if tag ~= '' then redis.call('ZREM', prefix .. 't:' .. tag, key) end
  end
  return {gone, #found == most and 1 or 0}
end

local key, value, ttl, bound = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local begun, differ = tonumber(ARGV[8]), tonumber(ARGV[9])
local tags = {}
for i = 10, #ARGV do tags[#tags + 1] = ARGV[i] end
for _, tag in ipairs({'', unpack(tags)}) do
  local at = redis.call('GET', prefix .. 'forgotten:' .. tag)
  if at and tonumber(at) >= begun - differ then return {0, 0} end
end
local size = #value + 300
if size > bound then return {0, 0} end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', by_end, '-inf', now, 'LIMIT', 0, 200)) do
  drop(old)
end
drop(key)
while tonumber(redis.call('GET', total) or 0) + size > bound do
  local oldest = redis.call('ZRANGE', by_use, 0, 0)[1]
  if not oldest then
    redis.call('DEL', total)
    break
  end
  drop(oldest)
end
local ends = now + ttl
redis.call('SET', prefix .. 'v:' .. key, value, 'PX', string.format('%.0f', ttl))
redis.call('ZADD', by_use, string.format('%.0f', now), key)
redis.call('ZADD', by_end, string.format('%.0f', ends), key)
redis.call('HSET', facts, key, size .. ' ' .. table.concat(tags, ' '))
redis.call('INCRBY', total, size)
for _, name in ipairs({by_use, by_end, facts, total}) do keep_until(name, ends) end
for _, tag in ipairs(tags) do
  redis.call('ZADD', prefix .. 't:' .. tag, string.format('%.0f', ends), key)
  keep_until(prefix .. 't:' .. tag, ends)
end
return {1, 0}
