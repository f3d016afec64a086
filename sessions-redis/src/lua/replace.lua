-- Replaces the record of a revision. Returns the new revision, 0 when the record has another one,
-- -1 when there is none. KEYS: record. ARGV: revision, record, milliseconds to live, mark of this
-- call.
local found = redis.call('HMGET', KEYS[1], 'r', 'w')
local revision = found[1]
if not revision then
  return -1
end
local next = string.format('%.0f', ARGV[1] + 1)
local marks = found[2] or ''
if revision ~= ARGV[1] then
  -- A client sends a call again whose answer was lost with the connection: it has been done, and
  -- others may have written since.
  if string.find(marks, ARGV[4], 1, true) then
    return tonumber(next)
  end
  return 0
end
-- The marks of the last eight calls, of eight bytes each.
redis.call('HSET', KEYS[1], 'r', next, 'd', ARGV[2], 'w', string.sub(ARGV[4] .. marks, 1, 64))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return tonumber(next)
