//! Both forms of the protocol over TLS, against servers whose certificates are made here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use aimass_config::ObserversConfig;
use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
use opentelemetry_proto::tonic::collector::trace::v1 as trace;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, StdError, http};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Response, Status};

use super::*;
use crate::otlp::measured::Measured;
use crate::otlp::said::Logs;
use crate::otlp::signal::Traces;

/// What each server answers: that it has refused so many, which shows that its answer was read.
const REFUSED: i64 = 7;

/// An authority, and a certificate of `127.0.0.1` that it has signed.
struct Authority {
    folder: tempfile::TempDir,
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::from_params(&params, &key);
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap().pem();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), root.pem()).unwrap();
        Self {
            folder,
            certificate,
            key: key.serialize_pem(),
        }
    }

    /// The file that a user would name.
    fn root(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

fn client<S: Signal>(at: SocketAddr, protocol: OtlpProtocol, root: Option<PathBuf>) -> Client {
    let config = OtlpConfig {
        protocol,
        certificate: root,
        ..ObserversConfig::default().otlp
    };
    Client::new::<S>(&format!("https://{at}"), &config).unwrap()
}

/// A server of HTTP that answers `connections` of them.
fn serve_http(authority: &Authority, connections: usize) -> (SocketAddr, JoinHandle<()>) {
    let certificate = CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(authority.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let (tls, listener) = (Arc::new(tls), TcpListener::bind("127.0.0.1:0").unwrap());
    let at = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let session = ServerConnection::new(tls.clone()).unwrap();
            // A client that does not trust us goes away.
            let _ = answer_http(StreamOwned::new(session, stream.unwrap()));
        }
    });
    (at, thread)
}

fn answer_http(mut stream: impl Read + Write) -> io::Result<()> {
    let mut reader = BufReader::new(&mut stream);
    let (mut path, mut length) = (String::new(), 0);
    reader.read_line(&mut path)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let body = match path.split(' ').nth(1).unwrap() {
        "/v1/traces" => traces_answer().encode_to_vec(),
        "/v1/metrics" => metrics_answer().encode_to_vec(),
        "/v1/logs" => logs_answer().encode_to_vec(),
        other => panic!("expected a path of the protocol, got {other}"),
    };
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length:";
    write!(stream, "{head} {}\r\n\r\n", body.len())?;
    stream.write_all(&body)?;
    stream.flush()
}

fn traces_answer() -> trace::ExportTraceServiceResponse {
    let partial_success = Some(trace::ExportTracePartialSuccess {
        rejected_spans: REFUSED,
        ..Default::default()
    });
    trace::ExportTraceServiceResponse { partial_success }
}

fn metrics_answer() -> metrics::ExportMetricsServiceResponse {
    let partial_success = Some(metrics::ExportMetricsPartialSuccess {
        rejected_data_points: REFUSED,
        ..Default::default()
    });
    metrics::ExportMetricsServiceResponse { partial_success }
}

fn logs_answer() -> logs::ExportLogsServiceResponse {
    let partial_success = Some(logs::ExportLogsPartialSuccess {
        rejected_log_records: REFUSED,
        ..Default::default()
    });
    logs::ExportLogsServiceResponse { partial_success }
}

/// The three services of a collector.
#[derive(Clone)]
struct Collector;

#[tonic::async_trait]
impl trace::trace_service_server::TraceService for Collector {
    async fn export(
        &self,
        _: Request<trace::ExportTraceServiceRequest>,
    ) -> Result<Response<trace::ExportTraceServiceResponse>, Status> {
        Ok(Response::new(traces_answer()))
    }
}

#[tonic::async_trait]
impl metrics::metrics_service_server::MetricsService for Collector {
    async fn export(
        &self,
        _: Request<metrics::ExportMetricsServiceRequest>,
    ) -> Result<Response<metrics::ExportMetricsServiceResponse>, Status> {
        Ok(Response::new(metrics_answer()))
    }
}

#[tonic::async_trait]
impl logs::logs_service_server::LogsService for Collector {
    async fn export(
        &self,
        _: Request<logs::ExportLogsServiceRequest>,
    ) -> Result<Response<logs::ExportLogsServiceResponse>, Status> {
        Ok(Response::new(logs_answer()))
    }
}

impl Service<http::Request<Body>> for Collector {
    type Response = http::Response<Body>;
    type Error = StdError;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        Box::pin(async move {
            let answer = if path.contains(".trace.") {
                let mut service = trace::trace_service_server::TraceServiceServer::new(Self);
                service.call(request).await
            } else if path.contains(".metrics.") {
                let mut service = metrics::metrics_service_server::MetricsServiceServer::new(Self);
                service.call(request).await
            } else {
                let mut service = logs::logs_service_server::LogsServiceServer::new(Self);
                service.call(request).await
            };
            answer.map_err(|never| match never {})
        })
    }
}

/// A server of gRPC, until the sender is dropped.
fn serve_grpc(
    authority: &Authority,
) -> (SocketAddr, tokio::sync::oneshot::Sender<()>, JoinHandle<()>) {
    let identity = Identity::from_pem(&authority.certificate, &authority.key);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let (told, at) = channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            told.send(incoming.local_addr().unwrap()).unwrap();
            let tls = ServerTlsConfig::new().identity(identity);
            let server = Server::builder().tls_config(tls).unwrap();
            let end = async { drop(stopped.await) };
            let served = server.serve_with_incoming_shutdown(Collector, incoming, end);
            served.await.unwrap();
        });
    });
    (at.recv().unwrap(), stop, thread)
}

fn sends<S: Signal>(at: SocketAddr, protocol: OtlpProtocol, authority: &Authority)
where
    S::Request: Default,
{
    let mut client = client::<S>(at, protocol, Some(authority.root()));
    let answer = client.send::<S>(&S::Request::default());
    let answer = answer.unwrap_or_else(|refused| panic!("{protocol:?}: {}", refused.message));
    assert_eq!(S::refused(answer).map(|(count, _)| count), Some(REFUSED));
}

/// Neither another authority nor the built-in ones have signed the certificate.
fn distrusts(at: SocketAddr, protocol: OtlpProtocol) {
    let other = Authority::new();
    for root in [Some(other.root()), None] {
        let mut client = client::<Traces>(at, protocol, root);
        let refused = client.send::<Traces>(&trace::ExportTraceServiceRequest::default());
        let Err(Refused { message, .. }) = refused else {
            panic!("{protocol:?} trusts anybody");
        };
        assert!(
            message.contains("invalid peer certificate"),
            "{protocol:?}: {message}"
        );
    }
}

#[test]
fn all_signals_go_over_http_with_tls_to_whom_the_certificate_vouches_for() {
    let authority = Authority::new();
    let (at, server) = serve_http(&authority, 5);
    sends::<Traces>(at, OtlpProtocol::Http, &authority);
    sends::<Measured>(at, OtlpProtocol::Http, &authority);
    sends::<Logs>(at, OtlpProtocol::Http, &authority);
    distrusts(at, OtlpProtocol::Http);
    server.join().unwrap();
}

#[test]
fn all_signals_go_over_grpc_with_tls_to_whom_the_certificate_vouches_for() {
    let authority = Authority::new();
    let (at, stop, server) = serve_grpc(&authority);
    sends::<Traces>(at, OtlpProtocol::Grpc, &authority);
    sends::<Measured>(at, OtlpProtocol::Grpc, &authority);
    sends::<Logs>(at, OtlpProtocol::Grpc, &authority);
    distrusts(at, OtlpProtocol::Grpc);
    drop(stop);
    server.join().unwrap();
}
