-- Replaces a record if it has the given revision. Returns the new revision, 0 when the record's
-- revision differs, -1 when there is no record. KEYS: record. ARGV: revision, record, milliseconds to
-- live, idempotency key of this call.
local found = redis.call('HMGET', KEYS[1], 'r', 'w')
local revision = found[1]
if not revision then
  return -1
end
local next = string.format('%.0f', ARGV[1] + 1)
local recent = found[2] or ''
if revision ~= ARGV[1] then
  -- A client repeats a call whose answer was lost with the connection: the write is done, and other
  -- writes may have followed.
  if string.find(recent, ARGV[4], 1, true) then
    return tonumber(next)
  end
  return 0
end
-- The idempotency keys of the last eight calls, of eight bytes each.
redis.call('HSET', KEYS[1], 'r', next, 'd', ARGV[2], 'w', string.sub(ARGV[4] .. recent, 1, 64))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return tonumber(next)
