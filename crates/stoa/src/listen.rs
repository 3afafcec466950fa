//! Connections: taken in, timed, and let end when the shop stops.
//!
//! `axum::serve` would do this as well, but waits for ever for the head of a request, so that whoever
//! opens connections and says nothing could use them all up.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;

/// How long a connection may take to send the head of its next request. Longer than the load
/// balancers keep idle connections (60 seconds, most of them), so that they end them, not we, while
/// they send a request.
pub(crate) const HEAD: Duration = Duration::from_secs(75);
/// How long nobody is let in after the system had no room for a connection.
const NO_ROOM: Duration = Duration::from_millis(500);
/// How many connections the system lets in before they are taken in (what tokio asks it for).
const BACKLOG: usize = 1_024;
/// After so long without a connection, none waits to be taken in.
const NOBODY: Duration = Duration::from_millis(10);

/// Serves until told to stop, and then until every request that has begun is answered, those of
/// clients whom the system has let in already among them.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    head: Duration,
    stop: impl Future<Output = ()>,
) {
    let (stopping, told) = watch::channel(false);
    let mut stop = pin!(stop);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let take_in = |stream, peer| {
        tokio::spawn(answer(http.clone(), stream, peer, router.clone(), told.clone()));
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => take_in(stream, peer),
            // The client went away while it waited.
            Err(error) if is_of_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken in");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
    // These have connected, as far as they know; some have sent their request.
    for _ in 0..BACKLOG {
        match tokio::time::timeout(NOBODY, listener.accept()).await {
            Ok(Ok((stream, peer))) => take_in(stream, peer),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    drop(listener);
    drop(told);
    let _nobody_listens = stopping.send(true);
    stopping.closed().await;
}

fn is_of_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers the requests of a connection, one after the other.
async fn answer(
    http: http1::Builder,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut told: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection took no nodelay");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move {
            let response: Result<Response, Infallible> =
                router.oneshot(request.map(Body::new)).await;
            response
        }
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = asked_to_stop(&mut told) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn asked_to_stop(told: &mut watch::Receiver<bool>) {
    // Nobody is left to ask: that is the end as well.
    let _asked = told.wait_for(|stopping| *stopping).await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;

    struct Running {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        task: tokio::task::JoinHandle<()>,
    }

    async fn run(head: Duration) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "slow"
        };
        let who = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
        let router = Router::new().route("/slow", get(slow)).route("/who", get(who));
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { drop(stopped.await) };
        let task = tokio::spawn(serve(listener, router, head, stopped));
        Running { address, stop, task }
    }

    async fn all(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn who_sends_no_head_is_cut_off() {
        let running = run(Duration::from_millis(200)).await;
        for beginning in ["", "GET /who HTTP/1.1\r\nHost: a\r\nX-Slow: "] {
            let mut stream = TcpStream::connect(running.address).await.unwrap();
            stream.write_all(beginning.as_bytes()).await.unwrap();
            // Ends, at the latest with the test's patience.
            let ended = tokio::time::timeout(Duration::from_secs(60), all(&mut stream)).await;
            assert!(!ended.unwrap().contains("200 OK"));
        }
        // Longer than that is only the answer.
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        let request = "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(all(&mut stream).await.ends_with("slow"));
    }

    #[tokio::test]
    async fn what_has_begun_is_answered_when_it_stops() {
        let running = run(HEAD).await;
        let mut idle = TcpStream::connect(running.address).await.unwrap();
        idle.write_all(b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut some = [0; 4096];
        let n = idle.read(&mut some).await.unwrap();
        let text = String::from_utf8_lossy(some.get(..n).unwrap()).into_owned();
        assert!(text.contains(&idle.local_addr().unwrap().to_string()), "{text}");
        let mut busy = TcpStream::connect(running.address).await.unwrap();
        busy.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        running.stop.send(()).unwrap();
        assert!(all(&mut busy).await.ends_with("slow"));
        assert_eq!(all(&mut idle).await, "");
        running.task.await.unwrap();
        TcpStream::connect(running.address).await.unwrap_err();
    }
}
