-- Stores a record unless the key is taken. Returns 1 when it is stored, else 0. KEYS: record. ARGV:
-- record, milliseconds to live, idempotency key of this call.
if redis.call('EXISTS', KEYS[1]) == 1 then
  -- A client repeats a call whose answer was lost with the connection. A value that is not a record
  -- has no idempotency key, and stays.
  if redis.pcall('HGET', KEYS[1], 'w') == ARGV[3] then
    return 1
  end
  return 0
end
redis.call('HSET', KEYS[1], 'r', 1, 'd', ARGV[1], 'w', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
