-- Replaces the record of a revision. Returns the new revision, 0 when the record has another one,
-- -1 when there is none. KEYS: record. ARGV: revision, record, milliseconds to live.
local revision = redis.call('HGET', KEYS[1], 'r')
if not revision then
  return -1
end
if revision ~= ARGV[1] then
  return 0
end
local next = string.format('%.0f', revision + 1)
redis.call('HSET', KEYS[1], 'r', next, 'd', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return tonumber(next)
