-- What every shard carries for Domicile itself. The range checks, id sequences and grants follow from the topology and
-- are made after the migrations.

-- One row: which shard this database is. A gateway reads it to know that it reached the shard it meant.
CREATE TABLE domicile.shard (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    name text NOT NULL,
    jurisdiction text NOT NULL
);

-- Answers already given to requests with an idempotency key. They live with the person, so that no answer leaves home.
CREATE TABLE domicile.idempotency (
    user_id bigint NOT NULL,
    key text NOT NULL CHECK (octet_length(key) <= 128),
    creates_person boolean NOT NULL DEFAULT false,
    fingerprint bytea NOT NULL,
    response jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
-- A request that creates a person has no user id to stand on yet: its key alone must find it again.
CREATE UNIQUE INDEX idempotency_creates ON domicile.idempotency (key) WHERE creates_person;
CREATE INDEX idempotency_age ON domicile.idempotency (created_at);
-- A sample of answers in the planner's statistics would outlive an erasure.
ALTER TABLE domicile.idempotency ALTER COLUMN response SET STATISTICS 0;
ALTER TABLE domicile.idempotency ALTER COLUMN key SET STATISTICS 0;

-- How far a bulk load has come, written in the transaction of its rows: a load that is killed goes on where it stopped.
CREATE TABLE domicile.loads (
    load text NOT NULL,
    source text NOT NULL,
    line bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (load, source)
);
