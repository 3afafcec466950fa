-- Who has bought, by the address they gave, and which orders are theirs. Filled from the facts about
-- orders, from the first on.
create table customers (
    id blob not null primary key,
    email text not null unique,
    name text not null,
    note text not null,
    version integer not null check (version > 0),
    created_at integer not null,
    updated_at integer not null
) strict;

create table customer_orders (
    order_id blob not null primary key references orders (id),
    customer_id blob not null references customers (id)
) strict, without rowid;
create index customer_orders_of on customer_orders (customer_id, order_id);
