-- Jobs of the background: what is to be done outside a request, each once at a time. The table `jobs`
-- holds the steps of order workflows, which orders write and delete on their hottest path.

create table queued_jobs (
    id blob not null primary key check (length(id) = 16),
    kind text not null,
    args text not null check (json_valid(args)),
    priority integer not null check (priority between 0 and 9),
    unique_key text,
    state text not null check (state in ('waiting', 'running', 'dead')),
    run_at integer not null,
    attempts integer not null check (attempts >= 0),
    max_attempts integer not null check (max_attempts > 0),
    timeout_s integer not null check (timeout_s > 0),
    -- Who runs it, until when unless renewed.
    lease blob check (length(lease) = 16),
    lease_until integer,
    -- When it was handed to a message broker.
    published_at integer,
    progress_done integer,
    progress_total integer,
    last_error text,
    created_at integer not null,
    died_at integer,
    check ((state = 'running') = (lease is not null and lease_until is not null)),
    check ((state = 'dead') = (died_at is not null))
) strict;
create index queued_jobs_due on queued_jobs (priority desc, run_at) where state = 'waiting';
create index queued_jobs_running on queued_jobs (lease_until) where state = 'running';
create index queued_jobs_dead on queued_jobs (died_at) where state = 'dead';
create unique index queued_jobs_key on queued_jobs (unique_key)
    where unique_key is not null and state <> 'dead';

create table job_schedules (
    name text not null primary key,
    cron text not null,
    next_at integer not null,
    last_at integer
) strict;
