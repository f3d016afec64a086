-- Keeps a record unless there is one. Returns whether it is kept. KEYS: record. ARGV: record,
-- milliseconds to live, mark of this call.
if redis.call('EXISTS', KEYS[1]) == 1 then
  -- A client sends a call again whose answer was lost with the connection. What is not a record has
  -- no mark, and stays.
  if redis.pcall('HGET', KEYS[1], 'w') == ARGV[3] then
    return 1
  end
  return 0
end
redis.call('HSET', KEYS[1], 'r', 1, 'd', ARGV[1], 'w', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
