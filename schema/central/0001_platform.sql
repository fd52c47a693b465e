-- What central carries for Domicile itself: which system it belongs to. It holds anonymous figures only, so it has no
-- user ids, no ranges and no people.
CREATE TABLE domicile.central (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    name text NOT NULL
);
