//! `stoa webhooks`: which endpoints there are, and a receiver to try them with.

use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use clap::{Args, Subcommand};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use stoa_app::webhooks::WebhookSettings;
use stoa_app::webhooks::edit::{self, EditError, WebhookDraft};
use stoa_app::webhooks::sign::Secret;
use stoa_app::webhooks::store;
use stoa_app::{clock, entropy};
use stoa_kernel::{Ctx, WebhookId};
use stoa_sql::Db;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::serve::stop_signals;
use crate::wiring::DataDir;

/// How far the clocks of sender and receiver may be apart, in seconds, as Standard Webhooks has it.
const TOLERANCE_S: u64 = 300;

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// List the endpoints that are told of events.
    List,
    /// Receive events on this machine and show them, until stopped. Unless `--secret` names an
    /// endpoint's, one is made in the shop for that time.
    Listen(Listen),
}

#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// The port; a free one unless given.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Which events the endpoint is told of, e.g. order.placed or 'order.*'.
    #[arg(long, value_name = "TYPE", default_value = "*", value_delimiter = ',')]
    events: Vec<String>,
    /// What each delivery is answered; try 500 to see it come again.
    #[arg(long, value_name = "STATUS", default_value_t = 204,
        value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
    /// Check against this secret instead, and make no endpoint: deliveries come from one that was made
    /// elsewhere, perhaps through a tunnel.
    #[arg(long, value_name = "WHSEC", conflicts_with = "events")]
    secret: Option<String>,
    /// Show each event in full, as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Does what a subcommand says.
///
/// # Errors
/// The store cannot be opened, the port is taken, or the endpoint cannot be made.
pub(crate) async fn run(
    command: &WebhooksCommand,
    data: &DataDir,
    config: &Config,
) -> anyhow::Result<()> {
    match command {
        WebhooksCommand::List => list(&data.db(config).await?).await,
        WebhooksCommand::Listen(args) => listen(args, data, config).await,
    }
}

async fn list(db: &Db) -> anyhow::Result<()> {
    let webhooks = store::list(&mut db.read().await?).await?;
    if webhooks.is_empty() {
        println!("There are no webhooks. docs/api/webhooks.md says how to make one.");
    }
    let now = clock::now();
    for webhook in webhooks {
        let state = match webhook.is_enabled {
            true => webhook.breaker.state(now).as_str(),
            false => "disabled",
        };
        println!("{}  {state:9} {}  {}", webhook.id, webhook.events.join(","), webhook.url);
    }
    Ok(())
}

/// What the receiver knows.
struct Receiver {
    secret: Secret,
    status: StatusCode,
    json: bool,
}

async fn listen(args: &Listen, data: &DataDir, config: &Config) -> anyhow::Result<()> {
    let address = ("127.0.0.1", args.port);
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on port {}; choose another with --port", args.port)
    })?;
    let url = format!("http://{}/", listener.local_addr()?);
    let made = match &args.secret {
        Some(_) => None,
        None => {
            let db = data.db(config).await?;
            let id = make(&db, config, &url, &args.events).await?;
            Some((db, id))
        }
    };
    let secret = match (&args.secret, &made) {
        (Some(text), _) => Secret::parse(text).map_err(|why| anyhow::anyhow!("--secret: {why}"))?,
        (None, Some((db, id))) => Secret::derive(&data.secret(config, db).await?, *id, 1),
        (None, None) => bail!("there is no endpoint"),
    };
    let status = StatusCode::from_u16(args.status).context("--status")?;
    let receiver = Arc::new(Receiver { secret, status, json: args.json });
    let stop = stop_signals().context("cannot listen for signals")?;
    eprintln!("Receiving events at {url}; stop with Ctrl-C.");
    let router = Router::new().fallback(receive).with_state(receiver);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop).await;
    if let Some((db, id)) = made {
        let mut tx = db.begin().await?;
        store::remove(&mut tx, id).await?;
        tx.commit().await?;
    }
    served.context("cannot receive")
}

/// Makes the endpoint that is called while this process receives.
async fn make(db: &Db, config: &Config, url: &str, events: &[String]) -> anyhow::Result<WebhookId> {
    if !config.webhooks.allow_private {
        bail!(
            "the shop calls no address of this machine; set STOA_WEBHOOKS__ALLOW_PRIVATE=true for \
             it and for this command"
        );
    }
    let draft = WebhookDraft {
        url: url.to_owned(),
        events: events.to_vec(),
        description: "stoa webhooks listen".to_owned(),
        is_enabled: true,
    };
    draft.check(WebhookSettings { allow_private: true }, None).map_err(|error| match error {
        EditError::Invalid(faults) => {
            let first = faults.first().map_or("is wrong", |fault| fault.detail.as_ref());
            anyhow::anyhow!("--events: {first}")
        }
        EditError::NotAllowed { host } => anyhow::anyhow!("{host} is not public"),
    })?;
    let mut ctx = Ctx { now: clock::now(), ids: entropy::ids()? };
    let mut tx = db.begin().await?;
    let webhook = edit::create(&mut tx, &mut ctx, draft).await?;
    tx.commit().await?;
    Ok(webhook.id)
}

/// Whether a delivery is from who knows the secret, and fresh.
fn check(receiver: &Receiver, headers: &HeaderMap, body: &str) -> Result<(), &'static str> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let id = header("webhook-id").ok_or("no webhook-id")?;
    let at = header("webhook-timestamp").and_then(|text| text.parse::<i64>().ok());
    let at = at.ok_or("no webhook-timestamp")?;
    let signatures = header("webhook-signature").ok_or("no webhook-signature")?;
    let now = clock::now().as_micros() / 1_000_000;
    if now.abs_diff(at) > TOLERANCE_S {
        return Err("the timestamp is more than five minutes away");
    }
    let signed = receiver.secret.sign(id, at, body);
    let is_ours = signatures.split(' ').any(|signature| signature == signed);
    is_ours.then_some(()).ok_or("the signature is another")
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let body = String::from_utf8_lossy(&body);
    let checked = check(&receiver, &headers, &body);
    let event: Value = serde_json::from_str(&body).unwrap_or_default();
    let field = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or("-");
    let verdict = match checked {
        Ok(()) => "signed".to_owned(),
        Err(why) => format!("REFUSED: {why}"),
    };
    if receiver.json {
        println!("{body}");
        eprintln!("{verdict}");
    } else {
        println!("{}  {}  {}  {verdict}", field("time"), field("type"), field("subject"));
    }
    if checked.is_ok() { receiver.status } else { StatusCode::UNAUTHORIZED }
}
