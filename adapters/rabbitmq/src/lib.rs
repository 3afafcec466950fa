//! Hands jobs to workers through RabbitMQ.
//!
//! The rows of the job store are the outbox: due jobs are published with confirms, as ids; whoever
//! gets an id takes the row's lease, and only that entitles to run the job. So a message that is lost,
//! doubled or late does no harm: a broker that loses everything is given everything again.
//!
//! Connection, channels and topology are made anew by [`supervise`] whenever one of them breaks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;

use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    BasicRejectOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{
    Acker, BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind,
};
use parking_lot::{Mutex, RwLock};
use stoa_kernel::JobId;
use stoa_ports::jobs::{
    Ending, JobCounts, JobQueue, JobStore, NewJob, Progress, QueueError, TakenJob, Ticket,
};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How often due jobs are looked for when nobody wakes the publisher.
const LOOK: Duration = Duration::from_millis(200);
/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one exchange with the broker may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Ids published at once.
const CHUNK: usize = 500;
/// How often to look for messages that were lost.
const LOST_LOOK: Duration = Duration::from_secs(5);
/// Jobs that may take longer are acknowledged when they begin, because the broker ends a channel
/// that leaves a message open for too long (30 minutes, unless it is told otherwise).
const LONG_JOB_S: u32 = 900;
/// The highest priority of a job.
const PRIORITIES: u8 = 9;
/// Letters that are kept for people who look at the broker, and for how long.
const DEAD_LETTERS: i32 = 10_000;
const DEAD_LETTER_MS: i32 = 7 * 24 * 3_600 * 1_000;

/// How to reach the broker.
#[derive(Clone)]
pub struct Settings {
    uri: AMQPUri,
    /// The name of the queue; that of dead letters and of their exchange is made from it.
    pub queue: String,
    /// Messages that this process holds at once: more than it runs jobs, so that the next is there
    /// when one has ended.
    pub prefetch: u16,
    /// After so many milliseconds a message is taken to be lost, if the queue is empty.
    pub lost_after_ms: i64,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address holds a password.
        f.debug_struct("Settings").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Settings {
    /// Settings for a broker at an address such as `amqp://user:secret@host:5672/vhost`.
    ///
    /// # Errors
    /// It is no such address; the text does not repeat it.
    pub fn new(url: &str, prefetch: u16) -> Result<Self, String> {
        let mut uri: AMQPUri =
            url.parse().map_err(|_| "not an address such as amqp://user:secret@host:5672/vhost")?;
        // A broker that is gone without a word is noticed after two of them.
        uri.query.heartbeat.get_or_insert(10);
        uri.query.connection_timeout.get_or_insert(10_000);
        Ok(Self { uri, queue: "stoa.jobs".to_owned(), prefetch, lost_after_ms: 60_000 })
    }
}

/// Jobs handed out by RabbitMQ, on top of the store that keeps them.
#[derive(Debug)]
pub struct RabbitQueue {
    inner: Arc<Inner>,
    supervisor: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn JobStore>,
    settings: Settings,
    link: RwLock<Option<Arc<Link>>>,
    trouble: Mutex<Option<String>>,
    /// Messages of jobs that run here, to be acknowledged at their end.
    held: Mutex<HashMap<(JobId, Uuid), Acker>>,
    /// Wakes the publisher: there are new jobs.
    wake: Notify,
    /// Wakes the worker: a message has arrived.
    arrived: Arc<Notify>,
}

/// One connection and what was made on it.
struct Link {
    connection: Connection,
    publisher: Channel,
    arrived: Mutex<mpsc::Receiver<Delivery>>,
    pump: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Passes on what arrives, and says so; ends when the consumer does.
async fn pump(mut consumer: Consumer, to: mpsc::Sender<Delivery>, arrived: Arc<Notify>) {
    while let Some(next) = consumer.next().await {
        match next {
            Ok(delivery) => {
                if to.send(delivery).await.is_err() {
                    return;
                }
                arrived.notify_one();
            }
            Err(error) => {
                tracing::debug!(%error, "the consumer ended");
                return;
            }
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl RabbitQueue {
    /// Begins to hand out the store's jobs. Where the broker is away, it is tried again until it is
    /// there.
    pub fn start(store: Arc<dyn JobStore>, settings: Settings) -> Self {
        let inner = Arc::new(Inner {
            store,
            settings,
            link: RwLock::new(None),
            trouble: Mutex::new(Some("not connected yet".to_owned())),
            held: Mutex::new(HashMap::new()),
            wake: Notify::new(),
            arrived: Arc::new(Notify::new()),
        });
        let supervisor = tokio::spawn(supervise(Arc::clone(&inner)));
        Self { inner, supervisor }
    }
}

impl Drop for RabbitQueue {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

/// Why a connection ended, for people.
#[derive(Debug)]
struct Broken(String);

impl From<lapin::Error> for Broken {
    fn from(error: lapin::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<QueueError> for Broken {
    fn from(error: QueueError) -> Self {
        Self(error.to_string())
    }
}

async fn soon<T, E: Into<Broken>>(what: impl Future<Output = Result<T, E>>) -> Result<T, Broken> {
    match tokio::time::timeout(PATIENCE, what).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(Broken(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// Connects, publishes what is due until something breaks, and begins anew, for ever.
async fn supervise(inner: Arc<Inner>) {
    loop {
        let ended = match soon(connect(&inner)).await {
            Ok(link) => {
                let link = Arc::new(link);
                *inner.link.write() = Some(Arc::clone(&link));
                if inner.trouble.lock().take().is_some() {
                    tracing::info!("connected to RabbitMQ");
                }
                publish(&inner, &link).await
            }
            Err(broken) => broken,
        };
        *inner.link.write() = None;
        // What was held is handed out again, to whoever takes the row.
        inner.held.lock().clear();
        let before = inner.trouble.lock().replace(ended.0.clone());
        if before.as_deref() != Some(ended.0.as_str()) {
            tracing::warn!(error = ended.0, "RabbitMQ is away; jobs wait in the store");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn dead_name(settings: &Settings) -> String {
    format!("{}.dead", settings.queue)
}

fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert((*name).into(), value.clone());
    }
    table
}

fn queue_arguments(settings: &Settings) -> FieldTable {
    table(&[
        ("x-max-priority", AMQPValue::LongInt(i32::from(PRIORITIES))),
        ("x-dead-letter-exchange", AMQPValue::LongString(dead_name(settings).into())),
    ])
}

async fn connect(inner: &Inner) -> Result<Link, Broken> {
    let settings = &inner.settings;
    let name = ConnectionProperties::default().with_connection_name("stoa jobs".into());
    let connection = Connection::connect_uri(settings.uri.clone(), name).await?;
    let publisher = connection.create_channel().await?;
    publisher.confirm_select(ConfirmSelectOptions::default()).await?;

    let dead = dead_name(settings);
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    publisher
        .exchange_declare(
            dead.as_str().into(),
            ExchangeKind::Fanout,
            durable,
            FieldTable::default(),
        )
        .await?;
    let kept = table(&[
        ("x-max-length", AMQPValue::LongInt(DEAD_LETTERS)),
        ("x-message-ttl", AMQPValue::LongInt(DEAD_LETTER_MS)),
    ]);
    publisher.queue_declare(dead.as_str().into(), QueueDeclareOptions::durable(), kept).await?;
    publisher
        .queue_bind(
            dead.as_str().into(),
            dead.as_str().into(),
            "".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await?;
    publisher
        .queue_declare(
            settings.queue.as_str().into(),
            QueueDeclareOptions::durable(),
            queue_arguments(settings),
        )
        .await?;

    // A channel of its own: what breaks one leaves the other.
    let channel = connection.create_channel().await?;
    let prefetch = settings.prefetch.max(1);
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let consumer = channel
        .basic_consume(
            settings.queue.as_str().into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await?;
    let (to, arrived) = mpsc::channel(usize::from(prefetch));
    let pump = tokio::spawn(pump(consumer, to, Arc::clone(&inner.arrived)));
    Ok(Link { connection, publisher, arrived: Mutex::new(arrived), pump })
}

/// Publishes due jobs until something breaks.
async fn publish(inner: &Inner, link: &Link) -> Broken {
    let mut looked = tokio::time::Instant::now();
    loop {
        if !link.connection.status().connected() || !link.publisher.status().connected() {
            return Broken("the connection ended".to_owned());
        }
        let lost = if looked.elapsed() >= LOST_LOOK.min(lost_after(inner)) {
            looked = tokio::time::Instant::now();
            match lost_before(inner, link).await {
                Ok(lost) => lost,
                Err(broken) => return broken,
            }
        } else {
            None
        };
        match inner.store.hand_over(CHUNK, lost).await {
            Ok(tickets) if tickets.is_empty() => {}
            Ok(tickets) => {
                let full = tickets.len() == CHUNK;
                if let Err(broken) = publish_all(inner, link, &tickets).await {
                    return broken;
                }
                if full {
                    continue;
                }
            }
            Err(error) => tracing::warn!(%error, "due jobs cannot be read"),
        }
        tokio::select! {
            () = inner.wake.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn lost_after(inner: &Inner) -> Duration {
    Duration::from_millis(inner.settings.lost_after_ms.unsigned_abs())
}

/// Before when a message was published that must be lost: the queue is empty, and its job was not
/// taken.
async fn lost_before(inner: &Inner, link: &Link) -> Result<Option<stoa_kernel::Timestamp>, Broken> {
    let queue = link.publisher.queue_declare(
        inner.settings.queue.as_str().into(),
        QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() },
        FieldTable::default(),
    );
    let waiting = soon(queue).await?.message_count();
    let before = inner.store.now().plus_millis(-inner.settings.lost_after_ms);
    Ok((waiting == 0).then_some(before))
}

/// Publishes ids and waits until the broker has all of them on disk. What it has not goes back.
async fn publish_all(inner: &Inner, link: &Link, tickets: &[Ticket]) -> Result<(), Broken> {
    let published = soon(async {
        let mut confirms = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            let properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_priority(ticket.priority.min(PRIORITIES))
                .with_content_type("text/plain".into());
            let confirm = link
                .publisher
                .basic_publish(
                    "".into(),
                    inner.settings.queue.as_str().into(),
                    BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() },
                    ticket.id.to_string().as_bytes(),
                    properties,
                )
                .await?;
            confirms.push(confirm);
        }
        for confirm in confirms {
            let confirmed = confirm.await?;
            if !confirmed.is_ack() || confirmed.take_message().is_some() {
                return Err(Broken("the broker did not keep a message".to_owned()));
            }
        }
        Ok(())
    })
    .await;
    if published.is_err() {
        // Some may have arrived all the same; they find their rows taken, or take them.
        let ids = tickets.iter().map(|ticket| ticket.id).collect();
        if let Err(error) = inner.store.take_back(ids).await {
            tracing::warn!(%error, "jobs that the broker did not get wait until they count as lost");
        }
    }
    published
}

fn id_of(delivery: &Delivery) -> Option<JobId> {
    std::str::from_utf8(&delivery.data).ok()?.parse().ok()
}

async fn ack(acker: &Acker) {
    dealt_with(acker.ack(BasicAckOptions::default())).await;
}

/// Tells the broker what became of a message. Where the channel is gone, which the client may take for
/// ever to notice, the message comes again and finds its row taken or removed.
async fn dealt_with(telling: impl Future<Output = lapin::Result<bool>>) {
    if let Err(Broken(why)) = soon(telling).await {
        tracing::debug!(why, "a message was not acknowledged, rejected or given back");
    }
}

impl Inner {
    /// The next message that has arrived, if any has.
    async fn arrived(&self) -> Option<Delivery> {
        let link = self.link.read().clone()?;
        let next = link.arrived.lock().try_recv();
        if matches!(next, Err(TryRecvError::Disconnected)) && link.connection.status().connected() {
            // The consumer ended: an error, or cancelled by the broker. A new connection mends both.
            let closed = link.connection.close(200, "the consumer ended".into());
            if let Err(error) = soon(closed).await {
                tracing::debug!(error = error.0, "the connection was gone already");
            }
        }
        next.ok()
    }
}

#[async_trait]
impl JobQueue for RabbitQueue {
    fn name(&self) -> &'static str {
        "RabbitMQ"
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble.lock().clone()
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<bool>, QueueError> {
        let added = self.inner.store.add(jobs).await?;
        self.inner.wake.notify_one();
        Ok(added)
    }

    async fn take(&self, limit: usize) -> Result<Vec<TakenJob>, QueueError> {
        let inner = &self.inner;
        let mut taken = Vec::new();
        // Messages of jobs that are done already do not count: after a crash of the broker, which
        // forgets what was acknowledged last, there may be many.
        while taken.len() < limit
            && let Some(delivery) = inner.arrived().await
        {
            let Some(id) = id_of(&delivery) else {
                tracing::error!("a message that names no job is a dead letter now");
                dealt_with(delivery.acker.reject(BasicRejectOptions { requeue: false })).await;
                continue;
            };
            match inner.store.take_these(vec![id]).await {
                Ok(jobs) if jobs.is_empty() => ack(&delivery.acker).await, // Done, or another's.
                Ok(jobs) => {
                    for job in jobs {
                        if job.timeout_s > LONG_JOB_S {
                            ack(&delivery.acker).await;
                        } else {
                            let key = (job.id, job.lease);
                            inner.held.lock().insert(key, delivery.acker.clone());
                        }
                        taken.push(job);
                    }
                }
                Err(error) => {
                    let back = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
                    dealt_with(delivery.acker.nack(back)).await;
                    if taken.is_empty() {
                        return Err(error);
                    }
                    break;
                }
            }
        }
        Ok(taken)
    }

    async fn arrival(&self) {
        self.inner.arrived.notified().await;
    }

    async fn renew(&self, job: &TakenJob, progress: Option<Progress>) -> Result<bool, QueueError> {
        let mine = self.inner.store.renew(job, progress).await?;
        if !mine {
            self.forget(job, false).await;
        }
        Ok(mine)
    }

    async fn end(&self, job: &TakenJob, ending: Ending) -> Result<bool, QueueError> {
        let is_dead = matches!(ending, Ending::Dead { .. });
        let ended = self.inner.store.end(job, ending).await?;
        self.forget(job, is_dead && ended).await;
        Ok(ended)
    }

    async fn counts(&self) -> Result<JobCounts, QueueError> {
        self.inner.store.counts().await
    }
}

impl RabbitQueue {
    /// Tells the broker that a message is dealt with; that of a dead job goes to the dead letters.
    async fn forget(&self, job: &TakenJob, is_dead: bool) {
        let held = self.inner.held.lock().remove(&(job.id, job.lease));
        let Some(acker) = held else { return };
        if is_dead {
            dealt_with(acker.reject(BasicRejectOptions { requeue: false })).await;
        } else {
            ack(&acker).await;
        }
    }
}
