//! The outside worlds of Stoa, one file a trait. Every trait has an embedded implementation and
//! a contract suite beside it that each implementation passes.
//!
//! | port | what it is for |
//! | --- | --- |
//! | [`search::SearchIndex`] | full text, facets, suggestions over the catalogue |
//! | [`jobs::JobQueue`] | handing jobs of the background to workers |
//! | [`mail::Mailer`] | sending mail |
//! | [`webhook::Sender`] | calling the programs of others |
//! | [`payment::PaymentProvider`] | taking and returning money |
//! | [`cache::CacheStore`] | rate limits, and values that are read again and again |

pub mod cache;
#[cfg(feature = "testsuite")]
pub mod cache_suite;
pub mod jobs;
#[cfg(feature = "testsuite")]
pub mod jobs_suite;
pub mod mail;
pub mod payment;
pub mod search;
#[cfg(feature = "testsuite")]
pub mod search_suite;
pub mod webhook;
