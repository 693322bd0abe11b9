//! The page of an episode: what the template takes, and how it comes out of the panels.

use std::collections::{HashMap, HashSet};

use aimass_locale::Locale;
use aimass_runtime::{EpisodeId, Panel, Reference, ReportView, Revision, Section};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::facts::{Row, ShownRow};
use crate::media::Media;
use crate::panel::ShownPanel;
use crate::recording::{ShownRecording, recordings};
use crate::report::{ShownSection, last_report, shown_sections};
use crate::timeline::{Timeline, Work, timeline};
use crate::words::Words;

const STYLE: &str = include_str!("../templates/page.css");
const SCRIPT: &str = include_str!("../templates/page.js");
/// Where Jaeger shows traces, on the machine of its collector.
const JAEGER_PORT: u16 = 16686;

/// What the page of an episode shows.
#[derive(Debug, Clone)]
pub struct EpisodePage<'a> {
    /// The language of whoever reads it.
    pub locale: Locale,
    /// The episode.
    pub episode: EpisodeId,
    /// When it began.
    pub begun: String,
    /// Its facts, in the order of their revisions.
    pub rows: Vec<Row<'a>>,
    /// Its tasks, as far as they are known.
    pub work: Option<Work>,
    /// The content of files that facts are about, by their paths. What is not here is shown from its place on this machine.
    pub media: HashMap<String, Media>,
    /// What went wrong, each in a line.
    pub failures: Vec<String>,
    /// How much of that is a loss.
    pub losses: usize,
    /// The address of the collector of traces, if there is one.
    pub collector: Option<String>,
}

/// Why a page could not be put together.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct PageError(#[from] askama::Error);

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    language: &'static str,
    words: Words,
    title: &'a str,
    begun: &'a str,
    episode: String,
    figures: Vec<(String, &'static str)>,
    jaeger: Option<String>,
    sections: Vec<ShownSection<'a>>,
    inputs: Vec<ShownSection<'a>>,
    references: &'a [Reference],
    timeline: Timeline,
    recordings: Vec<ShownRecording<'a>>,
    panels: Vec<String>,
    failures: &'a [String],
    facts: Vec<ShownRow<'a>>,
    style: &'static str,
    script: &'static str,
    script_hash: String,
}

impl EpisodePage<'_> {
    /// Returns the page as HTML.
    ///
    /// # Errors
    /// [`PageError`] when the template cannot be filled in.
    pub fn html(&self) -> Result<String, PageError> {
        Ok(self.page()?.render()?)
    }

    fn page(&self) -> Result<Page<'_>, PageError> {
        let locale = self.locale;
        let words = Words::of(locale);
        let begun_ms = self.rows.first().map_or(0, |row| row.fact.at_ms);
        let timeline = timeline(self.work.as_ref(), &self.rows, &words);
        let report = last_report(&self.rows);
        let shown = |part: fn(&ReportView) -> &Vec<Section>| {
            report.map_or_else(Vec::new, |report| {
                shown_sections(report, part(report), locale)
            })
        };
        let recordings = recordings(&self.rows, &self.media);
        let panels = self.panels(&recordings, &words)?;
        let rows = self.rows.iter();
        Ok(Page {
            language: locale.choose("en", "zh-Hans"),
            title: report.map_or(words.title, |report| report.title.in_locale(locale)),
            begun: &self.begun,
            episode: self.episode.to_string(),
            figures: self.figures(&timeline, &words),
            jaeger: self.jaeger(),
            sections: shown(|report| &report.sections),
            inputs: shown(|report| &report.details),
            references: report.map_or(&[], |report| &report.references),
            timeline,
            recordings,
            panels,
            failures: &self.failures,
            facts: rows
                .map(|row| row.shown(begun_ms, &words, locale))
                .collect(),
            style: STYLE,
            script: SCRIPT,
            script_hash: STANDARD.encode(Sha256::digest(SCRIPT)),
            words,
        })
    }

    /// The panels that stand for themselves, as HTML: what recordings say is shown beside their audio.
    fn panels(
        &self,
        recordings: &[ShownRecording<'_>],
        words: &Words,
    ) -> Result<Vec<String>, PageError> {
        let beside: HashSet<Revision> = recordings.iter().map(|one| one.revision).collect();
        let rows = self.rows.iter();
        let rows = rows.filter(|row| !beside.contains(&row.fact.revision));
        let panel = |row: &Row<'_>| {
            let fact = (row.fact.revision, row.fact.kind.to_string());
            let panel: &Panel = row.panel.as_ref()?;
            let words = (words, self.locale);
            let shown = ShownPanel::of(panel, fact, &row.subject, &self.media, words)?;
            Some(shown.render())
        };
        Ok(rows.filter_map(panel).collect::<Result<_, _>>()?)
    }

    fn figures(&self, timeline: &Timeline, words: &Words) -> Vec<(String, &'static str)> {
        let given = |row: &&Row<'_>| row.fact.provenance.task.is_none();
        let inputs = self.rows.iter().filter(given).count();
        vec![
            (inputs.to_string(), words.inputs),
            (self.rows.len().to_string(), words.facts),
            (timeline.tasks.to_string(), words.tasks),
            (self.losses.to_string(), words.failures),
            (timeline.length.clone(), words.length),
        ]
    }

    /// Where the episode's trace is shown, where traces are sent to a collector.
    fn jaeger(&self) -> Option<String> {
        let endpoint = self.collector.as_deref()?;
        let trace = self.rows.first()?.fact.provenance.trace?;
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
}
