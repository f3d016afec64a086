-- Ends an owner's sessions up to a moment: the time, and later than the one before; or the given one,
-- unless a later one is kept. Returns the moment that was kept before if there was one, and the one that
-- is kept from here on, in microseconds. KEYS: the owner's moment. ARGV: milliseconds to live, moment if
-- it is given.
local previous = redis.call('GET', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
local at
if ARGV[2] then
  at = math.max(tonumber(ARGV[2]), tonumber(previous or 0))
else
  local time = redis.call('TIME')
  at = math.max(time[1] * 1000000 + time[2], (previous or 0) + 1)
end
local ttl = string.format('%.0f', math.max(left, tonumber(ARGV[1])))
-- A full server refuses only the first write of a script, and never a deletion: after it, the SET is
-- accepted. Ending sessions must work when the memory is full.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', ttl)
return {previous, at}
