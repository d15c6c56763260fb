-- What is, was or will be published. Times are RFC 3339, but for those of marks, which are milliseconds since 1970.

-- One video for one account of one platform. `key` is the digest of all three, so nothing is queued twice.
-- `claim` names the file that the process which is sending it holds locked; `round` counts what was sent again on purpose.
CREATE TABLE publications (
    key        TEXT PRIMARY KEY,
    platform   TEXT NOT NULL,
    account    TEXT NOT NULL,
    content    TEXT NOT NULL,
    video      TEXT NOT NULL,
    name       TEXT NOT NULL,
    text       TEXT NOT NULL,
    cover_ms   INTEGER,
    streamer   TEXT NOT NULL,
    clip       TEXT,
    score      REAL NOT NULL,
    state      TEXT NOT NULL,
    why        TEXT,
    claim      TEXT,
    round      INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    not_before TEXT,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    expires_at TEXT,
    result     TEXT
);

CREATE INDEX publications_of_target ON publications (platform, account, state);

-- The journal of each publication: what was done for it, written before it was done.
CREATE TABLE publication_marks (
    key    TEXT NOT NULL REFERENCES publications (key) ON DELETE CASCADE,
    round  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    mark   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (key, round, number)
);

-- Why nothing goes to an account at the moment. The empty platform and account stand for all. What the user's rules say is
-- found out anew each time and stands here for people alone (`is_rule`).
CREATE TABLE publication_holds (
    platform TEXT NOT NULL,
    account  TEXT NOT NULL,
    why      TEXT NOT NULL,
    until    TEXT,
    is_rule  INTEGER NOT NULL,
    PRIMARY KEY (platform, account)
);
