//! Model hubs: files over HTTP, resumed where they broke off.
//!
//! The protocol is the Hugging Face hub's: `GET {endpoint}/{repository}/resolve/{revision}/{file}`, redirects to a store of large
//! files, byte ranges, a bearer token, and for large files their sha256 in the header `x-linked-etag`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::ModelError;
use crate::store::{Progress, Stage, file_error, sha256_of};

/// Bytes that one file may have.
const MAX_FILE_BYTES: u64 = 64 << 30;
/// Redirects on the way to one file.
const MAX_REDIRECTS: usize = 10;

/// A model hub.
pub(crate) struct Hub<'a> {
    endpoint: &'a str,
    token: Option<&'a str>,
    agent: Agent,
}

impl<'a> Hub<'a> {
    pub(crate) fn new(endpoint: &'a str, token: Option<&'a str>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(std::time::Duration::from_secs(20)))
            .timeout_recv_response(Some(std::time::Duration::from_secs(60)))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build();
        Self {
            endpoint: endpoint.trim_end_matches('/'),
            token,
            agent: config.into(),
        }
    }

    /// Fetches one file into `target`, by way of `parts`, where what has come stays if it breaks off.
    pub(crate) fn fetch(
        &self,
        repository: &str,
        revision: &str,
        file: &str,
        parts: &Path,
        target: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        let url = format!("{}/{repository}/resolve/{revision}/{file}", self.endpoint);
        fs::create_dir_all(parts).map_err(file_error("create", parts))?;
        let part = parts.join(format!("{}.part", file.replace('/', "__")));
        let have = fs::metadata(&part).map_or(0, |metadata| metadata.len());
        let (response, expected_sha256) = self.get(&url, have)?;
        let (mut out, have) = match response.status() {
            StatusCode::PARTIAL_CONTENT if have > 0 => {
                let out = OpenOptions::new().append(true).open(&part);
                (out.map_err(file_error("open", &part))?, have)
            }
            StatusCode::OK => (File::create(&part).map_err(file_error("create", &part))?, 0),
            StatusCode::RANGE_NOT_SATISFIABLE => {
                fs::remove_file(&part).map_err(file_error("delete", &part))?;
                return Err(refused(
                    &url,
                    "what had come before does not fit the file; fetch it again",
                ));
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(refused(
                    &url,
                    "it wants a token: set `HF_TOKEN` to one that may read it",
                ));
            }
            status => return Err(refused(&url, &format!("status {status}"))),
        };
        let left = content_length(&response);
        let total = left.map(|left| left + have);
        if total.is_some_and(|total| total > MAX_FILE_BYTES) {
            return Err(refused(&url, &format!("more than {MAX_FILE_BYTES} bytes")));
        }
        progress.begin(Stage::Fetching(file), total);
        let came = copy(response, &mut out, have, progress);
        out.sync_all().map_err(file_error("write", &part))?;
        let came = came.map_err(|broken| broken.told(&url, &part))?;
        if total.is_some_and(|total| total != came) {
            return Err(refused(
                &url,
                &format!("it broke off after {came} bytes; pull again to go on"),
            ));
        }
        if let Some(expected) = expected_sha256
            && sha256_of(&part)? != expected
        {
            fs::remove_file(&part).map_err(file_error("delete", &part))?;
            return Err(changed(&url, &expected));
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(file_error("create", parent))?;
        }
        fs::rename(&part, target).map_err(file_error("move to its place", target))
    }

    /// Follows redirects by hand: only the hub's own answer names the checksum, and only the hub may see the token.
    fn get(&self, url: &str, from: u64) -> Result<(Response<Body>, Option<String>), ModelError> {
        let mut at = url.to_owned();
        let mut sha256 = None;
        for _ in 0..MAX_REDIRECTS {
            let mut request = self.agent.get(&at);
            if let Some(token) = self.token.filter(|_| origin(&at) == origin(url)) {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            if from > 0 {
                request = request.header("range", format!("bytes={from}-"));
            }
            let response = request
                .call()
                .map_err(|error| refused(url, &error.to_string()))?;
            sha256 = sha256.or_else(|| linked_sha256(&response));
            if !response.status().is_redirection() {
                return Ok((response, sha256));
            }
            let to = response
                .headers()
                .get("location")
                .and_then(|to| to.to_str().ok());
            let to = to.ok_or_else(|| refused(url, "a redirect to nowhere"))?;
            at = if to.starts_with('/') {
                format!("{}{to}", origin(&at))
            } else {
                to.to_owned()
            };
        }
        Err(refused(
            url,
            &format!("more than {MAX_REDIRECTS} redirects"),
        ))
    }
}

/// The part of a URL before its path.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    &url[..end]
}

/// Why the copying of a file ended early.
enum Broken {
    /// The hub sends no more.
    Off(io::Error),
    /// The disk takes no more.
    Disk(io::Error),
}

impl Broken {
    fn told(self, url: &str, part: &Path) -> ModelError {
        match self {
            Self::Off(error) => {
                refused(url, &format!("it broke off: {error}; pull again to go on"))
            }
            Self::Disk(error) => file_error("write", part)(error),
        }
    }
}

fn copy(
    mut response: Response<Body>,
    out: &mut File,
    have: u64,
    progress: &mut dyn Progress,
) -> Result<u64, Broken> {
    let mut reader = response.body_mut().as_reader().take(MAX_FILE_BYTES);
    let mut buffer = vec![0; 1 << 16];
    let mut came = have;
    loop {
        let read = reader.read(&mut buffer).map_err(Broken::Off)?;
        if read == 0 {
            return Ok(came);
        }
        out.write_all(&buffer[..read]).map_err(Broken::Disk)?;
        came += read as u64;
        progress.advance(came);
    }
}

fn content_length(response: &Response<Body>) -> Option<u64> {
    response
        .headers()
        .get("content-length")?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn linked_sha256(response: &Response<Body>) -> Option<String> {
    let etag = response.headers().get("x-linked-etag")?.to_str().ok()?;
    let etag = etag.trim_start_matches("W/").trim_matches('"');
    (etag.len() == 64 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| etag.to_owned())
}

/// The hub sent something else than it had announced.
fn changed(url: &str, expected: &str) -> ModelError {
    ModelError::Format {
        path: url.into(),
        expected: format!("a file with sha256 {expected}"),
        found: "another, since its sha256 is not that".to_owned(),
        advice: "it was changed on its way or at its source: do not use it".to_owned(),
    }
}

fn refused(url: &str, found: &str) -> ModelError {
    ModelError::Unavailable {
        operation: "fetch a file from the model hub",
        expected: format!("`{url}`"),
        found: found.to_owned(),
        advice: "check the network and `models.hub_endpoint`".to_owned(),
    }
}
