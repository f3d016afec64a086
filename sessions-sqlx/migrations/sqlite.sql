-- The tables of actix-web-sessions. The statements may run again.

CREATE TABLE IF NOT EXISTS "sessions" (
    key BLOB PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL,
    record BLOB NOT NULL,
    owner BLOB,
    -- Milliseconds since 1970, by the host's clock.
    expires INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS "sessions_owner" ON "sessions" (owner) WHERE owner IS NOT NULL;
CREATE INDEX IF NOT EXISTS "sessions_expires" ON "sessions" (expires);

-- The owners whose sessions were ended together.
CREATE TABLE IF NOT EXISTS "sessions_ended" (
    owner BLOB PRIMARY KEY NOT NULL,
    -- Sessions whose login is not later than this have ended: microseconds since 1970.
    moment INTEGER NOT NULL,
    -- The moment that the last end found.
    previous INTEGER,
    expires INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS "sessions_ended_expires" ON "sessions_ended" (expires);
