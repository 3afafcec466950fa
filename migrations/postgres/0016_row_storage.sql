-- A cart is changed at each step of a checkout. With space left on its page for that, its new form stays
-- beside the old one, and no index changes.
alter table carts set (fillfactor = 50);
-- Kept answers stay in their rows as they are: compressing them costs more than it saves in a day.
alter table idempotency_keys set (toast_tuple_target = 8160);
