-- Anonymous figures of all jurisdictions, and the queue they come through.

-- Messages: at least once, in order within a group, hidden while somebody works on them. The same semantics as SQS FIFO.
CREATE TABLE domicile.queue (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    message_group text NOT NULL,
    deduplication text NOT NULL,
    body text NOT NULL CHECK (octet_length(body) <= 1048576),
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    visible_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    received integer NOT NULL DEFAULT 0,
    receipt text,
    dead boolean NOT NULL DEFAULT false
);
CREATE INDEX queue_order ON domicile.queue (queue, message_group, id) WHERE NOT dead;
CREATE UNIQUE INDEX queue_once ON domicile.queue (queue, message_group, deduplication) WHERE NOT dead;

CREATE FUNCTION domicile.queue_send(queue_name text, message_group text, deduplication text, body text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO domicile.queue (queue, message_group, deduplication, body)
        VALUES (queue_name, message_group, deduplication, body) ON CONFLICT DO NOTHING;
END;

-- The oldest messages of each group, unless one before them is being worked on. A message that was received `receives_max`
-- times is set aside.
CREATE FUNCTION domicile.queue_receive(queue_name text, most integer, hidden_for interval, receives_max integer)
RETURNS TABLE (id bigint, message_group text, body text, receipt text, received integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $domicile$
#variable_conflict use_column
BEGIN
    -- One receiver at a time: else the second could take what stands behind the first one's messages.
    PERFORM pg_advisory_xact_lock(hashtextextended(queue_name, 7237129510));
    UPDATE domicile.queue AS q SET dead = true, receipt = NULL
        WHERE q.queue = queue_name AND NOT q.dead AND q.received >= receives_max AND q.visible_at <= clock_timestamp();
    RETURN QUERY
    UPDATE domicile.queue AS q SET visible_at = clock_timestamp() + hidden_for, received = q.received + 1,
                                   receipt = gen_random_uuid()::text
        WHERE q.id IN (SELECT o.id FROM domicile.queue AS o
                       WHERE o.queue = queue_name AND NOT o.dead AND o.visible_at <= clock_timestamp()
                         AND NOT EXISTS (SELECT FROM domicile.queue AS e
                                         WHERE e.queue = o.queue AND e.message_group = o.message_group AND NOT e.dead
                                           AND e.id < o.id AND e.visible_at > clock_timestamp())
                       ORDER BY o.id LIMIT most)
        RETURNING q.id, q.message_group, q.body, q.receipt, q.received;
END $domicile$;

-- Figures: exactly the sum of the batches that have been applied.
CREATE TABLE domicile.figures (
    metric text NOT NULL,
    cell jsonb NOT NULL,
    measure text NOT NULL,
    value numeric NOT NULL,
    PRIMARY KEY (metric, cell, measure)
);
CREATE TABLE domicile.watermarks (
    shard text PRIMARY KEY,
    n bigint NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Batch n of a shard, only after n - 1, in one transaction with the watermark: each batch counts exactly once, however often
-- and in whatever order it comes.
CREATE FUNCTION domicile.apply_batch(shard_name text, batch bigint, figures jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $domicile$
DECLARE
    last bigint;
BEGIN
    INSERT INTO domicile.watermarks (shard, n) VALUES (shard_name, 0) ON CONFLICT DO NOTHING;
    SELECT w.n INTO last FROM domicile.watermarks AS w WHERE w.shard = shard_name FOR UPDATE;
    IF batch <= last THEN
        RETURN 'duplicate';
    ELSIF batch > last + 1 THEN
        RETURN 'early';
    END IF;
    INSERT INTO domicile.figures AS f (metric, cell, measure, value)
        SELECT change ->> 0, change -> 1, m.key, sum(m.value::numeric)
        FROM jsonb_array_elements(figures) AS change, jsonb_each_text(change -> 2) AS m
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (metric, cell, measure) DO UPDATE SET value = f.value + excluded.value;
    DELETE FROM domicile.figures AS f USING jsonb_array_elements(figures) AS change
        WHERE f.metric = change ->> 0 AND f.cell = change -> 1 AND f.value = 0;
    UPDATE domicile.watermarks SET n = batch, applied_at = now() WHERE shard = shard_name;
    RETURN 'applied';
END $domicile$;
