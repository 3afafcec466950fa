-- What was sold each day (UTC), summed up from the facts about orders, so that nobody reads all orders
-- of a fortnight to draw a chart.
create table sales_days (
    day integer not null,
    currency text not null,
    orders integer not null check (orders >= 0),
    revenue integer not null check (revenue >= 0),
    -- The last fact that is in the sums: one that comes again counts once.
    counted_to integer not null,
    primary key (day, currency)
) strict, without rowid;
