//! Use cases, the engine, workflows and the event log; each domain's SQL.
//!
//! | module | what it does | tables |
//! | --- | --- | --- |
//! | [`engine`] | turns commands into batches, one transaction each | all of the below |
//! | [`checkout`] | completes carts: the stored payment workflow | through the engine |
//! | [`cart`], [`order`], [`fulfilment`], [`inventory`], [`ledger`], [`job`] | stores | their own |
//! | [`catalog`] | products in and out, and as pages read them | catalogue |
//! | [`event_log`], [`follow`] | facts, and who follows them | `events` |
//! | [`events`] | who takes facts, and how far behind everybody is | `subscribers` |
//! | [`jobs`] | jobs of the background: queue, workers, schedules | `queued_jobs`, `job_schedules` |
//! | [`idempotency`], [`answer`], [`view`] | answers that can be repeated | `idempotency_keys` |
//! | [`vendor`] | others who sell in the shop | `vendors` |
//! | [`customer`] | who buys | `customers`, `customer_orders` |
//! | [`installation`] | what all processes of a shop agree on | `installation` |
//! | [`mail`] | mails to shoppers and staff | `mails`, `mail_templates` |
//! | [`staff`] | people and programs that run the shop | `users`, `sessions`, ... |
//! | [`webhooks`] | endpoints that are told of facts | `webhooks`, `webhook_deliveries`, ... |
//! | [`cache`], [`rate_limit`] | what processes share for a while; who may try how often | none |
//! | [`sales`] | what was sold each day | `sales_days` |
//! | [`back_office`] | lists and sums that the back office shows | reads orders and catalogue |
//! | [`doctor`] | looks for what must never be | reads all |
//!
//! Nothing here knows HTTP handlers, pages, or which database or search engine runs.

pub mod answer;
pub mod back_office;
pub mod cache;
pub mod cart;
pub mod catalog;
pub mod checkout;
pub mod clock;
pub mod customer;
pub mod demo;
pub mod doctor;
pub mod engine;
pub mod entropy;
pub mod error;
pub mod event_log;
pub mod events;
pub mod follow;
pub mod fulfilment;
pub mod idempotency;
pub mod installation;
pub mod inventory;
pub mod job;
pub mod jobs;
pub mod ledger;
pub mod mail;
pub mod order;
pub mod rate_limit;
pub mod sales;
pub mod shop;
pub mod staff;
pub mod vendor;
pub mod view;
pub mod webhooks;

pub use shop::Shop;
pub use stoa_sql::{ReplicaStatus, Tx};
