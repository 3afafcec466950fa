//! A bare HTTP answer: what the HTTP library does on this machine when there is no shop behind it.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use bytes::Bytes;

/// Serves until the process ends.
pub(crate) fn serve(size: usize, listen: SocketAddr) -> Result<()> {
    let listener =
        std::net::TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?;
    serve_on(listener, size)
}

/// Serves on an open socket until the process ends.
pub(crate) fn serve_on(listener: std::net::TcpListener, size: usize) -> Result<()> {
    let body = Bytes::from(json_of(size));
    let answer = move || {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/json")], body) }
    };
    let router = Router::new().route("/", get(answer.clone())).fallback(answer);
    listener.set_nonblocking(true)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_io()
        .build()?
        .block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
                // Only slower without it.
                let _ = stream.set_nodelay(true);
            });
            axum::serve(listener, router).await
        })
        .context("serving")
}

/// JSON of exactly this many bytes, from two upwards.
fn json_of(size: usize) -> String {
    format!("\"{}\"", "x".repeat(size.saturating_sub(2)))
}

#[cfg(test)]
mod tests {
    use super::json_of;

    #[test]
    fn the_body_is_json_of_the_size_asked_for() {
        for size in [2, 3, 64, 12_600] {
            let body = json_of(size);
            assert_eq!(body.len(), size);
            assert!(serde_json::from_str::<String>(&body).is_ok());
        }
    }
}
