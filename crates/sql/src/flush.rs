//! Makes commits of SQLite durable, on threads of their own.
//!
//! A commit writes to the write-ahead log, which is on disk only when the file is flushed. The next
//! transaction need not wait for that, only whoever wants to be told that it is durable; one flush
//! serves every commit before it. A crash of the machine before the flush loses the newest commits,
//! of which nobody was told, and never an older one without them.
//!
//! What has gathered in the log is moved into the database beside the transactions, too.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Mutex as AsyncMutex;

use crate::error::SqlError;

/// How long commits gather before they are moved into the database.
const GATHER: Duration = Duration::from_millis(250);

type Then = Box<dyn FnOnce(Result<(), SqlError>) + Send>;

/// Flushes the write-ahead log of one database.
#[derive(Debug)]
pub(crate) struct Flusher {
    log: Arc<Log>,
    queue: Sender<Then>,
}

#[derive(Debug)]
struct Log {
    file: File,
    failed: AtomicBool,
    checkpointer: SyncSender<()>,
}

impl Log {
    /// After a failed flush the system may have dropped what it could not write, and a later flush
    /// would seem to succeed: nothing is durable from here on, until the shop is started anew.
    fn flush(&self) -> Result<(), SqlError> {
        if !self.failed.load(Ordering::Acquire) {
            match self.file.sync_data() {
                Ok(()) => {
                    let _asked_already = self.checkpointer.try_send(());
                    return Ok(());
                }
                Err(error) => {
                    tracing::error!(%error, "the disk has not taken a commit; restart the shop");
                    self.failed.store(true, Ordering::Release);
                }
            }
        }
        Err(SqlError::unavailable("the disk has not taken a commit; restart the shop"))
    }
}

impl Flusher {
    /// For the log beside a database that is open, so that the log is there. `checkpointer` is a
    /// connection to it for checkpoints alone.
    pub(crate) fn start(
        database: &Path,
        checkpointer: Connection,
        writer: &Arc<AsyncMutex<Connection>>,
    ) -> Result<Self, SqlError> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        let away = |error: std::io::Error| SqlError::unavailable(format!("the log: {error}"));
        let file = File::options().read(true).write(true).open(path).map_err(away)?;
        if let Some(folder) = database.parent() {
            // The log may have been made just now.
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(away)?;
        }
        let (asks, asked) = sync_channel(1);
        let log = Arc::new(Log { file, failed: AtomicBool::new(false), checkpointer: asks });
        let (queue, waiting) = channel();
        let of_thread = Arc::clone(&log);
        std::thread::Builder::new()
            .name("flush".to_owned())
            .spawn(move || serve(&of_thread, &waiting))
            .map_err(away)?;
        let writer = Arc::downgrade(writer);
        std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || checkpoints(&checkpointer, &writer, &asked))
            .map_err(away)?;
        Ok(Self { log, queue })
    }

    /// Waits until every commit before is durable.
    pub(crate) fn flush(&self) -> Result<(), SqlError> {
        self.log.flush()
    }

    /// Calls `then` when every commit before is durable, on the flusher's thread.
    pub(crate) fn then(&self, then: Then) {
        if let Err(unsent) = self.queue.send(then) {
            (unsent.0)(self.flush()); // The thread has ended, by a fault of a callback.
        }
    }
}

fn serve(log: &Log, waiting: &Receiver<Then>) {
    while let Ok(first) = waiting.recv() {
        let all: Vec<Then> = std::iter::once(first).chain(waiting.try_iter()).collect();
        let outcome = log.flush();
        for then in all {
            then(outcome.clone());
        }
    }
}

/// Moves the log into the database: most of it beside the writer, the rest while the writer waits,
/// so that the log can begin anew.
fn checkpoints(beside: &Connection, writer: &Weak<AsyncMutex<Connection>>, asked: &Receiver<()>) {
    while let Ok(()) = asked.recv() {
        std::thread::sleep(GATHER);
        let moved = checkpoint(beside).and_then(|()| match writer.upgrade() {
            Some(writer) => checkpoint(&writer.blocking_lock()),
            None => Ok(()),
        });
        if let Err(error) = moved {
            tracing::warn!(%error, "the log could not be moved into the database");
        }
    }
}

fn checkpoint(connection: &Connection) -> Result<(), SqlError> {
    Ok(connection.pragma(None, "wal_checkpoint", "passive", |_| Ok(()))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Db;
    use crate::sql;
    use crate::statement::Sql;

    const MAKE: Sql = sql!("create table notes (id integer primary key, text text not null)");
    const ADD: Sql = sql!("insert into notes (text) values ($1)");

    async fn add(db: &Db, text: &str) -> crate::Ahead {
        let mut tx = db.begin().await.unwrap();
        tx.execute(&ADD, &[text.into()]).await.unwrap();
        tx.commit_ahead().await.unwrap()
    }

    #[tokio::test]
    async fn those_who_wait_are_told_in_the_order_of_their_commits() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_embedded(folder.path()).unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.execute(&MAKE, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let (told, mut heard) = tokio::sync::mpsc::channel(200);
        for number in 0..200 {
            let told = told.clone();
            add(&db, "a note").await.then(move |durable| told.try_send((number, durable)).unwrap());
        }
        for expected in 0..200 {
            let (number, durable) = heard.recv().await.unwrap();
            durable.unwrap();
            assert_eq!(number, expected);
        }
    }

    #[tokio::test]
    async fn the_log_begins_anew_under_a_writer_that_never_rests() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_embedded(folder.path()).unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.execute(&MAKE, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let log = folder.path().join("stoa.db-wal");
        let text = "x".repeat(20_000);
        let mut written = 0_u64;
        let (mut largest, began) = (0, std::time::Instant::now());
        while began.elapsed() < Duration::from_secs(3) {
            let (told, heard) = tokio::sync::oneshot::channel();
            add(&db, &text).await.then(move |durable| told.send(durable).unwrap());
            heard.await.unwrap().unwrap();
            written += 20_000;
            largest = largest.max(std::fs::metadata(&log).unwrap().len());
        }
        assert!(largest < written / 2, "{written} bytes were written, the log has {largest}");
    }
}
