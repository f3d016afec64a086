-- Deletes the record of a revision. Returns 1, 0 when the record has another one, -1 when there is
-- none. KEYS: record. ARGV: revision.
local revision = redis.call('HGET', KEYS[1], 'r')
if not revision then
  return -1
end
if revision ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
return 1
