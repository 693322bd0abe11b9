//! One request to a collector, by gRPC or by protobuf over HTTP.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use aimass_config::{OtlpConfig, OtlpProtocol};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse, trace_service_client::TraceServiceClient,
};
use prost::Message;
use thiserror::Error;
use tonic::metadata::{Ascii, MetadataKey, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// What a collector may answer, in bytes; it has little to say.
const ANSWER: u64 = 1 << 20;
/// The largest file of certificates, in bytes.
const CERTIFICATES: u64 = 4 << 20;

/// Why no exporter can be made of the configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// The address is none.
    #[error(
        "expected the address of a collector, got `{endpoint}`; correct `observers.otlp.endpoint`: {message}"
    )]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        message: String,
    },
    /// A header cannot be sent.
    #[error("expected a header `name: value`, got `{name}`; correct `observers.otlp.headers`")]
    Header {
        /// Its name. The value may be a secret.
        name: String,
    },
    /// The certificates cannot be read.
    #[error(
        "cannot read certificates from `{path}`: {message}; correct `observers.otlp.certificate`"
    )]
    Certificate {
        /// The file.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// No thread, or no runtime on it.
    #[error("cannot start the exporter: {0}")]
    Thread(#[from] io::Error),
}

/// Why a request was in vain.
pub(super) struct Refused {
    pub(super) message: String,
    /// Whether the same request may succeed later.
    pub(super) later: bool,
}

/// What the collector took.
pub(super) struct Taken {
    /// Spans that it refused, and why.
    pub(super) refused: Option<(u64, String)>,
}

/// A connection to a collector.
pub(super) enum Client {
    Grpc {
        channel: TraceServiceClient<Channel>,
        headers: Vec<(MetadataKey<Ascii>, MetadataValue<Ascii>)>,
        runtime: tokio::runtime::Runtime,
        timeout: Duration,
    },
    Http {
        agent: ureq::Agent,
        url: String,
        headers: Vec<(String, String)>,
    },
}

impl Client {
    pub(super) fn new(endpoint: &str, config: &OtlpConfig) -> Result<Self, OtlpError> {
        let trust = config.certificate.as_deref().map(Trust::read).transpose()?;
        match config.protocol {
            OtlpProtocol::Grpc => Self::grpc(endpoint, config, trust),
            OtlpProtocol::Http => Self::http(endpoint, config, trust),
        }
    }

    fn grpc(endpoint: &str, config: &OtlpConfig, trust: Option<Trust>) -> Result<Self, OtlpError> {
        let refused = |error: tonic::transport::Error| OtlpError::Endpoint {
            endpoint: endpoint.to_owned(),
            message: chain(&error),
        };
        let mut target = Endpoint::from_shared(endpoint.to_owned()).map_err(refused)?;
        if endpoint.starts_with("https://") {
            let tls = ClientTlsConfig::new();
            let tls = match trust {
                Some(trust) => tls.ca_certificate(Certificate::from_pem(trust.pem)),
                None => tls.with_webpki_roots(),
            };
            target = target.tls_config(tls).map_err(refused)?;
        }
        let target = target
            .timeout(config.timeout)
            .connect_timeout(config.timeout);
        let header = |(name, value): (String, String)| {
            let key = name.to_ascii_lowercase().parse();
            let (Ok(key), Ok(value)) = (key, value.parse()) else {
                return Err(OtlpError::Header { name });
            };
            Ok((key, value))
        };
        let headers = headers(config)?.into_iter().map(header);
        let headers = headers.collect::<Result<_, _>>()?;
        // Last: a runtime must not be dropped where another one runs, as it would be if something failed after it.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let channel = TraceServiceClient::new(target.connect_lazy());
        drop(entered);
        Ok(Self::Grpc {
            channel,
            headers,
            runtime,
            timeout: config.timeout,
        })
    }

    fn http(endpoint: &str, config: &OtlpConfig, trust: Option<Trust>) -> Result<Self, OtlpError> {
        let tls = match trust {
            None => TlsConfig::builder(),
            Some(trust) => TlsConfig::builder().root_certs(trust.roots),
        };
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(config.timeout))
            .tls_config(tls.build())
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .new_agent();
        Ok(Self::Http {
            agent,
            url: format!("{endpoint}/v1/traces"),
            headers: headers(config)?,
        })
    }

    /// Sends one request, and waits for the answer.
    pub(super) fn send(&mut self, traces: &ExportTraceServiceRequest) -> Result<Taken, Refused> {
        let answer = match self {
            Self::Grpc {
                channel,
                headers,
                runtime,
                timeout,
            } => {
                let mut request = Request::new(traces.clone());
                for (name, value) in headers {
                    request.metadata_mut().insert(&*name, value.clone());
                }
                // The channel's own limit does not hold while it connects.
                let export =
                    async { tokio::time::timeout(*timeout, channel.export(request)).await };
                let answer = runtime.block_on(export).map_err(|_| Refused {
                    message: format!("no answer within {timeout:?}"),
                    later: true,
                })?;
                answer.map_err(|status| of_status(&status))?.into_inner()
            }
            Self::Http {
                agent,
                url,
                headers,
            } => post(agent, url, headers, traces)?,
        };
        let refused = answer.partial_success.and_then(|partial| {
            let spans = u64::try_from(partial.rejected_spans).unwrap_or(0);
            (spans > 0).then_some((spans, partial.error_message))
        });
        Ok(Taken { refused })
    }
}

fn post(
    agent: &ureq::Agent,
    url: &str,
    headers: &[(String, String)],
    traces: &ExportTraceServiceRequest,
) -> Result<ExportTraceServiceResponse, Refused> {
    let failed = |error: ureq::Error| Refused {
        message: error.to_string(),
        later: true,
    };
    let mut request = agent
        .post(url)
        .header("content-type", "application/x-protobuf");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut response = request.send(traces.encode_to_vec()).map_err(failed)?;
    let status = response.status().as_u16();
    if !response.status().is_success() {
        return Err(Refused {
            message: format!("it answered with HTTP status {status}"),
            // The codes that the protocol's specification names for another attempt.
            later: matches!(status, 429 | 502 | 503 | 504),
        });
    }
    let body = response.body_mut().with_config().limit(ANSWER);
    let body = body.read_to_vec().map_err(failed)?;
    // What it says beyond "taken" is a courtesy; what cannot be read changes nothing.
    Ok(ExportTraceServiceResponse::decode(&*body).unwrap_or_default())
}

/// The codes that the protocol's specification names for another attempt.
fn of_status(status: &tonic::Status) -> Refused {
    let later = matches!(
        status.code(),
        Code::Cancelled
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss
    );
    Refused {
        message: format!("{}: {}", status.code(), status.message()),
        later,
    }
}

fn headers(config: &OtlpConfig) -> Result<Vec<(String, String)>, OtlpError> {
    let header = |text: &String| {
        let (name, value) = text.split_once(':').ok_or_else(|| OtlpError::Header {
            name: text.chars().take(20).collect(),
        })?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    config.headers.iter().map(header).collect()
}

/// Certificates to trust instead of the built-in ones.
struct Trust {
    pem: Vec<u8>,
    roots: RootCerts,
}

impl Trust {
    fn read(path: &Path) -> Result<Self, OtlpError> {
        let refused = |message: String| OtlpError::Certificate {
            path: path.display().to_string(),
            message,
        };
        let file = File::open(path).map_err(|error| refused(error.to_string()))?;
        let mut pem = Vec::new();
        let read = file.take(CERTIFICATES + 1).read_to_end(&mut pem);
        read.map_err(|error| refused(error.to_string()))?;
        if pem.len() as u64 > CERTIFICATES {
            return Err(refused(format!("it is larger than {CERTIFICATES} bytes")));
        }
        let certificates: Vec<_> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(refused("it holds no PEM certificate".to_owned()));
        }
        let roots = RootCerts::new_with_certs(&certificates);
        Ok(Self { pem, roots })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}
