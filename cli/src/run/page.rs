//! The page of an episode: its file, and what of the episode is put on it.

mod media;

use std::collections::HashMap;
use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;

use aimass_config::files::{CannotWrite, Kind, OutputFile};
use aimass_locale::{Locale, text};
use aimass_observers::live::{self, TaskSpan};
use aimass_pages::{EpisodePage, Row, Task, Work};
use aimass_runtime::{Fact, Revision, ShownFact};
use jiff::tz::TimeZone;

use super::Outcome;
use crate::dates::local;
use crate::failure::Failure;
use media::media;

/// What the page shows.
pub(super) struct Content<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) facts: &'a [Fact],
    /// The facts as people are shown them.
    pub(super) shown: &'a [ShownFact],
    /// The tasks, as far as they are known.
    pub(super) work: Option<&'a live::Work>,
    pub(super) locale: Locale,
    /// The address of the collector of traces, if there is one.
    pub(super) collector: Option<String>,
}

/// The file of a page that is to be written.
pub(super) struct PageFile {
    path: PathBuf,
    file: OutputFile,
}

impl PageFile {
    pub(super) fn prepare(path: PathBuf) -> Result<Self, Failure> {
        let path = std::path::absolute(path)?;
        let shown = path.display().to_string();
        let file = OutputFile::prepare(&path).map_err(|error| match error {
            CannotWrite::Special(Kind::Folder) => Failure::usage(text!(
                "expected a file for the page, got the folder {shown}",
                "页面应为文件，而 {shown} 是文件夹"
            )),
            other => cannot_write(&shown, &other),
        })?;
        Ok(Self { path, file })
    }

    /// Writes the page, and gives its path.
    pub(super) fn write(mut self, content: &Content<'_>) -> Result<PathBuf, Failure> {
        let shown = self.path.display().to_string();
        let page = content.page().html().map_err(|error| {
            Failure::bug(text!(
                "the page cannot be put together: {error}",
                "无法生成页面：{error}"
            ))
        })?;
        let written = self.file.write_all(page.as_bytes());
        let written = written.and_then(|()| self.file.finish());
        written.map_err(|error| cannot_write(&shown, &error))?;
        Ok(self.path)
    }
}

fn cannot_write(page: &str, error: &dyn Display) -> Failure {
    Failure::unavailable(text!(
        "cannot write the page {page}: {error}",
        "无法写入页面 {page}：{error}"
    ))
}

impl<'a> Content<'a> {
    fn page(&self) -> EpisodePage<'a> {
        let shown: HashMap<Revision, &ShownFact> =
            self.shown.iter().map(|one| (one.revision, one)).collect();
        let row = |fact: &'a Fact| {
            let shown = shown.get(&fact.revision);
            Row {
                fact,
                subject: shown.map(|one| one.subject.clone()).unwrap_or_default(),
                finding: shown.map(|one| one.line.clone()).unwrap_or_default(),
                panel: shown.and_then(|one| one.panel.clone()),
            }
        };
        let begun_ms = self.facts.first().map_or(0, |fact| fact.at_ms);
        EpisodePage {
            locale: self.locale,
            episode: self.outcome.episode,
            begun: local(begun_ms, TimeZone::system()),
            rows: self.facts.iter().map(row).collect(),
            work: self.work.map(work),
            media: media(self.shown),
            failures: self.outcome.failure_lines(self.facts, self.locale),
            losses: self.outcome.all_failures().len(),
            collector: self.collector.clone(),
        }
    }
}

fn work(work: &live::Work) -> Work {
    let task = |span: &TaskSpan| Task {
        span: Some(span.span),
        parent: span.parent,
        skill: span.skill.to_string(),
        agent: span.agent.to_string(),
        accepted_ns: span.accepted_ns,
        started_ns: span.started_ns.unwrap_or(span.settled_ns),
        settled_ns: span.settled_ns,
        failed: span.error.is_some(),
    };
    Work {
        tasks: work.spans.iter().map(task).collect(),
        count: work.tasks,
    }
}
