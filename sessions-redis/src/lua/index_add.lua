-- Adds a session to its owner's index, and removes the expired ones. Returns the time, and the moment up
-- to which the owner's sessions are ended if there is one, in microseconds. KEYS: the owner's sessions,
-- the owner's moment. ARGV: session, milliseconds to live.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local expires = now + ARGV[2] * 1000
-- Sessions expire by their scores. None is shortened.
local present = redis.call('ZSCORE', KEYS[1], ARGV[1])
if present then
  expires = math.max(expires, tonumber(present))
end
-- First, since a full server refuses only the first write of a script: the index must not hold a
-- session that will not begin.
redis.call('ZADD', KEYS[1], string.format('%.0f', expires), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return {now, redis.call('GET', KEYS[2])}
