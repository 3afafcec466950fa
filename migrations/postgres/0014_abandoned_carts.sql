-- Carts whose shopper could be reached and has gone. A cart is in here once at most.
create table abandoned_carts (
    id uuid not null primary key,
    cart_key bytea not null unique references carts (token_hash) on delete cascade,
    total bigint not null check (total >= 0),
    currency text not null check (length(currency) = 3),
    abandoned_at timestamptz not null,
    -- The order that came of it nevertheless.
    order_id uuid references orders (id)
);
create index abandoned_carts_open on abandoned_carts (id) where order_id is null;
