-- The shop of one merchant: catalogue, stock, carts, orders, payments, books, event log, staff.
-- Amounts are minor units, ids are UUIDv7. The same tables as for SQLite, in PostgreSQL's types.

create table categories (
    id uuid not null primary key,
    handle text not null unique,
    name text not null,
    parent_id uuid references categories (id),
    position bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table products (
    id uuid not null primary key,
    handle text not null unique,
    title text not null,
    status text not null check (status in ('active', 'draft', 'archived')),
    brand text,
    category_id uuid references categories (id),
    product_type text,
    tags jsonb not null,
    description_html text not null,
    options jsonb not null,
    attributes jsonb not null,
    media jsonb not null,
    version bigint not null check (version > 0),
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index products_category on products (category_id, created_at);
create index products_updated on products (updated_at);

create table variants (
    id uuid not null primary key,
    product_id uuid not null references products (id) on delete cascade,
    position bigint not null,
    sku text not null unique,
    barcode text,
    title text not null,
    options jsonb not null,
    weight_g bigint check (weight_g >= 0)
);
create index variants_product on variants (product_id, position);

create table prices (
    variant_id uuid not null references variants (id) on delete cascade,
    currency text not null check (length(currency) = 3),
    amount bigint not null check (amount >= 0),
    compare_at bigint check (compare_at >= 0),
    primary key (variant_id, currency)
);

create table redirects (
    handle text not null primary key,
    product_id uuid not null references products (id) on delete cascade,
    created_at timestamptz not null
);

create table stock_locations (
    id uuid not null primary key,
    code text not null unique,
    name text not null,
    position bigint not null,
    created_at timestamptz not null
);

create table stock_levels (
    variant_id uuid not null references variants (id) on delete cascade,
    location_id uuid not null references stock_locations (id),
    on_hand bigint not null check (on_hand >= 0),
    reserved bigint not null check (reserved >= 0),
    version bigint not null check (version > 0),
    updated_at timestamptz not null,
    primary key (variant_id, location_id)
);

create table stock_movements (
    id uuid not null primary key,
    variant_id uuid not null,
    location_id uuid not null references stock_locations (id),
    kind text not null check (kind in ('adjust', 'reserve', 'release')),
    on_hand_delta bigint not null,
    reserved_delta bigint not null,
    order_id uuid,
    created_at timestamptz not null
);
create index stock_movements_order on stock_movements (order_id) where order_id is not null;

create table carts (
    token_hash bytea not null primary key,
    state text not null check (state in ('open', 'paying', 'completed')),
    order_id uuid,
    version bigint not null check (version > 0),
    currency text not null check (length(currency) = 3),
    body jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check ((state = 'open') = (order_id is null))
);

create table orders (
    id uuid not null primary key,
    number bigint unique,
    token_hash bytea not null,
    cart_key bytea not null,
    status text not null check (status in ('pending', 'placed', 'failed', 'cancelled')),
    version bigint not null check (version > 0),
    currency text not null check (length(currency) = 3),
    email text not null,
    subtotal bigint not null check (subtotal >= 0),
    discount bigint not null check (discount between 0 and subtotal),
    shipping bigint not null check (shipping >= 0),
    shipping_tax bigint not null check (shipping_tax >= 0),
    tax bigint not null check (tax >= 0),
    tax_included boolean not null,
    total bigint not null,
    details jsonb not null,
    placed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check (total = subtotal - discount + shipping + case when tax_included then 0 else tax end),
    check ((number is null) = (placed_at is null))
);
create index orders_placed on orders (placed_at) where placed_at is not null;

create table order_lines (
    order_id uuid not null references orders (id),
    position bigint not null,
    id uuid not null,
    variant_id uuid not null,
    product_id uuid not null,
    sku text not null,
    title text not null,
    variant_title text not null,
    quantity bigint not null check (quantity > 0),
    unit_price bigint not null check (unit_price >= 0),
    subtotal bigint not null check (subtotal = quantity * unit_price),
    discount bigint not null check (discount between 0 and subtotal),
    tax bigint not null check (tax >= 0),
    total bigint not null check (total >= 0),
    allocations jsonb not null,
    primary key (order_id, position)
);

create table payments (
    id uuid not null primary key,
    order_id uuid not null unique references orders (id),
    provider text not null,
    status text not null check (status in
        ('pending', 'requires_action', 'paid', 'declined', 'refund_pending', 'refunded')),
    amount bigint not null check (amount >= 0),
    currency text not null check (length(currency) = 3),
    token text,
    reference text,
    detail text,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table ledger_entries (
    id uuid not null primary key,
    kind text not null check (kind in ('capture', 'refund')),
    order_id uuid not null references orders (id),
    payment_id uuid not null references payments (id),
    created_at timestamptz not null,
    unique (payment_id, kind)
);

create table ledger_postings (
    entry_id uuid not null references ledger_entries (id),
    position bigint not null,
    account text not null,
    amount bigint not null check (amount <> 0),
    currency text not null check (length(currency) = 3),
    primary key (entry_id, position)
);

-- Steps of stored workflows that talk to the outside world.
create table jobs (
    kind text not null check (kind in ('charge', 'refund')),
    order_id uuid not null references orders (id),
    run_at timestamptz not null,
    attempts bigint not null default 0,
    last_error text,
    primary key (kind, order_id)
);
create index jobs_due on jobs (run_at);

-- The event log and transactional outbox. Identities are given out in order, but transactions commit
-- in another: a reader that remembers the highest `log_offset` would skip what commits late. So those
-- who append do it one after the other, from the first fact to the commit; it is the last thing a
-- transaction does.
create table events (
    log_offset bigint generated always as identity primary key,
    id uuid not null,
    subject text not null,
    sequence bigint not null check (sequence > 0),
    kind text not null,
    data jsonb not null,
    created_at timestamptz not null
);
-- Stock levels number their own facts; leaving them out keeps a hot index small.
create unique index events_subject on events (subject, sequence) where kind <> 'stock.changed';

create function append_in_commit_order() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('events', 0));
    return null;
end
$$;
create trigger events_in_commit_order before insert on events
    for each statement execute function append_in_commit_order();

create table idempotency_keys (
    key bytea not null primary key,
    fingerprint bytea not null,
    order_id uuid,
    status bigint,
    answer text,
    created_at timestamptz not null
);
create index idempotency_keys_open on idempotency_keys (order_id) where status is null;
create index idempotency_keys_age on idempotency_keys (created_at);

create table counters (
    name text not null primary key,
    value bigint not null
);

create table users (
    id uuid not null primary key,
    email text not null unique,
    name text not null,
    password_hash text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table sessions (
    token_hash bytea not null primary key,
    user_id uuid not null references users (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null
);

create table setup_links (
    token_hash bytea not null primary key,
    created_at timestamptz not null,
    expires_at timestamptz not null
);

create table api_tokens (
    token_hash bytea not null primary key,
    name text not null,
    scopes jsonb not null,
    created_at timestamptz not null
);

insert into counters (name, value) values ('order_number', 1001);
insert into stock_locations (id, code, name, position, created_at)
values ('01890000-0000-7000-8000-000000000001', 'default', 'Main warehouse', 0, to_timestamp(0));
