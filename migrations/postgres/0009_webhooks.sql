-- Who is told of events by HTTP, what is on its way to them, and how each try ended.
create table webhooks (
    id uuid primary key not null,
    url text not null,
    events jsonb not null,
    description text not null,
    is_enabled boolean not null,
    version bigint not null,
    -- It is told of facts after this place in the log.
    from_offset bigint not null,
    -- Secrets are derived from the shop's own; this counts them.
    secret_version bigint not null,
    rotated_at timestamptz,
    failures bigint not null default 0,
    failing_since timestamptz,
    probe_at timestamptz,
    is_gone boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table webhook_deliveries (
    id uuid primary key not null,
    webhook_id uuid not null references webhooks (id) on delete cascade,
    log_offset bigint not null,
    subject text not null,
    kind text not null,
    state text not null check (state in ('waiting', 'delivered', 'failed')),
    -- Tries since it was made or asked for again, and in all.
    attempts bigint not null default 0,
    tries bigint not null default 0,
    next_at timestamptz not null,
    lease uuid,
    leased_until timestamptz,
    created_at timestamptz not null,
    finished_at timestamptz,
    unique (webhook_id, log_offset)
);
-- What is due, and whether something older about the same subject is still on its way.
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_at) where state = 'waiting';
create index webhook_deliveries_order on webhook_deliveries (webhook_id, subject, log_offset)
    where state = 'waiting';
create index webhook_deliveries_age on webhook_deliveries (created_at) where state <> 'waiting';

create table webhook_attempts (
    delivery_id uuid not null references webhook_deliveries (id) on delete cascade,
    number bigint not null,
    at timestamptz not null,
    status bigint,
    error text,
    answer text not null,
    duration_ms bigint not null,
    primary key (delivery_id, number)
);

-- Webhooks are told of what comes.
insert into subscribers (name, log_offset, kind)
select 'webhooks', coalesce(max(log_offset), 0), 'subscriber' from events;
