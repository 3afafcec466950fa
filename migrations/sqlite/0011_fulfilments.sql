-- What was sent of orders.

create table fulfilments (
    id blob not null primary key,
    order_id blob not null references orders (id),
    number integer not null check (number > 0),
    status text not null check (status = 'shipped' or status = 'cancelled'),
    carrier text,
    tracking_number text,
    tracking_url text,
    created_at integer not null,
    updated_at integer not null,
    unique (order_id, number)
) strict;

create table fulfilment_items (
    fulfilment_id blob not null references fulfilments (id),
    line_id blob not null,
    location_id blob not null references stock_locations (id),
    quantity integer not null check (quantity > 0),
    primary key (fulfilment_id, line_id, location_id)
) strict, without rowid;

-- What the fulfilments that stand sum to; `stoa doctor` compares them.
alter table orders add column fulfilment_status text not null default 'unfulfilled' check
    (fulfilment_status = 'unfulfilled' or fulfilment_status = 'partially_fulfilled'
        or fulfilment_status = 'fulfilled');
create index orders_to_fulfil on orders (id)
    where status = 'placed' and fulfilment_status <> 'fulfilled';

-- SQLite changes a check only with its table.
create table stock_movements_anew (
    id blob not null primary key,
    variant_id blob not null,
    location_id blob not null references stock_locations (id),
    kind text not null check (kind = 'adjust' or kind = 'reserve' or kind = 'release'
        or kind = 'fulfil' or kind = 'unfulfil'),
    on_hand_delta integer not null,
    reserved_delta integer not null,
    order_id blob,
    created_at integer not null,
    vendor_id blob
) strict, without rowid;
insert into stock_movements_anew (id, variant_id, location_id, kind, on_hand_delta, reserved_delta,
    order_id, created_at, vendor_id)
    select id, variant_id, location_id, kind, on_hand_delta, reserved_delta,
        order_id, created_at, vendor_id
    from stock_movements;
drop table stock_movements;
alter table stock_movements_anew rename to stock_movements;
create index stock_movements_order on stock_movements (order_id) where order_id is not null;
