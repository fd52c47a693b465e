-- What people have asked for (GDPR Art. 12 and following), and what was done about it: docs/privacy.md.
CREATE TABLE domicile.requests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('erasure')),
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    asked_by text NOT NULL,             -- a principal, or "operator": never the person's name
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'running', 'done', 'refused')),
    extended text,                      -- why the answer takes two months more (Art. 12(3))
    done_at timestamptz,
    answer jsonb                        -- the certificate, or why not
);
CREATE UNIQUE INDEX requests_open ON domicile.requests (user_id, kind) WHERE state IN ('open', 'running');
CREATE INDEX requests_user ON domicile.requests (user_id, id);
-- As long as a hold stands, nothing of the person is erased (Art. 17(3)); when it ends, what was asked for is done.
CREATE TABLE domicile.holds (
    user_id bigint PRIMARY KEY,
    ground text NOT NULL,               -- "Art. 17(3)(e): case 4711"
    until date NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now(),
    placed_by text NOT NULL
);
-- The ledger: an erasure stands here, and in the jurisdiction's store, before the first value is destroyed.
CREATE TABLE domicile.erasures (
    n bigint PRIMARY KEY,               -- 1, 2, 3, … without a gap
    request bigint NOT NULL UNIQUE REFERENCES domicile.requests,
    user_id bigint NOT NULL,
    salt text NOT NULL,                 -- of its commitment in the log
    begun_at timestamptz NOT NULL,
    done_at timestamptz,
    result jsonb
);
-- How far this database has the ledger: one that was restored from before an erasure has less than the store.
ALTER TABLE domicile.shard ADD COLUMN ledger bigint NOT NULL DEFAULT 0;
-- Tables with pages that may still hold erased values.
CREATE TABLE domicile.rewrites (
    table_name text PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),  -- of the last erasure: as long as somebody may see before it, the old rows stay
    erasures bigint NOT NULL DEFAULT 1  -- since the last rewrite
);
-- Its key is destroyed: nobody reads it any more.
ALTER TABLE domicile.documents ADD COLUMN erased boolean NOT NULL DEFAULT false;
