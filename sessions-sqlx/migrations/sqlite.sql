-- The tables of actix-web-sessions. The statements may run again.

CREATE TABLE IF NOT EXISTS "sessions" (
    key BLOB PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL,
    record BLOB NOT NULL,
    owner BLOB,
    -- Milliseconds since 1970, by the host's clock.
    expires INTEGER NOT NULL,
    -- When the sweeper looks at the row: `sweep_after <= expires`, less after a touch. It has an index and
    -- moves seldom, so that an update leaves the index alone.
    sweep_after INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS "sessions_owner" ON "sessions" (owner) WHERE owner IS NOT NULL;
CREATE INDEX IF NOT EXISTS "sessions_sweep_after" ON "sessions" (sweep_after);

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
