CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL, name text, email text UNIQUE);
CREATE TABLE orders (user_id bigint NOT NULL REFERENCES users, order_no text, note text, PRIMARY KEY (user_id, order_no));
CREATE INDEX ON orders (note);
CREATE TABLE countries (code text PRIMARY KEY, title text);
