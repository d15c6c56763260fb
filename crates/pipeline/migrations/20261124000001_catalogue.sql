-- What is known about recordings, the runs over them, and what came out. Jobs are in the queue's own tables beside these.
-- Times are RFC 3339; documents are JSON with media time in ticks.

CREATE TABLE recordings (
    id         TEXT PRIMARY KEY,
    path       TEXT NOT NULL,
    seen_at    TEXT NOT NULL
);

-- One recording, one streamer, one set of settings, one output folder.
CREATE TABLE runs (
    id           TEXT PRIMARY KEY,
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    path         TEXT NOT NULL,
    streamer     TEXT NOT NULL,
    settings     TEXT NOT NULL,
    output_dir   TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    finished_at  TEXT
);

-- Work that was begun, finished or not: what resuming repeats can be read from here.
CREATE TABLE stage_starts (
    run_id     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    stage      TEXT NOT NULL,
    item       TEXT NOT NULL,
    started_at TEXT NOT NULL
);

-- Work that is finished, with its result. A row here and the jobs that follow from it are committed together.
CREATE TABLE stages (
    run_id      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    stage       TEXT NOT NULL,
    item        TEXT NOT NULL,
    result      TEXT NOT NULL,
    seconds     REAL NOT NULL,
    finished_at TEXT NOT NULL,
    PRIMARY KEY (run_id, stage, item)
);

-- Moments that are, or may become, clips.
CREATE TABLE clips (
    run_id   TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    id       TEXT NOT NULL,
    moment   TEXT NOT NULL,
    rank     INTEGER,
    PRIMARY KEY (run_id, id)
);
