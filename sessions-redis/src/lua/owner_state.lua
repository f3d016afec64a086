-- Returns the time, and the moment up to which the owner's sessions are ended if there is one, in
-- microseconds. KEYS: the owner's moment.
local time = redis.call('TIME')
return {time[1] * 1000000 + time[2], redis.call('GET', KEYS[1])}
