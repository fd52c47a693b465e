CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL DEFAULT 'DE', name text, age int, checksum bigint);
CREATE TABLE orders (user_id bigint NOT NULL, order_no int NOT NULL, total numeric(10,2) NOT NULL DEFAULT 0, note text,
                     PRIMARY KEY (user_id, order_no));
CREATE TABLE accounts (user_id bigint PRIMARY KEY, balance bigint NOT NULL DEFAULT 0);
-- One column of each kind that a driver turns into a type of its language.
CREATE TABLE things (user_id bigint NOT NULL, thing_no int NOT NULL, amount numeric, at timestamptz, raw bytea, list int[],
                     doc jsonb, words text, PRIMARY KEY (user_id, thing_no));
CREATE TABLE countries (code text PRIMARY KEY, title text);
CREATE TABLE settings (name text PRIMARY KEY, value text);
