-- Adds a session to its owner's index, and removes the expired ones. Returns the moment before which
-- the owner's sessions are ended. KEYS: the owner's sessions, the owner's moment. ARGV: session,
-- milliseconds to live.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- First, since a full server refuses only the first write of a script: the index must not hold a
-- session that will not begin.
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('GET', KEYS[2])
