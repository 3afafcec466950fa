-- Mails: each is caused by a fact, once, and sent by a job. Where there is no mail server they are kept
-- to be looked at.

create table mails (
    id uuid not null primary key,
    -- What it is about and why: `order_confirmation/ord_...`.
    cause text not null unique,
    kind text not null,
    language text not null,
    recipient text not null,
    -- Written when it is sent; without the capability in its link.
    subject text,
    text_body text,
    html_body text,
    link text,
    message_id text not null,
    state text not null check (state in ('queued', 'sent', 'failed', 'kept')),
    error text,
    created_at timestamptz not null,
    sent_at timestamptz,
    check ((state = 'sent') = (sent_at is not null))
);
create index mails_made on mails (created_at);

-- What a merchant has changed of the built-in texts.
create table mail_templates (
    kind text not null,
    language text not null,
    subject text not null,
    body text not null,
    updated_at timestamptz not null,
    primary key (kind, language)
);

-- How far those who follow the event log have come.
create table follower_offsets (
    name text not null primary key,
    log_offset bigint not null
);
-- Nobody is told of what happened before there was mail.
insert into follower_offsets (name, log_offset)
select 'mail', coalesce(max(log_offset), 0) from events;

-- One-time links for staff: to set a new password, or to join.
create table staff_links (
    id uuid not null primary key,
    token_hash bytea not null unique,
    purpose text not null check (purpose in ('reset', 'invitation')),
    email text not null,
    created_by text,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index staff_links_email on staff_links (email);
