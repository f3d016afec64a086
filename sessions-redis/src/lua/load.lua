-- Returns revision, milliseconds left, whether its time started anew, and the record, with spaces
-- between them; nothing when there is no record. KEYS: record. ARGV: milliseconds to live from a use
-- on, and how many must have passed before a use counts; or neither.
local found = redis.call('HMGET', KEYS[1], 'r', 'd')
local left = redis.call('PTTL', KEYS[1])
if left == -2 then
  return false
end
local touched = 0
if ARGV[1] then
  local ttl = tonumber(ARGV[1])
  -- The second is what clocks round.
  if left + tonumber(ARGV[2]) <= ttl or left > ttl + 1000 then
    -- A replica takes no writes, and is read all the same.
    local done = redis.pcall('PEXPIRE', KEYS[1], ttl)
    if done == 1 then
      left = ttl
      touched = 1
    end
  end
end
return string.format('%s %.0f %d ', found[1] or '', left, touched) .. (found[2] or '')
