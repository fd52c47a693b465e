CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL, name text, email text);
CREATE TABLE orders (user_id bigint NOT NULL REFERENCES users, order_no bigint NOT NULL, amount numeric(12, 2) NOT NULL, note text,
                     PRIMARY KEY (user_id, order_no));
CREATE TABLE carts (user_id bigint NOT NULL REFERENCES users, cart bigint NOT NULL, item text, PRIMARY KEY (user_id, cart));
