-- Deletes a record if it has the given revision. Returns 1 when it is deleted, 0 when its revision
-- differs, -1 when there is no record. KEYS: record. ARGV: revision.
local revision = redis.call('HGET', KEYS[1], 'r')
if not revision then
  return -1
end
if revision ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
return 1
