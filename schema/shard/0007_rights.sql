-- Restriction, rectification, export, objection, consent, retention (GDPR Art. 7, 15 to 21): docs/privacy.md.
ALTER TABLE domicile.requests DROP CONSTRAINT requests_kind_check;
ALTER TABLE domicile.requests ADD CONSTRAINT requests_kind_check
    CHECK (kind IN ('erasure', 'export', 'rectification', 'restriction', 'lifting', 'objection'));
ALTER TABLE domicile.requests ADD COLUMN detail jsonb;  -- what exactly: names and grounds, never a person's values
-- The ledger holds restrictions, too: a restored database must not show what was restricted.
ALTER TABLE domicile.erasures RENAME TO ledger;

-- People whose rows may be stored, and nothing else (Art. 18). The tables' policies read it (guard/table_guard).
CREATE TABLE domicile.restrictions (
    user_id bigint PRIMARY KEY,
    ground text NOT NULL,               -- "Art. 18(1)(a)"
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- What recipients are to be told (Art. 19): one row for each institution that may have received something.
CREATE TABLE domicile.notices (
    request bigint NOT NULL REFERENCES domicile.requests,
    institution text NOT NULL,
    user_id bigint NOT NULL,
    text text,                          -- as it was signed; null before it is decided, and once it is acknowledged
    documents bigint,                   -- how many documents of the person the institution has; 0: nothing to tell
    acknowledged_at timestamptz,
    receipt text,
    PRIMARY KEY (request, institution)
);
CREATE INDEX notices_open ON domicile.notices (institution, request) WHERE acknowledged_at IS NULL;
ALTER TABLE domicile.notices ALTER COLUMN text SET STATISTICS 0;
-- Everything that has been put before people, word for word: a consent says to which of it.
CREATE TABLE domicile.consent_texts (
    purpose text NOT NULL,
    version text NOT NULL,
    text text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (purpose, version)
);
-- Given and withdrawn (Art. 7); nothing here is ever changed.
CREATE TABLE domicile.consents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    purpose text NOT NULL,
    version text NOT NULL,
    given boolean NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by text NOT NULL,
    FOREIGN KEY (purpose, version) REFERENCES domicile.consent_texts
);
CREATE INDEX consents_user ON domicile.consents (user_id, purpose, id);
-- Packages that people have asked for, in pieces; they go with their time, and with the person.
CREATE TABLE domicile.packages (
    request bigint NOT NULL REFERENCES domicile.requests,
    piece integer NOT NULL,             -- 0, 1, 2, …; all but the last of the same length
    user_id bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (request, piece)
);
ALTER TABLE domicile.packages ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE domicile.packages ALTER COLUMN bytes SET STATISTICS 0;
CREATE INDEX packages_user ON domicile.packages (user_id);
-- What the retention of each table has done.
CREATE TABLE domicile.retention (
    table_name text PRIMARY KEY,
    ran_at timestamptz NOT NULL,
    removed bigint NOT NULL,            -- all told
    waiting bigint NOT NULL,            -- due, and not removed yet: held, restricted, or the next batch
    note text
);
-- How many people are restricted: gateways ask with each probe, so that nobody pays for it elsewhere.
ALTER TABLE domicile.shard ADD COLUMN restrictions bigint NOT NULL DEFAULT 0;
