-- Who has bought, by the address they gave, and which orders are theirs. Filled from the facts about
-- orders, from the first on.
create table customers (
    id uuid not null primary key,
    email text not null unique,
    name text not null,
    note text not null,
    version bigint not null check (version > 0),
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table customer_orders (
    order_id uuid not null primary key references orders (id),
    customer_id uuid not null references customers (id)
);
create index customer_orders_of on customer_orders (customer_id, order_id);
