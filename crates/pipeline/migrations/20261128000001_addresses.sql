-- Which run an address was processed by, so that it is answered again without asking its host. `id` is the digest of the address,
-- the settings and the output folder.

CREATE TABLE addresses (
    id      TEXT PRIMARY KEY,
    run_id  TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE
);
