//! HTTP, as hubs and package indexes are asked: redirects by hand, credentials for their origin alone, time limits, and some patience.

mod address;
mod certificates;
mod download;
mod error;

use std::io::Read;
use std::thread;
use std::time::Duration;

use ureq::http::{Response, StatusCode};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body};

pub use address::Address;
pub(crate) use address::Credentials;
pub(crate) use address::without_credentials;
pub(crate) use certificates::CertificateFiles;
pub(crate) use download::Download;
use error::{Failure, Hope};
pub(crate) use error::{HttpError, Server};

use crate::ModelError;

/// Redirects on the way to one answer.
const MAX_REDIRECTS: usize = 10;

/// How long a server is waited for, and how often it is asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchLimits {
    /// For a connection.
    pub connect: Duration,
    /// For the beginning of an answer.
    pub answer: Duration,
    /// For more of an answer that has begun.
    pub stall: Duration,
    /// Before each further attempt, where there is hope; there are no more attempts than that.
    pub waits: Vec<Duration>,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            answer: Duration::from_secs(60),
            stall: Duration::from_secs(60),
            waits: [200, 1000, 3000].map(Duration::from_millis).into(),
        }
    }
}

/// Whom to ask, and for what.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) address: Address,
    /// Sent to the origin of that address alone.
    pub(crate) credentials: Option<Credentials>,
    /// The kinds of content that are understood.
    pub(crate) accept: &'static str,
}

/// A short answer.
pub(crate) struct Page {
    /// Where it stands, after redirects.
    pub(crate) at: Address,
    pub(crate) content: Vec<u8>,
}

/// What a server answers to a request, after redirects.
struct Answer {
    at: Address,
    response: Response<Body>,
    /// The checksum of a large file, which a hub says where it redirects to its store.
    linked_sha256: Option<String>,
}

/// A client of HTTP. Proxies are those of the environment.
pub(crate) struct Http {
    agent: Agent,
    waits: Vec<Duration>,
}

impl Http {
    pub(crate) fn new(
        limits: &FetchLimits,
        certificates: &CertificateFiles,
    ) -> Result<Self, ModelError> {
        let roots = certificates::roots(certificates)?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(limits.connect))
            .timeout_recv_response(Some(limits.answer))
            .timeout_per_read(Some(limits.stall))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Ok(Self {
            agent: config.into(),
            waits: limits.waits.clone(),
        })
    }

    /// Reads an answer of at most `most` bytes.
    pub(crate) fn read(&self, request: &Request, most: u64) -> Result<Page, HttpError> {
        self.patiently(|| {
            let Answer { at, response, .. } = self.get(request, 0)?;
            let status = response.status();
            if status != StatusCode::OK {
                return Err(Failure::of_status(status));
            }
            let mut content = Vec::new();
            let mut body = response.into_body().into_reader().take(most + 1);
            body.read_to_end(&mut content)
                .map_err(|error| Failure::broken_off(content.len() as u64, &error))?;
            if content.len() as u64 > most {
                return Err(Failure::lost(format!(
                    "an answer of more than {most} bytes"
                )));
            }
            Ok(Page { at, content })
        })
    }

    /// Tries until it succeeds, there is no hope, or it was tried often enough.
    fn patiently<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, HttpError> {
        let mut waits = self.waits.iter();
        loop {
            let Failure { error, hope } = match attempt() {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            let wait = match hope {
                Hope::Again => waits.next(),
                Hope::Lost => None,
            };
            match wait {
                Some(wait) => thread::park_timeout(*wait),
                None => return Err(error),
            }
        }
    }

    /// Asks, from the byte `from` on. Redirects are followed by hand: only who was asked may name
    /// the checksum and see the credentials, and some places are not gone to.
    fn get(&self, request: &Request, from: u64) -> Result<Answer, Failure> {
        let mut at = request.address.clone();
        let mut linked_sha256 = None;
        for _ in 0..=MAX_REDIRECTS {
            let is_asked = at.origin() == request.address.origin();
            let mut get = self
                .agent
                .get(at.as_str())
                .header("accept", request.accept)
                // What is resumed and counted are the bytes of the file itself.
                .header("accept-encoding", "identity");
            if let Some(credentials) = request.credentials.as_ref().filter(|_| is_asked) {
                get = get.header("authorization", credentials.header());
            }
            if from > 0 {
                get = get.header("range", format!("bytes={from}-"));
            }
            let response = get.call().map_err(|error| Failure::of_ureq(&error))?;
            if is_asked && linked_sha256.is_none() {
                linked_sha256 = linked_checksum(&response);
            }
            let status = response.status();
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                return Ok(Answer {
                    at,
                    response,
                    linked_sha256,
                });
            }
            at = redirected(&at, &response)?;
        }
        Err(Failure::lost(format!(
            "more than {MAX_REDIRECTS} redirects"
        )))
    }
}

/// Where a redirect leads, if that is a place to go to.
fn redirected(from: &Address, response: &Response<Body>) -> Result<Address, Failure> {
    let to = response.headers().get("location");
    let to = to
        .and_then(|to| to.to_str().ok())
        .ok_or_else(|| Failure::lost("a redirect to nowhere".to_owned()))?;
    let Some(next) = from.link(to) else {
        let scheme: String = to
            .split(':')
            .next()
            .unwrap_or_default()
            .chars()
            .take(20)
            .collect();
        return Err(Failure::lost(format!(
            "a redirect to `{scheme}:`, which is not followed"
        )));
    };
    if from.is_encrypted() && !next.is_encrypted() {
        return Err(Failure::lost(format!(
            "a redirect from https to `{next}`, which is not followed"
        )));
    }
    Ok(next)
}

fn linked_checksum(response: &Response<Body>) -> Option<String> {
    let etag = response.headers().get("x-linked-etag")?.to_str().ok()?;
    let etag = etag.trim_start_matches("W/").trim_matches('"');
    (etag.len() == 64 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| etag.to_owned())
}
