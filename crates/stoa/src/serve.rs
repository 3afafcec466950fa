//! `stoa serve`: the shop, until it is told to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use stoa_app::{Shop, checkout, clock, follow, idempotency, job, staff};
use stoa_web::{Options, Web};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::config::Config;
use crate::listen;
use crate::wiring::DataDir;

/// How often the worker looks for jobs that are due.
const WORKER_LOOK: Duration = Duration::from_millis(500);
/// How long requests may take to end once the shop was asked to stop: as long as the slowest may.
const DRAIN: Duration = Duration::from_secs(26);
/// How often old idempotency keys are forgotten.
const PURGE: Duration = Duration::from_secs(60);

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
    let (shop, engine) = data.shop(config, clock::now).await?;
    let public_url = if config.public_url.is_empty() {
        format!("http://{address}")
    } else {
        config.public_url.clone()
    };
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
        tx.commit().await?;
    }
    let copies = {
        let web = web.clone();
        tokio::spawn(follow::copies(Arc::clone(&shop), move |change| web.catalog_changed(change)))
    };
    let index = tokio::spawn(follow::index(Arc::clone(&shop)));
    let worker = tokio::spawn(work(Arc::clone(&shop)));
    // So that the first requests find the shared cache, if it is there.
    shop.cache.look().await;
    let cache = {
        let shop = Arc::clone(&shop);
        tokio::spawn(async move { shop.cache.watch().await })
    };

    // Before anyone can know that the shop is there to be stopped.
    let stop_asked = stop_signals().context("cannot listen for signals")?;
    println!("Stoa serves {} at {public_url}", shop.config.name);
    println!("Back office: {public_url}/admin");
    if let Some(link) = staff::create_setup_link(&shop.db, clock::now()).await? {
        println!("Make the first administrator: {public_url}/admin/setup/{}", link.reveal());
    }
    let asked = Arc::new(Notify::new());
    let stop = {
        let asked = Arc::clone(&asked);
        async move {
            stop_asked.await;
            asked.notify_one();
        }
    };
    let serving = listen::serve(listener, stoa_web::router(web), listen::HEAD, stop);
    let patience = async {
        asked.notified().await;
        tokio::time::sleep(DRAIN).await;
    };
    let drained = tokio::select! {
        () = serving => true,
        () = patience => false,
    };

    tracing::info!("stopping");
    for task in [copies, index, worker, cache] {
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

/// A path as somebody elsewhere can use it.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Takes up due jobs and forgets old keys, for ever.
async fn work(shop: Arc<Shop>) {
    let mut purged = clock::now();
    loop {
        if let Err(error) = checkout::run_due_jobs(&shop).await {
            tracing::warn!(%error, "the worker cannot take up jobs");
        }
        let now = clock::now();
        if now > purged.plus_seconds(i64::try_from(PURGE.as_secs()).unwrap_or(60)) {
            purged = now;
            if let Err(error) = purge(&shop).await {
                tracing::warn!(%error, "old idempotency keys cannot be removed");
            }
        }
        tokio::time::sleep(WORKER_LOOK).await;
    }
}

async fn purge(shop: &Shop) -> Result<(), stoa_app::error::StoreError> {
    let mut tx = shop.db.begin().await?;
    idempotency::purge(&mut tx, (shop.clock)()).await?;
    tx.commit().await?;
    Ok(())
}

/// From now on SIGTERM and Ctrl-C end nothing but the future that this gives.
#[cfg(unix)]
fn stop_signals() -> std::io::Result<impl Future<Output = ()>> {
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
fn stop_signals() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ended = tokio::signal::ctrl_c().await;
    })
}
