-- Notes that an owner's sessions from before a moment are ended. A later one stays. KEYS: that
-- moment. ARGV: moment, milliseconds to live.
local noted = redis.call('GET', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
local moment = ARGV[1]
if noted and tonumber(noted) > tonumber(moment) then
  moment = noted
end
-- Lets the next command through on a full server: Redis refuses it as a script's first write only.
-- Ending sessions must work when there is no room.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], moment, 'PX', math.max(left, tonumber(ARGV[2])))
return 1
