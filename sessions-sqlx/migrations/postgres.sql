-- The tables of actix-web-sessions. The statements may run again.

CREATE TABLE IF NOT EXISTS "sessions" (
    key bytea PRIMARY KEY,
    revision bigint NOT NULL,
    record bytea NOT NULL,
    owner bytea,
    -- Milliseconds since 1970, by the server's clock.
    expires bigint NOT NULL,
    -- When the sweeper looks at the row: `sweep_after <= expires`, less after a touch. It has an index and
    -- moves seldom, so that an update needs no new entries in the indexes (a HOT update).
    sweep_after bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS "sessions_owner" ON "sessions" (owner) WHERE owner IS NOT NULL;
CREATE INDEX IF NOT EXISTS "sessions_sweep_after" ON "sessions" (sweep_after);

-- The owners whose sessions were ended together.
CREATE TABLE IF NOT EXISTS "sessions_ended" (
    owner bytea PRIMARY KEY,
    -- Sessions whose login is not later than this have ended: microseconds since 1970.
    moment bigint NOT NULL,
    -- The moment that the last end found.
    previous bigint,
    expires bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS "sessions_ended_expires" ON "sessions_ended" (expires);
