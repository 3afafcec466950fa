-- Who follows the event log, how far each has come, and what keeps it from going on. A process that does
-- not know the new name yet stands still with its mails until it is replaced, and loses none.
alter table follower_offsets rename to subscribers;
-- A reader is somebody outside who asks for facts under a name.
alter table subscribers add column kind text not null default 'subscriber'
    check (kind in ('subscriber', 'reader'));
alter table subscribers add column moved_at integer;
-- Failures since the offset moved last, and in all.
alter table subscribers add column attempts integer not null default 0;
alter table subscribers add column failures integer not null default 0;
alter table subscribers add column failing_since integer;
alter table subscribers add column retry_at integer;
alter table subscribers add column last_error text;
-- Changes of a variant's prices are facts about `price/VARIANT`, numbered here.
alter table variants add column price_facts integer not null default 0;
