-- The tables of actix-web-sessions. The statements may run again.

CREATE TABLE IF NOT EXISTS `sessions` (
    `key` binary(32) NOT NULL PRIMARY KEY,
    revision bigint NOT NULL,
    -- A column that takes every record: a shorter one would cut records where sql_mode is not strict.
    record longblob NOT NULL,
    owner binary(32),
    -- Milliseconds since 1970, by the server's clock.
    expires bigint NOT NULL,
    INDEX owner (owner),
    INDEX expires (expires)
) ENGINE = InnoDB;

-- The owners whose sessions were ended together.
CREATE TABLE IF NOT EXISTS `sessions_ended` (
    owner binary(32) NOT NULL PRIMARY KEY,
    -- Sessions whose login is not later than this have ended: microseconds since 1970.
    moment bigint NOT NULL,
    -- The moment that the last end found.
    previous bigint,
    expires bigint NOT NULL,
    INDEX expires (expires)
) ENGINE = InnoDB;
