CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL);
CREATE TABLE orders (
    user_id bigint NOT NULL,
    order_no bigint NOT NULL,
    kind text NOT NULL,
    amount numeric(12, 2) NOT NULL,
    PRIMARY KEY (user_id, order_no)
);
