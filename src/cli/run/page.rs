//! The page: one HTML file with the report, the timeline, the recordings and the facts of an episode. It needs no other file, no network and, to
//! be read, no script. Whatever comes from files is escaped by the template; only our own style and script are put in as they are.

mod facts;
mod recordings;
mod timeline;
mod words;

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;

use aimass::generation::{Author, Report};
use aimass_config::Locale;
use aimass_config::files::{CannotWrite, Kind, OutputFile};
use aimass_observers::live::Work;
use aimass_runtime::{Fact, Revision};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Outcome;
use crate::cli::dates::utc;
use crate::cli::failure::Failure;
use crate::cli::harmless;
use crate::cli::said::said;
use facts::{Row, rows};
use recordings::{Recording, recordings};
use timeline::{Timeline, timeline};
use words::Words;

const STYLE: &str = include_str!("../../../templates/page.css");
const SCRIPT: &str = include_str!("../../../templates/page.js");
/// Where Jaeger shows traces, on the machine of its collector.
const JAEGER_PORT: u16 = 16686;

/// What the page shows.
pub(super) struct Content<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) facts: &'a [Fact],
    pub(super) report: Option<&'a Report>,
    /// The tasks, as far as they are known.
    pub(super) work: Option<&'a Work>,
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
            CannotWrite::Special(Kind::Folder) => Failure::usage(said!(
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
        let page = render(content)?;
        let written = self.file.write_all(page.as_bytes());
        let written = written.and_then(|()| self.file.finish());
        written.map_err(|error| cannot_write(&shown, &error))?;
        Ok(self.path)
    }
}

fn cannot_write(page: &str, error: &dyn Display) -> Failure {
    Failure::unavailable(said!(
        "cannot write the page {page}: {error}",
        "无法写入页面 {page}：{error}"
    ))
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    language: &'static str,
    words: &'static Words,
    title: String,
    begun: String,
    episode: String,
    figures: Vec<(String, &'static str)>,
    jaeger: Option<String>,
    sections: Vec<PageSection>,
    references: Vec<PageReference>,
    timeline: Timeline,
    recordings: Vec<Recording>,
    failures: Vec<String>,
    facts: Vec<Row>,
    style: &'a str,
    script: &'a str,
    script_hash: String,
}

struct PageSection {
    heading: String,
    sentences: Vec<PageSentence>,
}

struct PageSentence {
    text: String,
    /// Written by a model.
    by_model: bool,
    references: Vec<PageReference>,
}

#[derive(Clone)]
struct PageReference {
    n: u32,
    revision: Revision,
    kind: String,
    source: String,
}

fn render(content: &Content<'_>) -> Result<String, Failure> {
    let page = page(content);
    page.render().map_err(|error| {
        Failure::bug(said!(
            "the page cannot be put together: {error}",
            "无法生成页面：{error}"
        ))
    })
}

fn page<'a>(content: &Content<'_>) -> Page<'a> {
    let words = Words::of(content.locale);
    let begun_ms = content.facts.first().map_or(0, |fact| fact.at_ms);
    let timeline = timeline(content);
    let figures = figures(content, &timeline, words);
    let (sections, references) = content.report.map(report).unwrap_or_default();
    Page {
        language: match content.locale {
            Locale::English => "en",
            Locale::Chinese => "zh-Hans",
        },
        words,
        title: content
            .report
            .map_or_else(|| words.title.to_owned(), |report| report.title.clone()),
        begun: utc(begun_ms),
        episode: content.outcome.episode.to_string(),
        figures,
        jaeger: jaeger(content),
        sections,
        references,
        timeline,
        recordings: recordings(content),
        failures: content.outcome.failure_lines(content.facts, content.locale),
        facts: rows(content),
        style: STYLE,
        script: SCRIPT,
        script_hash: STANDARD.encode(Sha256::digest(SCRIPT)),
    }
}

fn figures(
    content: &Content<'_>,
    timeline: &Timeline,
    words: &'static Words,
) -> Vec<(String, &'static str)> {
    let given = |fact: &&Fact| fact.provenance.task.is_none();
    let inputs = content.facts.iter().filter(given).count();
    vec![
        (inputs.to_string(), words.inputs),
        (content.facts.len().to_string(), words.facts),
        (timeline.tasks.to_string(), words.tasks),
        (
            content.outcome.all_failures().len().to_string(),
            words.failures,
        ),
        (timeline.length.clone(), words.length),
    ]
}

fn report(report: &Report) -> (Vec<PageSection>, Vec<PageReference>) {
    let references: Vec<PageReference> = report
        .references
        .iter()
        .map(|reference| PageReference {
            n: reference.n,
            revision: reference.revision,
            kind: reference.kind.clone(),
            source: reference.source.clone(),
        })
        .collect();
    let named = |n: &u32| references.iter().find(|one| one.n == *n).cloned();
    let sections = report.sections.iter().map(|section| PageSection {
        heading: section.heading.clone(),
        sentences: section
            .sentences
            .iter()
            .map(|sentence| PageSentence {
                text: sentence.text.chars().map(harmless::in_line).collect(),
                by_model: sentence.author == Author::Model,
                references: sentence.references.iter().filter_map(named).collect(),
            })
            .collect(),
    });
    (sections.collect(), references)
}

/// Where the episode's trace is shown, where traces are sent to a collector.
fn jaeger(content: &Content<'_>) -> Option<String> {
    let endpoint = content.collector.as_deref()?;
    let trace = content.facts.first()?.provenance.trace?;
    let rest = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    // An address of IPv6 stands in brackets and has colons of its own.
    let host = match authority.rfind(']') {
        Some(end) => authority.get(..=end)?,
        None => authority.split(':').next()?,
    };
    Some(format!("http://{host}:{JAEGER_PORT}/trace/{trace}"))
}

#[cfg(test)]
mod tests;
