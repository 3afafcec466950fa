-- Vendors sell in the shop of the merchant. What belongs to one carries its `vendor_id`; what carries
-- none is the shop's own. A transaction of a vendor runs under the role `stoa_vendor`, which the
-- policies below bind; the owner of the tables is not bound by them.

create table vendors (
    id uuid not null primary key,
    handle text not null unique,
    name text not null,
    email text not null,
    status text not null check (status in ('active', 'suspended')),
    version bigint not null check (version > 0),
    created_at timestamptz not null,
    updated_at timestamptz not null
);

alter table products add column vendor_id uuid references vendors (id);
-- The vendor of the product, written together with it; `stoa doctor` compares them.
alter table variants add column vendor_id uuid;
alter table stock_levels add column vendor_id uuid;
-- The vendor at the time.
alter table stock_movements add column vendor_id uuid;
alter table order_lines add column vendor_id uuid;
-- The vendor whose request it was.
alter table idempotency_keys add column vendor_id uuid;
-- The vendor that a token speaks for.
alter table api_tokens add column vendor_id uuid references vendors (id);

create index products_vendor on products (vendor_id, id) where vendor_id is not null;
create index order_lines_vendor on order_lines (vendor_id, order_id, position)
    where vendor_id is not null;

insert into counters (name, value) values ('catalogue', 1) on conflict (name) do nothing;

-- The vendor that the transaction speaks for; null, which no row matches, outside of one.
create function vendor_scope() returns uuid language sql stable parallel safe as $$
    select nullif(current_setting('stoa.vendor_id', true), '')::uuid
$$;

alter table vendors enable row level security;
create policy own on vendors using (id = vendor_scope());
alter table products enable row level security;
create policy own on products using (vendor_id = vendor_scope());
alter table variants enable row level security;
create policy own on variants using (vendor_id = vendor_scope()) with check
    (vendor_id = vendor_scope() and exists (select from products p where p.id = product_id));
-- A policy's own queries are bound by policies, too: only the vendor's variants and products count.
alter table prices enable row level security;
create policy own on prices using (exists (select from variants v where v.id = variant_id));
alter table redirects enable row level security;
create policy own on redirects using (exists (select from products p where p.id = product_id));
alter table stock_levels enable row level security;
create policy own on stock_levels using (vendor_id = vendor_scope()) with check
    (vendor_id = vendor_scope() and exists (select from variants v where v.id = variant_id));
alter table stock_movements enable row level security;
create policy own on stock_movements using (vendor_id = vendor_scope()) with check
    (vendor_id = vendor_scope() and exists (select from variants v where v.id = variant_id));
alter table order_lines enable row level security;
create policy own on order_lines using (vendor_id = vendor_scope());
alter table orders enable row level security;
create policy own on orders using
    (exists (select from order_lines l where l.order_id = orders.id));
alter table idempotency_keys enable row level security;
create policy own on idempotency_keys using (vendor_id = vendor_scope());
alter table counters enable row level security;
create policy catalogue on counters using (name = 'catalogue');
alter table events enable row level security;
create policy catalogue on events for insert with check
    (kind in ('product.created', 'product.updated', 'price.changed', 'stock.changed'));

-- Makes the role, lets the caller take it on, and grants what a vendor may do. May be called again.
create procedure make_vendor_role() language plpgsql as $$
declare
    role_before text := current_setting('role');
begin
    if not exists (select from pg_roles where rolname = 'stoa_vendor') then
        begin
            create role stoa_vendor nologin;
        exception when duplicate_object or unique_violation then
            null; -- It was made meanwhile, for another database of this server.
        end;
    end if;
    begin
        perform set_config('role', 'stoa_vendor', true);
        perform set_config('role', role_before, true);
    exception when insufficient_privilege then
        begin
            execute format('grant stoa_vendor to %I', current_user);
        exception when unique_violation then
            null; -- Granted meanwhile.
        end;
    end;
    execute format('grant usage on schema %I to stoa_vendor', current_schema());
    grant select on vendors, categories, stock_locations, order_lines to stoa_vendor;
    -- Of an order nothing that tells who ordered or how it was paid.
    grant select (id, number, status, currency, placed_at) on orders to stoa_vendor;
    grant select, insert, update on products to stoa_vendor;
    grant select, insert, update, delete on variants, prices, redirects to stoa_vendor;
    grant select, insert, update on stock_levels to stoa_vendor;
    grant insert on stock_movements, events to stoa_vendor;
    grant select, insert, update on idempotency_keys to stoa_vendor;
    grant select, update on counters to stoa_vendor;
end
$$;

do $$
begin
    call make_vendor_role();
exception when insufficient_privilege then
    -- A shop without vendors needs no such role.
    raise notice 'the role stoa_vendor was not made: see "Vendors" in docs/operations/postgresql.md';
end
$$;

-- How many products on sale a category has is counted after each change of one.
create index products_shown on products (category_id) where status = 'active';
