-- Who is told of events by HTTP, what is on its way to them, and how each try ended.
create table webhooks (
    id blob primary key not null,
    url text not null,
    events text not null,
    description text not null,
    is_enabled integer not null,
    version integer not null,
    -- It is told of facts after this place in the log.
    from_offset integer not null,
    -- Secrets are derived from the shop's own; this counts them.
    secret_version integer not null,
    rotated_at integer,
    failures integer not null default 0,
    failing_since integer,
    probe_at integer,
    is_gone integer not null default 0,
    created_at integer not null,
    updated_at integer not null
) strict;

create table webhook_deliveries (
    id blob primary key not null,
    webhook_id blob not null references webhooks (id) on delete cascade,
    log_offset integer not null,
    subject text not null,
    kind text not null,
    state text not null check (state in ('waiting', 'delivered', 'failed')),
    -- Tries since it was made or asked for again, and in all.
    attempts integer not null default 0,
    tries integer not null default 0,
    next_at integer not null,
    lease blob,
    leased_until integer,
    created_at integer not null,
    finished_at integer,
    unique (webhook_id, log_offset)
) strict;
-- What is due, and whether something older about the same subject is still on its way.
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_at) where state = 'waiting';
create index webhook_deliveries_order on webhook_deliveries (webhook_id, subject, log_offset)
    where state = 'waiting';
create index webhook_deliveries_age on webhook_deliveries (created_at) where state <> 'waiting';

create table webhook_attempts (
    delivery_id blob not null references webhook_deliveries (id) on delete cascade,
    number integer not null,
    at integer not null,
    status integer,
    error text,
    answer text not null,
    duration_ms integer not null,
    primary key (delivery_id, number)
) strict;

-- Webhooks are told of what comes.
insert into subscribers (name, log_offset, kind)
select 'webhooks', coalesce(max(log_offset), 0), 'subscriber' from events;
