-- Carts whose shopper could be reached and has gone. A cart is in here once at most.
create table abandoned_carts (
    id blob not null primary key check (length(id) = 16),
    cart_key blob not null unique references carts (token_hash) on delete cascade,
    total integer not null check (total >= 0),
    currency text not null check (length(currency) = 3),
    abandoned_at integer not null,
    -- The order that came of it nevertheless.
    order_id blob references orders (id)
) strict, without rowid;
create index abandoned_carts_open on abandoned_carts (id) where order_id is null;
