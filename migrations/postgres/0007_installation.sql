-- What all processes that serve this shop must agree on, such as the secret from which a new cart's
-- token is derived. The first that needs a value makes it.
create table installation (
    name text not null primary key,
    value bytea not null,
    created_at timestamptz not null
);

-- Whoever looked an order up by number and e-mail address may see it for a while.
create table order_lookups (
    token_hash bytea not null primary key,
    order_id uuid not null references orders (id),
    expires_at timestamptz not null
);
create index order_lookups_age on order_lookups (expires_at);
