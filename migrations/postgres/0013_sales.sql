-- What was sold each day (UTC), summed up from the facts about orders, so that nobody reads all orders
-- of a fortnight to draw a chart.
create table sales_days (
    day timestamptz not null,
    currency text not null,
    orders bigint not null check (orders >= 0),
    revenue bigint not null check (revenue >= 0),
    -- The last fact that is in the sums: one that comes again counts once.
    counted_to bigint not null,
    primary key (day, currency)
);
