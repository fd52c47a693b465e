\set id random(0, :users - 1)
\set no random(1, 9000000000000000000)
INSERT INTO "invoices" ("user_id", "invoice_no", "country", "invoiced_at", "lines", "total") VALUES (:id::bigint, :no, :country, :at, :lines, :total) RETURNING "user_id", "invoice_no", "country", "invoiced_at", "lines", "total", "cancelled", xmin::text;
