-- Streams that are, or were, recorded while live. A session is a run whose recording grows.

-- `broadcast` is how the platform tells one broadcast from the next; media time zero was at `zero_at`.
CREATE TABLE sessions (
    run_id     TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    streamer   TEXT NOT NULL,
    broadcast  TEXT NOT NULL,
    folder     TEXT NOT NULL,
    zero_at    TEXT NOT NULL,
    ended_at   TEXT,
    limits     TEXT NOT NULL
);

CREATE INDEX sessions_open ON sessions (ended_at) WHERE ended_at IS NULL;

-- Candidates of a live session, as they settled: the ticks of their core's start tell them apart.
CREATE TABLE candidates (
    run_id     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    core_start INTEGER NOT NULL,
    candidate  TEXT NOT NULL,
    PRIMARY KEY (run_id, core_start)
);

-- When the moment of a clip was, for the limits of an hour and a day; only live clips have it.
ALTER TABLE clips ADD COLUMN moment_at TEXT;
