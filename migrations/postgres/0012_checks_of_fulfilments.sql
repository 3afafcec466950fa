-- What 0011 added `not valid` is looked at here, in a transaction of its own: that holds up nobody
-- who reads or writes.
alter table orders validate constraint orders_fulfilment_status_check;
alter table stock_movements validate constraint stock_movements_kind_check;
