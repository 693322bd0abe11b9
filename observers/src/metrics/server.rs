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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Metrics;

/// What the page is, in Prometheus's words.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long a reader may take to ask.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a reader may take in all. One that takes no answer must not keep its place from others.
const VISIT: Duration = Duration::from_secs(60);
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
        let mut refused = false;
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => {
                    refused = false;
                    stream
                }
                Err(error) => {
                    // Once, and not for each try.
                    if !refused {
                        tracing::warn!(%error, "a reader of metrics was not let in; trying again until it is possible");
                    }
                    refused = true;
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
            readers.spawn(read_by(stream, metrics.clone()));
        }
    }
}

/// Serves one reader until it goes, or has had its time. Either is its own affair.
async fn read_by(stream: impl AsyncRead + AsyncWrite + Unpin, metrics: Metrics) {
    let answer = service_fn(|request| {
        let answer = answer(&request, &metrics);
        async { Ok::<_, Infallible>(answer) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let served = http.serve_connection(TokioIo::new(stream), answer);
    let _ = tokio::time::timeout(VISIT, served).await;
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

#[cfg(test)]
mod tests {
    use aimass_config::TracesConfig;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    /// One after the other on the same connection, as a reader that keeps it asks.
    const REQUEST: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: here\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_no_answer_loses_its_place() {
        let metrics = Metrics::new(&TracesConfig::default());
        // Smaller than the page: the answer waits for whoever asked.
        let (mut reader, stream) = duplex(64);
        let mut served = JoinSet::new();
        served.spawn(read_by(stream, metrics));
        reader.write_all(REQUEST).await.unwrap();
        let ended = timeout(VISIT * 2, served.join_next()).await;
        assert!(ended.is_ok(), "it has its place for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_reads_has_the_page() {
        let metrics = Metrics::new(&TracesConfig::default());
        let (mut reader, stream) = duplex(64);
        let mut served = JoinSet::new();
        served.spawn(read_by(stream, metrics));
        reader.write_all(REQUEST).await.unwrap();
        let mut start = [0; 15];
        reader.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200 OK");
    }
}
