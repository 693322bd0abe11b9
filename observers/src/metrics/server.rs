//! The page that Prometheus reads: `GET /metrics`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Metrics;

/// What the page is, in Prometheus's words.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long a reader may take to ask.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after the system has refused a connection.
const PAUSE: Duration = Duration::from_millis(200);
/// Readers that are served at once; Prometheus is one.
const READERS: usize = 16;

/// Serves metrics over HTTP.
pub struct MetricsServer {
    listener: TcpListener,
}

impl MetricsServer {
    /// Takes the address. Port 0 takes a free one.
    ///
    /// # Errors
    /// The operating system's, such as an address that is in use.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// The operating system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves the metrics until it is dropped.
    #[expect(clippy::disallowed_methods, reason = "sockets follow the real clock")]
    pub async fn serve(self, metrics: Metrics) {
        let mut readers = JoinSet::new();
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a reader of metrics was not let in");
                    // The system is short of something, and asking again at once would not help.
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            while readers.try_join_next().is_some() {}
            if readers.len() >= READERS {
                // Dropped: a reader that comes again finds room.
                continue;
            }
            let metrics = metrics.clone();
            readers.spawn(async move {
                let answer = service_fn(|request| {
                    let answer = answer(&request, &metrics);
                    async { Ok::<_, Infallible>(answer) }
                });
                let mut http = hyper::server::conn::http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
                // A reader that goes away is its own affair.
                let _ = http.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "the metrics are at /metrics\n");
    }
    if request.method() != Method::GET {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "expected GET\n");
        refusal
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET"));
        return refusal;
    }
    let mut page = Response::new(Full::new(Bytes::from(metrics.text())));
    page.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
    page
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}
