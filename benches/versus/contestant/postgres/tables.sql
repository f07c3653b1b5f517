-- What a flower shop on PostgreSQL keeps of its orders. No foreign keys, whose checks cost each insert a
-- look-up, and no index that placing an order does not need.

-- Taken fifty at a time by each worker, as Hibernate does, so that an order's number is known before
-- anything is sent.
CREATE SEQUENCE order_numbers INCREMENT BY 50;

CREATE TABLE orders (
    number        bigint PRIMARY KEY,
    phone_number  text,
    address       text,
    customer_name text,
    status        text NOT NULL,
    flower_type   text,
    price         bigint,
    email         text,
    language      text
);

CREATE TABLE payments (
    order_number bigint PRIMARY KEY,
    amount       bigint NOT NULL,
    status       text NOT NULL
);

-- What the customer looks at, and what the florist does.
CREATE TABLE my_pages (
    order_number    bigint PRIMARY KEY,
    phone_number    text,
    address         text,
    customer_name   text,
    status          text NOT NULL,
    flower_type     text,
    price           bigint,
    delivery_status text
);
CREATE TABLE order_details (LIKE my_pages INCLUDING ALL);

-- The outbox: what happened, in an order in which it can be told.
CREATE TABLE events (
    position     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_number bigint NOT NULL,
    type         text NOT NULL,
    body         json NOT NULL,
    at           timestamptz NOT NULL DEFAULT now()
);

-- Requests that a client named with a key of its own.
CREATE TABLE idempotency_keys (
    key          text PRIMARY KEY,
    order_number bigint NOT NULL
);
