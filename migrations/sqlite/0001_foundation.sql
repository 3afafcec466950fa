-- The shop of one merchant: catalogue, stock, carts, orders, payments, books, event log, staff.
-- Times are microseconds since 1970 UTC, amounts are minor units, ids are UUIDv7.
--
-- Rows of some size, and rows with random keys, are in the order of their making (no `without
-- rowid`): a tree of fat rows is deep, and random keys would touch a page a row. States are
-- compared one by one, because `in (...)` makes SQLite build a table at every write. Documents
-- written with every order are not parsed again by a check.

create table categories (
    id blob not null primary key,
    handle text not null unique,
    name text not null,
    parent_id blob references categories (id),
    position integer not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create table products (
    id blob not null primary key,
    handle text not null unique,
    title text not null,
    status text not null check (status = 'active' or status = 'draft' or status = 'archived'),
    brand text,
    category_id blob references categories (id),
    product_type text,
    tags text not null check (json_valid(tags)),
    description_html text not null,
    options text not null check (json_valid(options)),
    attributes text not null check (json_valid(attributes)),
    media text not null check (json_valid(media)),
    version integer not null check (version > 0),
    created_at integer not null,
    updated_at integer not null
) strict;
create index products_category on products (category_id, created_at);
create index products_updated on products (updated_at);

create table variants (
    id blob not null primary key,
    product_id blob not null references products (id) on delete cascade,
    position integer not null,
    sku text not null unique,
    barcode text,
    title text not null,
    options text not null check (json_valid(options)),
    weight_g integer check (weight_g >= 0)
) strict, without rowid;
create index variants_product on variants (product_id, position);

create table prices (
    variant_id blob not null references variants (id) on delete cascade,
    currency text not null check (length(currency) = 3),
    amount integer not null check (amount >= 0),
    compare_at integer check (compare_at >= 0),
    primary key (variant_id, currency)
) strict, without rowid;

create table redirects (
    handle text not null primary key,
    product_id blob not null references products (id) on delete cascade,
    created_at integer not null
) strict, without rowid;

create table stock_locations (
    id blob not null primary key,
    code text not null unique,
    name text not null,
    position integer not null,
    created_at integer not null
) strict, without rowid;

create table stock_levels (
    variant_id blob not null references variants (id) on delete cascade,
    location_id blob not null references stock_locations (id),
    on_hand integer not null check (on_hand >= 0),
    reserved integer not null check (reserved >= 0),
    version integer not null check (version > 0),
    updated_at integer not null,
    primary key (variant_id, location_id)
) strict, without rowid;

create table stock_movements (
    id blob not null primary key,
    variant_id blob not null,
    location_id blob not null references stock_locations (id),
    kind text not null check (kind = 'adjust' or kind = 'reserve' or kind = 'release'),
    on_hand_delta integer not null,
    reserved_delta integer not null,
    order_id blob,
    created_at integer not null
) strict, without rowid;
create index stock_movements_order on stock_movements (order_id) where order_id is not null;

create table carts (
    token_hash blob not null primary key,
    state text not null check (state = 'open' or state = 'paying' or state = 'completed'),
    order_id blob,
    version integer not null check (version > 0),
    currency text not null check (length(currency) = 3),
    body text not null,
    created_at integer not null,
    updated_at integer not null,
    check ((state = 'open') = (order_id is null))
) strict;

create table orders (
    id blob not null primary key,
    number integer unique,
    token_hash blob not null,
    cart_key blob not null,
    status text not null check
        (status = 'pending' or status = 'placed' or status = 'failed' or status = 'cancelled'),
    version integer not null check (version > 0),
    currency text not null check (length(currency) = 3),
    email text not null,
    subtotal integer not null check (subtotal >= 0),
    discount integer not null check (discount between 0 and subtotal),
    shipping integer not null check (shipping >= 0),
    shipping_tax integer not null check (shipping_tax >= 0),
    tax integer not null check (tax >= 0),
    tax_included integer not null check (tax_included in (0, 1)),
    total integer not null,
    details text not null,
    placed_at integer,
    created_at integer not null,
    updated_at integer not null,
    check (total = subtotal - discount + shipping + case tax_included when 1 then 0 else tax end),
    check ((number is null) = (placed_at is null))
) strict;
create index orders_placed on orders (placed_at) where placed_at is not null;

create table order_lines (
    order_id blob not null references orders (id),
    position integer not null,
    id blob not null,
    variant_id blob not null,
    product_id blob not null,
    sku text not null,
    title text not null,
    variant_title text not null,
    quantity integer not null check (quantity > 0),
    unit_price integer not null check (unit_price >= 0),
    subtotal integer not null check (subtotal = quantity * unit_price),
    discount integer not null check (discount between 0 and subtotal),
    tax integer not null check (tax >= 0),
    total integer not null check (total >= 0),
    allocations text not null,
    primary key (order_id, position)
) strict, without rowid;

create table payments (
    id blob not null primary key,
    order_id blob not null unique references orders (id),
    provider text not null,
    status text not null check
        (status = 'pending' or status = 'requires_action' or status = 'paid'
        or status = 'declined' or status = 'refund_pending' or status = 'refunded'),
    amount integer not null check (amount >= 0),
    currency text not null check (length(currency) = 3),
    token text,
    reference text,
    detail text,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create table ledger_entries (
    id blob not null primary key,
    kind text not null check (kind = 'capture' or kind = 'refund'),
    order_id blob not null references orders (id),
    payment_id blob not null references payments (id),
    created_at integer not null,
    unique (payment_id, kind)
) strict, without rowid;

create table ledger_postings (
    entry_id blob not null references ledger_entries (id),
    position integer not null,
    account text not null,
    amount integer not null check (amount <> 0),
    currency text not null check (length(currency) = 3),
    primary key (entry_id, position)
) strict, without rowid;

-- Steps of stored workflows that talk to the outside world.
create table jobs (
    kind text not null check (kind = 'charge' or kind = 'refund'),
    order_id blob not null references orders (id),
    run_at integer not null,
    attempts integer not null default 0,
    last_error text,
    primary key (kind, order_id)
) strict, without rowid;
create index jobs_due on jobs (run_at);

-- The event log and transactional outbox. On SQLite there is one writer, so that `log_offset` is
-- commit order.
create table events (
    log_offset integer primary key autoincrement,
    id blob not null,
    subject text not null,
    sequence integer not null check (sequence > 0),
    kind text not null,
    data text not null,
    created_at integer not null
) strict;
-- Stock levels number their own facts; leaving them out keeps a hot index small.
create unique index events_subject on events (subject, sequence) where kind <> 'stock.changed';

create table idempotency_keys (
    key blob not null primary key,
    fingerprint blob not null,
    order_id blob,
    status integer,
    answer text,
    created_at integer not null
) strict;
create index idempotency_keys_open on idempotency_keys (order_id) where status is null;
create index idempotency_keys_age on idempotency_keys (created_at);

create table counters (
    name text not null primary key,
    value integer not null
) strict, without rowid;

create table users (
    id blob not null primary key,
    email text not null unique,
    name text not null,
    password_hash text not null,
    created_at integer not null,
    updated_at integer not null
) strict, without rowid;

create table sessions (
    token_hash blob not null primary key,
    user_id blob not null references users (id) on delete cascade,
    created_at integer not null,
    expires_at integer not null
) strict, without rowid;

create table setup_links (
    token_hash blob not null primary key,
    created_at integer not null,
    expires_at integer not null
) strict, without rowid;

create table api_tokens (
    token_hash blob not null primary key,
    name text not null,
    scopes text not null check (json_valid(scopes)),
    created_at integer not null
) strict, without rowid;

insert into counters (name, value) values ('order_number', 1001);
insert into stock_locations (id, code, name, position, created_at)
values (x'01890000000070008000000000000001', 'default', 'Main warehouse', 0, 0);
