-- Vendors sell in the shop of the merchant. What belongs to one carries its `vendor_id`; what carries
-- none is the shop's own. What a transaction of a vendor sees is in `migrations/vendor_scope.sql`.

create table vendors (
    id blob not null primary key,
    handle text not null unique,
    name text not null,
    email text not null,
    status text not null check (status = 'active' or status = 'suspended'),
    version integer not null check (version > 0),
    created_at integer not null,
    updated_at integer not null
) strict;

alter table products add column vendor_id blob references vendors (id);
-- The vendor of the product, written together with it; `stoa doctor` compares them.
alter table variants add column vendor_id blob;
alter table stock_levels add column vendor_id blob;
-- The vendor at the time.
alter table stock_movements add column vendor_id blob;
alter table order_lines add column vendor_id blob;
-- The vendor whose request it was.
alter table idempotency_keys add column vendor_id blob;
-- The vendor that a token speaks for.
alter table api_tokens add column vendor_id blob references vendors (id);

create index products_vendor on products (vendor_id, id) where vendor_id is not null;
create index order_lines_vendor on order_lines (vendor_id, order_id, position)
    where vendor_id is not null;

insert into counters (name, value) values ('catalogue', 1) on conflict (name) do nothing;

-- How many products on sale a category has is counted after each change of one.
create index products_shown on products (category_id) where status = 'active';
