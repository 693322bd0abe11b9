//! Files over HTTP: resumed where they broke off, and what they were announced to be.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use ureq::Body;
use ureq::http::{Response, StatusCode};

use super::{Answer, Failure, Hope, Http, HttpError, Request};
use crate::store::{Progress, Stage, file_error, sha256_of};

/// Bytes that one file may have.
const MAX_FILE_BYTES: u64 = 64 << 30;

/// A file that is to come.
pub(crate) struct Download<'a> {
    pub(crate) request: &'a Request,
    /// What people are told that it is.
    pub(crate) what: &'a str,
    /// Where it comes to, and stays if it breaks off.
    pub(crate) part: &'a Path,
    /// Its size, where that was announced.
    pub(crate) bytes: Option<u64>,
    /// Its checksum, where it is pinned.
    pub(crate) sha256: Option<&'a str>,
}

impl Http {
    /// Fetches a file; goes on where an earlier attempt broke off.
    pub(crate) fn download(
        &self,
        file: &Download<'_>,
        progress: &mut dyn Progress,
    ) -> Result<(), HttpError> {
        let mut begun = false;
        self.patiently(|| self.attempt(file, &mut begun, progress))
    }

    fn attempt(
        &self,
        file: &Download<'_>,
        begun: &mut bool,
        progress: &mut dyn Progress,
    ) -> Result<(), Failure> {
        let part = file.part;
        let resumed = fs::metadata(part).map_or(0, |metadata| metadata.len());
        let answer = self.get(file.request, resumed)?;
        let (mut out, have) = match answer.response.status() {
            StatusCode::PARTIAL_CONTENT if resumed > 0 && goes_on(&answer.response, resumed) => {
                let out = OpenOptions::new().append(true).open(part);
                (out.map_err(here("open", part))?, resumed)
            }
            StatusCode::OK => (File::create(part).map_err(here("create", part))?, 0),
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                fs::remove_file(part).map_err(here("delete", part))?;
                return Err(Failure::again(
                    "what had come before does not fit the file; fetch it again".to_owned(),
                ));
            }
            status => return Err(Failure::of_status(status)),
        };
        let Answer {
            response,
            linked_sha256,
            ..
        } = answer;
        let total = content_length(&response).map(|left| left.saturating_add(have));
        let total = self::total(total, file.bytes)?;
        if !std::mem::replace(begun, true) {
            progress.begin(Stage::Fetching(file.what), total);
        }
        let came = copy(response, &mut out, have, total, progress);
        out.sync_all().map_err(here("write", part))?;
        let came = came.map_err(|broken| broken.told(part))?;
        if let Some(total) = total.filter(|total| *total != came) {
            return Err(Failure::again(format!(
                "it broke off after {came} of {total} bytes; pull again to go on"
            )));
        }
        let Some(expected) = file.sha256.or(linked_sha256.as_deref()) else {
            return Ok(());
        };
        let found = sha256_of(part).map_err(Failure::here)?;
        if found == expected {
            return Ok(());
        }
        fs::remove_file(part).map_err(here("delete", part))?;
        let mut failure = Failure::changed(
            format!("a file with sha256 {expected}"),
            format!("another, since its sha256 is not that but {found}"),
        );
        if have > 0 {
            // Its beginning may have been of another file.
            failure.hope = Hope::Again;
        }
        Err(failure)
    }
}

/// The size of the file, if what says it agrees and it is not out of all bounds.
fn total(of_answer: Option<u64>, announced: Option<u64>) -> Result<Option<u64>, Failure> {
    if let (Some(total), Some(announced)) = (of_answer, announced)
        && total != announced
    {
        return Err(Failure::changed(
            format!("a file of {announced} bytes, as was announced"),
            format!("one of {total} bytes"),
        ));
    }
    let total = of_answer.or(announced);
    if total.is_some_and(|total| total > MAX_FILE_BYTES) {
        return Err(Failure::lost(format!("more than {MAX_FILE_BYTES} bytes")));
    }
    Ok(total)
}

/// Why the copying of a file ended early.
enum Broken {
    /// The server sends no more.
    Off(u64, std::io::Error),
    /// The server sends more than there is.
    Over(u64),
    /// The disk takes no more.
    Disk(std::io::Error),
}

impl Broken {
    fn told(self, part: &Path) -> Failure {
        match self {
            Self::Off(came, error) => Failure::broken_off(came, &error),
            Self::Over(most) => Failure::changed(
                format!("a file of at most {most} bytes"),
                "more of it".to_owned(),
            ),
            Self::Disk(error) => here("write", part)(error),
        }
    }
}

fn copy(
    response: Response<Body>,
    out: &mut File,
    have: u64,
    total: Option<u64>,
    progress: &mut dyn Progress,
) -> Result<u64, Broken> {
    let mut reader = response.into_body().into_reader();
    let most = total.unwrap_or(MAX_FILE_BYTES);
    let mut buffer = vec![0; 1 << 16];
    let mut came = have;
    loop {
        let read = reader.read(&mut buffer);
        let read = read.map_err(|error| Broken::Off(came, error))?;
        if read == 0 {
            return Ok(came);
        }
        if came + read as u64 > most {
            return Err(Broken::Over(most));
        }
        out.write_all(&buffer[..read]).map_err(Broken::Disk)?;
        came += read as u64;
        progress.advance(came);
    }
}

/// Whether a part of a file begins where ours ends. A server that does not say so is believed: the
/// checksum decides.
fn goes_on(response: &Response<Body>, from: u64) -> bool {
    let Some(range) = response.headers().get("content-range") else {
        return true;
    };
    let range = range.to_str().ok();
    let range = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next());
    range.and_then(|first| first.parse().ok()) == Some(from)
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

fn here(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let told = file_error(operation, path);
    move |error| Failure::here(told(error))
}
