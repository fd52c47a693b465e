-- The outcome of transactions over several shards, kept by the first of them: a row here means that all of them commit.
-- Written in the first shard's own transaction, so that its commit is the decision; removed when all have followed.
-- Any gateway may finish what another has left (docs/sql.md, "Several shards").
CREATE TABLE domicile.decisions (
    gid text PRIMARY KEY,
    decided_at timestamptz NOT NULL DEFAULT now()
);
