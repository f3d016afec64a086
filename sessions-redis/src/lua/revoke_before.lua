-- Ends an owner's sessions from before a moment. A later moment that is stored already stays. KEYS:
-- the owner's moment. ARGV: moment, milliseconds to live.
local stored = redis.call('GET', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
local moment = ARGV[1]
if stored and tonumber(stored) > tonumber(moment) then
  moment = stored
end
-- A full server refuses only the first write of a script, and never a deletion: after it, the SET is
-- accepted. Ending sessions must work when the memory is full.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], moment, 'PX', math.max(left, tonumber(ARGV[2])))
return 1
