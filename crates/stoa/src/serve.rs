//! `stoa serve`: the shop, until it is told to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::middleware;
use axum::response::Response;
use stoa_app::jobs::schedule::{self, Schedule};
use stoa_app::{Shop, checkout, clock, entropy, events, follow, job, jobs, staff, webhooks};
use stoa_kernel::{Ctx, limits};
use stoa_web::{Options, Web};
use stoa_webhook_http::HttpSender;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use crate::config::Config;
use crate::listen;
use crate::wiring::DataDir;

/// How often steps of orders are looked for that are due.
const WORKER_LOOK: Duration = Duration::from_millis(500);
/// How long requests may take to end once the shop was asked to stop: as long as the slowest may.
const DRAIN: Duration = Duration::from_secs(26);
/// How often schedules are looked at.
const SCHEDULE_LOOK: Duration = Duration::from_secs(5);

/// Serves the shop of a data directory.
///
/// # Errors
/// The directory is being served already, the address is taken, or a part cannot be opened.
pub(crate) async fn serve(
    data: &DataDir,
    config: &Config,
    listen: Option<&str>,
) -> anyhow::Result<()> {
    let Some(_lock) = data.serving_lock()? else {
        bail!("another process serves {} already", data.path().display());
    };
    let listen = listen.unwrap_or(&config.listen);
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; choose another with --listen"))?;
    let address = listener.local_addr()?;
    let public_url = if config.public_url.is_empty() {
        format!("http://{address}")
    } else {
        config.public_url.clone()
    };
    let config = &Config { public_url: public_url.clone(), ..config.clone() };
    let (shop, engine) = data.shop(config, clock::now, true).await?;
    let options = Options {
        public_url: public_url.clone(),
        tagline: config.tagline.clone(),
        page_cache_bytes: config.page_cache_bytes,
        data_directory: absolute(data.path()),
        proxies: config.proxies.clone(),
    };
    let web = Web::new(Arc::clone(&shop), options);

    if config.database.is_none() {
        // Nobody else serves this directory, so that every stored job may be taken up at once. On a
        // server, another process may be at work on it.
        let mut tx = shop.db.begin().await?;
        job::own_all(&mut tx, clock::now()).await?;
        jobs::store::own_all(&mut tx, clock::now()).await?;
        webhooks::store::own_all(&mut tx).await?;
        tx.commit().await?;
    }
    let copies = {
        let web = web.clone();
        tokio::spawn(follow::copies(Arc::clone(&shop), move |change| web.catalog_changed(change)))
    };
    let index = tokio::spawn(follow::index(Arc::clone(&shop)));
    // So that the first requests find the shared cache, if it is there.
    shop.cache.look().await;
    let cache = {
        let shop = Arc::clone(&shop);
        tokio::spawn(async move { shop.cache.watch().await })
    };
    let steps = tokio::spawn(take_steps(Arc::clone(&shop)));
    let subscribers = tokio::spawn(events::runner::run(Arc::clone(&shop), events::subscribers()));
    let calls = HttpSender::new(limits::WEBHOOK_TIMEOUT_S, config.webhooks.allow_private)
        .context("cannot set up TLS for webhooks")?;
    let webhooks = tokio::spawn(webhooks::worker::run(Arc::clone(&shop), Arc::new(calls)));
    let schedules = jobs::housekeeping::schedules().context("the built-in schedules")?;
    let schedules = tokio::spawn(keep_schedules(Arc::clone(&shop), schedules));
    let (stop_worker, stopped) = watch::channel(false);
    let worker = jobs::worker::work(Arc::clone(&shop), jobs::handlers(), stopped);
    let worker = tokio::spawn(worker);

    // From the first line on, what happens to the database no longer ends the process.
    let setup_link = staff::create_setup_link(&shop.db, clock::now()).await?;
    // Before anyone can know that the shop is there to be stopped.
    let stop_asked = stop_signals().context("cannot listen for signals")?;
    println!("Stoa serves {} at {public_url}", shop.config.name);
    println!("Back office: {public_url}/admin");
    if let Some(link) = setup_link {
        println!("Make the first administrator: {public_url}/admin/setup/{}", link.reveal());
    }
    let asked = Arc::new(Notify::new());
    let stop = {
        let (asked, web, leave) = (Arc::clone(&asked), web.clone(), config.leave);
        async move {
            stop_asked.await;
            web.leave();
            tokio::time::sleep(leave).await;
            asked.notify_one();
        }
    };
    let router = stoa_web::router(web.clone())
        .layer(middleware::map_response_with_state(web, close_when_leaving));
    let serving = listen::serve(listener, router, listen::HEAD, stop);
    let patience = async {
        asked.notified().await;
        tokio::time::sleep(DRAIN).await;
    };
    let drained = tokio::select! {
        () = serving => true,
        () = patience => false,
    };

    tracing::info!("stopping");
    stop_worker.send_replace(true);
    // What it does not end in time it puts back.
    if let Err(error) = worker.await {
        tracing::warn!(%error, "the worker ended badly");
    }
    for task in [copies, index, steps, subscribers, webhooks, schedules, cache] {
        task.abort();
        // Aborted is what it should be.
        let _aborted = task.await;
    }
    drop(shop);
    if drained {
        tokio::task::spawn_blocking(|| engine.join()).await?;
    } else {
        // Their tasks hold on to the engine. Nobody was told of anything that is not committed.
        tracing::warn!("some connections have not ended; they are cut off");
    }
    Ok(())
}

/// Once the shop is about to stop, each answer is the last on its connection, so that a proxy that
/// keeps connections sends its next request elsewhere.
async fn close_when_leaving(State(web): State<Web>, mut response: Response) -> Response {
    if web.is_leaving() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A path as somebody elsewhere can use it.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Takes up steps of order workflows that are due, for ever.
async fn take_steps(shop: Arc<Shop>) {
    loop {
        if let Err(error) = checkout::run_due_jobs(&shop).await {
            tracing::warn!(%error, "the worker cannot take up steps of orders");
        }
        tokio::time::sleep(WORKER_LOOK).await;
    }
}

/// Makes jobs at their times, for ever.
async fn keep_schedules(shop: Arc<Shop>, schedules: Vec<Schedule>) {
    loop {
        match entropy::ids() {
            Ok(ids) => {
                let mut ctx = Ctx { now: (shop.clock)(), ids };
                if let Err(error) = schedule::tick(&shop.db, &mut ctx, &schedules).await {
                    tracing::warn!(%error, "scheduled jobs cannot be made");
                }
            }
            Err(error) => tracing::warn!(%error, "scheduled jobs cannot be made"),
        }
        tokio::time::sleep(SCHEDULE_LOOK).await;
    }
}

/// From now on SIGTERM and Ctrl-C end nothing but the future that this gives.
#[cfg(unix)]
pub(crate) fn stop_signals() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Gives a future that ends with Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn stop_signals() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ended = tokio::signal::ctrl_c().await;
    })
}
