-- What all processes that serve this shop must agree on, such as the secret from which a new cart's
-- token is derived. The first that needs a value makes it.
create table installation (
    name text not null primary key,
    value blob not null,
    created_at integer not null
) strict, without rowid;

-- Whoever looked an order up by number and e-mail address may see it for a while.
create table order_lookups (
    token_hash blob not null primary key,
    order_id blob not null references orders (id),
    expires_at integer not null
) strict;
create index order_lookups_age on order_lookups (expires_at);
