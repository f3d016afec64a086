-- Stores a record unless the key is taken. Returns its revision, or 0 when the key is taken. KEYS:
-- record. ARGV: record, milliseconds to live, idempotency key of this call.
if redis.call('EXISTS', KEYS[1]) == 1 then
  -- A client repeats a call whose answer was lost with the connection. A value that is not a record
  -- has no idempotency key, and stays.
  local found = redis.pcall('HMGET', KEYS[1], 'r', 'w')
  if found[2] == ARGV[3] then
    return tonumber(found[1])
  end
  return 0
end
-- The time in microseconds. A write takes longer than one, so that no revision of a deleted record is
-- used again.
local time = redis.call('TIME')
local revision = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', KEYS[1], 'r', revision, 'd', ARGV[1], 'w', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return tonumber(revision)
