-- A web shop. Every table carries user_id, the key that decides where a row lives.

CREATE TABLE users (
    user_id bigint PRIMARY KEY,
    -- The number the shop knows the customer by. Counter sales belong to a user of kind 'counter', one per country.
    customer_no integer UNIQUE,
    kind text NOT NULL DEFAULT 'customer' CHECK (kind IN ('customer', 'counter')),
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    name text,
    email text,
    -- True where name and email are invented: the source holds none.
    generated boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX users_country ON users (country, user_id);

CREATE TABLE invoices (
    user_id bigint NOT NULL REFERENCES users,
    -- 'C…' is a cancellation, 'A…' an adjustment of bad debt.
    invoice_no text NOT NULL,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    invoiced_at timestamp NOT NULL,
    lines integer NOT NULL CHECK (lines >= 0),
    -- Pounds sterling. Three decimals, because unit prices have up to three.
    total numeric(12, 3) NOT NULL,
    cancelled boolean NOT NULL DEFAULT false,
    PRIMARY KEY (user_id, invoice_no)
);
CREATE INDEX invoices_time ON invoices (user_id, invoiced_at);

CREATE TABLE lines (
    user_id bigint NOT NULL,
    -- The line's number in the source file, unique over all shards.
    line_no integer NOT NULL,
    invoice_no text NOT NULL,
    stock_code text NOT NULL,
    description text NOT NULL DEFAULT '',
    quantity integer NOT NULL,
    unit_price numeric(12, 3) NOT NULL,
    PRIMARY KEY (user_id, line_no),
    FOREIGN KEY (user_id, invoice_no) REFERENCES invoices
);
CREATE INDEX lines_invoice ON lines (user_id, invoice_no, line_no);
