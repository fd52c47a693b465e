-- What committed rows have told: written by triggers in the transaction that changes them, taken by the relay in numbered
-- batches (docs/statistics.md). Everything here lives and stays in the shard; only domicile.batches is made to leave.
CREATE TABLE domicile.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT now(),
    table_name text NOT NULL,
    op "char" NOT NULL CHECK (op IN ('I', 'U', 'D')),
    sign smallint NOT NULL,            -- +1: what is there now; -1: what was there before
    audited boolean NOT NULL,          -- it becomes a document
    metric text,                       -- counts for this figure alone: rows that were there before it was declared
    user_id bigint NOT NULL,
    body jsonb NOT NULL
);
-- A sample of bodies in the planner's statistics would outlive an erasure.
ALTER TABLE domicile.outbox ALTER COLUMN body SET STATISTICS 0;
-- Rows come and go; what is gone must not slow the next look.
ALTER TABLE domicile.outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                                 autovacuum_vacuum_insert_threshold = -1);

-- The figures that have been declared, as they were: rows that were there before are counted once.
CREATE TABLE domicile.metrics (
    name text PRIMARY KEY,
    definition text NOT NULL,
    persons_min bigint NOT NULL,
    rest interval NOT NULL
);
-- A cell is one combination of values, such as ["DE", "2011-03"].
CREATE TABLE domicile.cells (
    metric text NOT NULL,
    cell jsonb NOT NULL,
    touched_at timestamptz NOT NULL,
    dirty boolean NOT NULL,                   -- changed since it was last judged
    released boolean NOT NULL DEFAULT false,  -- something of it is abroad
    PRIMARY KEY (metric, cell)
);
CREATE INDEX cells_dirty ON domicile.cells (touched_at) WHERE dirty;
CREATE TABLE domicile.measures (
    metric text NOT NULL,
    cell jsonb NOT NULL,
    measure text NOT NULL,              -- "count", "sum.COLUMN"
    value numeric NOT NULL,             -- as the rows say
    released numeric NOT NULL DEFAULT 0,  -- as it has left
    PRIMARY KEY (metric, cell, measure)
);
-- Who is in a cell: to know how many people a figure, and each change of it, is made of.
CREATE TABLE domicile.contributors (
    metric text NOT NULL,
    cell jsonb NOT NULL,
    user_id bigint NOT NULL,
    events bigint NOT NULL,
    -- All that the person adds to the cell's measures, as one number (each times a constant of its own), now and when the cell
    -- last left: whoever has changed something and changed it back is no part of a difference.
    share numeric NOT NULL,
    share_left numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (metric, cell, user_id)
);
-- What leaves, in order and without gaps: a batch is made once and never changes.
CREATE TABLE domicile.batches (
    n bigint PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT now(),
    figures jsonb NOT NULL              -- [[metric, cell, {measure: change}], …]
);
CREATE TABLE domicile.batch_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    made bigint NOT NULL DEFAULT 0,       -- the last batch
    confirmed bigint NOT NULL DEFAULT 0,  -- the last one that central has applied
    events bigint NOT NULL DEFAULT 0,     -- taken from the outbox, all told
    documents bigint NOT NULL DEFAULT 0   -- the last document's number
);
INSERT INTO domicile.batch_state DEFAULT VALUES;
-- Audited events, numbered without gaps; each becomes one document.
CREATE TABLE domicile.documents (
    number bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    table_name text NOT NULL,
    op "char" NOT NULL,
    user_id bigint NOT NULL,
    body jsonb,                         -- what it says; null once it is stored
    stored_at timestamptz,
    sha256 text,                        -- of the document, hex
    bytes bigint,
    salt text                           -- hex; commitment = SHA-256(salt, sha256): without it a log's leaf tells nothing
);
ALTER TABLE domicile.documents ALTER COLUMN body SET STATISTICS 0;
CREATE INDEX documents_waiting ON domicile.documents (number) WHERE stored_at IS NULL;
-- The key that seals a person's documents, itself sealed by the region's key service: without it they are unreadable.
CREATE TABLE domicile.person_keys (
    user_id bigint PRIMARY KEY,
    wrapped text NOT NULL,              -- base64
    made_at timestamptz NOT NULL DEFAULT now()
);
-- What an institution has been sent. Kept on the first shard of its jurisdiction: one sequence for all of them.
CREATE TABLE domicile.dispatches (
    institution text NOT NULL,
    n bigint NOT NULL,                  -- 1, 2, 3, … without a gap
    made_at timestamptz NOT NULL DEFAULT now(),
    through jsonb NOT NULL,             -- for each shard the last number that is in this batch or an earlier one
    documents bigint NOT NULL,
    manifest text NOT NULL,             -- as it was signed: sent again it is the same bytes
    signature text NOT NULL,
    log_edge text NOT NULL,             -- of the Merkle log, these documents included (crypto/merkle.hpp)
    acknowledged_at timestamptz,
    receipt text,
    PRIMARY KEY (institution, n)
);
