-- The epoch of the range map that these ranges come from: an older topology file does not bring older ranges back.
ALTER TABLE domicile.shard ADD COLUMN map_epoch bigint NOT NULL DEFAULT 0;
