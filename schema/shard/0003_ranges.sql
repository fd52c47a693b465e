-- Which user ids this shard holds, as its topology says: "0-30000,60000-90000". Each probe of a gateway compares it with the
-- range map in force there: a gateway that holds another map serves nothing from this shard.
ALTER TABLE domicile.shard ADD COLUMN ranges text NOT NULL DEFAULT '';
