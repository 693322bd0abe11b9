//! One request to a collector, by gRPC or by protobuf over HTTP.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use aimass_config::files::open;
use aimass_config::{OtlpConfig, OtlpProtocol};
use prost::Message;
use thiserror::Error;
use tonic::metadata::{Ascii, MetadataKey, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::exporter::THREAD;
use super::signal::Signal;

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
    pub(super) verdict: Verdict,
}

/// Whether another attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same request may succeed later.
    Later,
    /// It never will.
    Never,
    /// The collector does not know such requests.
    Unknown,
}

impl Refused {
    fn later(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            verdict: Verdict::Later,
        }
    }
}

/// A connection to a collector.
pub(super) enum Client {
    Grpc {
        channel: Channel,
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
    /// A connection for requests of one signal. It is made with the first one.
    pub(super) fn new<S: Signal>(endpoint: &str, config: &OtlpConfig) -> Result<Self, OtlpError> {
        let trust = config.certificate.as_deref().map(Trust::read).transpose()?;
        match config.protocol {
            OtlpProtocol::Grpc => Self::grpc(endpoint, config, trust),
            OtlpProtocol::Http => Self::http(format!("{endpoint}/{}", S::PATH), config, trust),
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
            .thread_name(THREAD)
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let channel = target.connect_lazy();
        drop(entered);
        Ok(Self::Grpc {
            channel,
            headers,
            runtime,
            timeout: config.timeout,
        })
    }

    fn http(url: String, config: &OtlpConfig, trust: Option<Trust>) -> Result<Self, OtlpError> {
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
            url,
            headers: headers(config)?,
        })
    }

    /// Sends one request, and waits for the answer.
    pub(super) fn send<S: Signal>(&mut self, request: &S::Request) -> Result<S::Answer, Refused> {
        match self {
            Self::Grpc {
                channel,
                headers,
                runtime,
                timeout,
            } => {
                let mut request = Request::new(request.clone());
                for (name, value) in headers {
                    request.metadata_mut().insert(&*name, value.clone());
                }
                let channel = channel.clone();
                // The channel's own limit does not hold while it connects.
                let export =
                    async { tokio::time::timeout(*timeout, S::export(channel, request)).await };
                let answer = runtime.block_on(export);
                let answer =
                    answer.map_err(|_| Refused::later(format!("no answer within {timeout:?}")))?;
                Ok(answer.map_err(|status| of_status(&status))?.into_inner())
            }
            Self::Http {
                agent,
                url,
                headers,
            } => post::<S>(agent, url, headers, request),
        }
    }
}

fn post<S: Signal>(
    agent: &ureq::Agent,
    url: &str,
    headers: &[(String, String)],
    body: &S::Request,
) -> Result<S::Answer, Refused> {
    let failed = |error: ureq::Error| Refused::later(chain(&error));
    let mut request = agent
        .post(url)
        .header("content-type", "application/x-protobuf");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut response = request.send(body.encode_to_vec()).map_err(failed)?;
    let status = response.status().as_u16();
    if !response.status().is_success() {
        return Err(Refused {
            message: format!("it answered with HTTP status {status}"),
            verdict: match status {
                // The codes that the protocol's specification names for another attempt.
                429 | 502 | 503 | 504 => Verdict::Later,
                404 => Verdict::Unknown,
                _ => Verdict::Never,
            },
        });
    }
    let body = response.body_mut().with_config().limit(ANSWER);
    let body = body.read_to_vec().map_err(failed)?;
    // What it says beyond "taken" is a courtesy; what cannot be read changes nothing.
    Ok(S::Answer::decode(&*body).unwrap_or_default())
}

fn of_status(status: &tonic::Status) -> Refused {
    let verdict = match status.code() {
        // The codes that the protocol's specification names for another attempt.
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Verdict::Later,
        Code::Unimplemented => Verdict::Unknown,
        _ => Verdict::Never,
    };
    Refused {
        message: format!("{}: {}", status.code(), status.message()),
        verdict,
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
        let (file, _) = open(path).map_err(|error| refused(error.to_string()))?;
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

#[cfg(test)]
mod tests;
