-- What was sent of orders.

create table fulfilments (
    id uuid not null primary key,
    order_id uuid not null references orders (id),
    number bigint not null check (number > 0),
    status text not null check (status in ('shipped', 'cancelled')),
    carrier text,
    tracking_number text,
    tracking_url text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (order_id, number)
);

create table fulfilment_items (
    fulfilment_id uuid not null references fulfilments (id),
    line_id uuid not null,
    location_id uuid not null references stock_locations (id),
    quantity bigint not null check (quantity > 0),
    primary key (fulfilment_id, line_id, location_id)
);

-- What the fulfilments that stand sum to; `stoa doctor` compares them. Rows that are there are
-- checked by the migration that follows, because whoever writes waits for this one.
alter table orders add column fulfilment_status text not null default 'unfulfilled';
alter table orders add constraint orders_fulfilment_status_check check
    (fulfilment_status in ('unfulfilled', 'partially_fulfilled', 'fulfilled')) not valid;
create index orders_to_fulfil on orders (id)
    where status = 'placed' and fulfilment_status <> 'fulfilled';

alter table stock_movements drop constraint stock_movements_kind_check;
alter table stock_movements add constraint stock_movements_kind_check check
    (kind in ('adjust', 'reserve', 'release', 'fulfil', 'unfulfil')) not valid;
