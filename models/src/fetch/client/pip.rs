//! pip, as far as the one of this machine goes: newer ones say how much has come, and go on where a connection broke off.

use std::io;
use std::path::Path;
use std::process::Command;

use super::child::{self, Ran};
use crate::store::Progress;

/// The first pip that says in plain lines how much has come.
const TELLS: Version = Version(24, 1);
/// The first pip that goes on with half a download.
const RESUMES: Version = Version(25, 1);
/// How often it goes on.
const RETRIES: &str = "--resume-retries=10";
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
) -> io::Result<Ran> {
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
    let mut total = 0;
    child::run(command, &mut |line| {
        let Some((done, of)) = how_far(line) else {
            return;
        };
        if of != total {
            progress.expect(of);
            total = of;
        }
        progress.advance(done);
    })
}

/// `Progress 1024 of 2048`; of a size that it does not know, pip says 0.
fn how_far(line: &str) -> Option<(u64, u64)> {
    let (done, total) = line.strip_prefix("Progress ")?.split_once(" of ")?;
    let (done, total) = (done.parse().ok()?, total.parse().ok()?);
    (total > 0).then_some((done, total))
}

#[cfg(test)]
mod tests;
