\set id random(0, :users - 1)
SELECT "user_id", "customer_no", "kind", "country", "name", "email", "generated", "created_at", xmin::text FROM "users" WHERE "user_id" = :id;
