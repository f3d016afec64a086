-- Notes a session of an owner, and forgets those whose time is over. Returns until when the owner's
-- sessions are ended. KEYS: the owner's sessions, that moment. ARGV: session, milliseconds to live.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- First, since a full server refuses the first write only: nothing is noted of what will not begin.
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('GET', KEYS[2])
