-- Returns the revision, the milliseconds left, 1 if the record was touched (else 0), the time in
-- microseconds, and the record, separated by spaces; nothing when there is no record. KEYS: record.
-- ARGV: the milliseconds to live that a touch sets, and the milliseconds since the last touch after
-- which the next is due; or neither.
local found = redis.call('HMGET', KEYS[1], 'r', 'd')
local left = redis.call('PTTL', KEYS[1])
if left == -2 then
  return false
end
local touched = 0
if ARGV[1] then
  local ttl = tonumber(ARGV[1])
  if left + tonumber(ARGV[2]) <= ttl then
    -- A replica accepts no writes, and is read without a touch.
    local done = redis.pcall('PEXPIRE', KEYS[1], ttl)
    if done == 1 then
      left = ttl
      touched = 1
    end
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
return string.format('%s %.0f %d %.0f ', found[1] or '', left, touched, now) .. (found[2] or '')
