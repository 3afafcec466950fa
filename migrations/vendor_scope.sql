-- What a transaction of a vendor may see and change on SQLite; made on each connection that such
-- transactions run on, never stored. The views stand before the tables of their names, and whatever
-- has no view here cannot be read. Writes pass the triggers, and what has no trigger called
-- `TABLE_insert`, `TABLE_update` or `TABLE_delete` cannot be done. On PostgreSQL, the policies and grants of 0010_vendors say the same.

create temp view vendors as select * from main.vendors where id = vendor_scope();
create temp view categories as select * from main.categories;
create temp view stock_locations as select * from main.stock_locations;
create temp view products as select * from main.products where vendor_id = vendor_scope();
create temp view variants as select * from main.variants where vendor_id = vendor_scope();
create temp view prices as select * from main.prices p where exists
    (select 1 from main.variants v where v.id = p.variant_id and v.vendor_id = vendor_scope());
create temp view redirects as select * from main.redirects r where exists
    (select 1 from main.products p where p.id = r.product_id and p.vendor_id = vendor_scope());
create temp view stock_levels as select * from main.stock_levels where vendor_id = vendor_scope();
create temp view order_lines as select * from main.order_lines where vendor_id = vendor_scope();
-- Of an order nothing that tells who ordered or how it was paid.
create temp view orders as select id, number, status, currency, placed_at from main.orders o
    where exists (select 1 from main.order_lines l
        where l.order_id = o.id and l.vendor_id = vendor_scope());
create temp view idempotency_keys as
    select * from main.idempotency_keys where vendor_id = vendor_scope();
create temp view counters as select * from main.counters where name = 'catalogue';
create temp trigger counters_through_view instead of update on temp.counters begin
    update main.counters set value = new.value where name = old.name;
end;

create temp trigger products_insert before insert on main.products
when new.vendor_id is not vendor_scope() begin
    select raise(abort, 'products: the row would not be of this vendor');
end;
create temp trigger products_update before update on main.products begin
    select raise(ignore) where old.vendor_id is not vendor_scope();
    select raise(abort, 'products: the row would not be of this vendor')
        where new.vendor_id is not vendor_scope();
end;

create temp trigger variants_insert before insert on main.variants
when new.vendor_id is not vendor_scope() or not exists
    (select 1 from main.products p where p.id = new.product_id and p.vendor_id = vendor_scope())
begin
    select raise(abort, 'variants: the row would not be of this vendor');
end;
create temp trigger variants_update before update on main.variants begin
    select raise(ignore) where old.vendor_id is not vendor_scope();
    select raise(abort, 'variants: the row would not be of this vendor')
        where new.vendor_id is not vendor_scope() or not exists
            (select 1 from main.products p
                where p.id = new.product_id and p.vendor_id = vendor_scope());
end;
create temp trigger variants_delete before delete on main.variants
when old.vendor_id is not vendor_scope() begin
    select raise(ignore);
end;

create temp trigger prices_insert before insert on main.prices
when not exists
    (select 1 from main.variants v where v.id = new.variant_id and v.vendor_id = vendor_scope())
begin
    select raise(abort, 'prices: the row would not be of this vendor');
end;
create temp trigger prices_update before update on main.prices begin
    select raise(ignore) where not exists
        (select 1 from main.variants v
            where v.id = old.variant_id and v.vendor_id = vendor_scope());
    select raise(abort, 'prices: the row would not be of this vendor') where not exists
        (select 1 from main.variants v
            where v.id = new.variant_id and v.vendor_id = vendor_scope());
end;
-- Where the variant is gone, its prices go with it.
create temp trigger prices_delete before delete on main.prices
when exists (select 1 from main.variants v
    where v.id = old.variant_id and v.vendor_id is not vendor_scope())
begin
    select raise(ignore);
end;

create temp trigger redirects_insert before insert on main.redirects
when not exists
    (select 1 from main.products p where p.id = new.product_id and p.vendor_id = vendor_scope())
begin
    select raise(abort, 'redirects: the row would not be of this vendor');
end;
create temp trigger redirects_update before update on main.redirects begin
    select raise(ignore) where not exists
        (select 1 from main.products p
            where p.id = old.product_id and p.vendor_id = vendor_scope());
    select raise(abort, 'redirects: the row would not be of this vendor') where not exists
        (select 1 from main.products p
            where p.id = new.product_id and p.vendor_id = vendor_scope());
end;
create temp trigger redirects_delete before delete on main.redirects
when exists (select 1 from main.products p
    where p.id = old.product_id and p.vendor_id is not vendor_scope())
begin
    select raise(ignore);
end;

create temp trigger stock_levels_insert before insert on main.stock_levels
when new.vendor_id is not vendor_scope() or not exists
    (select 1 from main.variants v where v.id = new.variant_id and v.vendor_id = vendor_scope())
begin
    select raise(abort, 'stock_levels: the row would not be of this vendor');
end;
create temp trigger stock_levels_update before update on main.stock_levels begin
    select raise(ignore) where old.vendor_id is not vendor_scope();
    select raise(abort, 'stock_levels: the row would not be of this vendor')
        where new.vendor_id is not vendor_scope() or not exists
            (select 1 from main.variants v
                where v.id = new.variant_id and v.vendor_id = vendor_scope());
end;
-- Levels go with their variant, and not otherwise.
create temp trigger stock_levels_delete before delete on main.stock_levels
when exists (select 1 from main.variants v where v.id = old.variant_id) begin
    select raise(abort, 'stock_levels: a level goes with its variant');
end;

create temp trigger stock_movements_insert before insert on main.stock_movements
when new.vendor_id is not vendor_scope() or not exists
    (select 1 from main.variants v where v.id = new.variant_id and v.vendor_id = vendor_scope())
begin
    select raise(abort, 'stock_movements: the row would not be of this vendor');
end;

create temp trigger idempotency_keys_insert before insert on main.idempotency_keys
when new.vendor_id is not vendor_scope() begin
    select raise(abort, 'idempotency_keys: the row would not be of this vendor');
end;

create temp trigger idempotency_keys_update before update on main.idempotency_keys begin
    select raise(ignore) where old.vendor_id is not vendor_scope();
    select raise(abort, 'idempotency_keys: the row would not be of this vendor')
        where new.vendor_id is not vendor_scope();
end;

create temp trigger events_insert before insert on main.events
when new.kind not in ('product.created', 'product.updated', 'price.changed', 'stock.changed') begin
    select raise(abort, 'events: a vendor tells of products, prices and stock alone');
end;
