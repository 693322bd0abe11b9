//! `aimass run`: files through the team.

mod found;
mod page;
mod sample;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use aimass::generation::Report;
use aimass_config::{Locale, ProcessVariables};
use aimass_runtime::{
    EpisodeId, Fact, InputFailure, Namespace, Request, Revision, TaskError, TaskFailure,
};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::{self, Failure, say};
use super::messages::Message;
use super::reach::Reach;
use super::{Context, trace};
use found::Finder;
use page::PageFile;

/// Put files through the team, wait until it is quiet, and print what it found and its report
#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders; a folder stands for the files below it [default: a sample inbox]
    paths: Vec<PathBuf>,
    /// Go on with an episode that was begun before, instead of files: show what was found so far, and wait for the rest [default: the last one
    /// begun whose end nobody has seen]
    #[arg(long, value_name = "EPISODE", num_args = 0..=1, require_equals = true, conflicts_with_all = ["paths", "namespace"])]
    resume: Option<Option<EpisodeId>>,
    /// The tenant
    #[arg(long)]
    namespace: Option<String>,
    /// Write a page with the report, the timeline, the facts and the recordings: one HTML file that needs no other
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The language of lines, report and page: `en` or `zh` [default: that of the locale]
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Locale>,
}

impl Arguments {
    /// Files and folders.
    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Takes the sample inbox where nothing was named.
    pub(crate) fn or_sample(mut self, context: &Context) -> Result<Self, Failure> {
        if !self.paths.is_empty() || self.resume.is_some() {
            return Ok(self);
        }
        self.paths = sample::files(context)?;
        if !context.output.is_json() {
            let folder = sample::folder(context).display().to_string();
            let message = Message::SampleInbox { folder: &folder };
            context.output.line(&message.write(self.locale()))?;
        }
        Ok(self)
    }

    fn locale(&self) -> Locale {
        self.lang
            .unwrap_or_else(|| Locale::of_variables(&ProcessVariables))
    }
}

/// What an episode came to, besides its facts.
#[derive(Deserialize)]
struct Outcome {
    episode: EpisodeId,
    failures: Vec<TaskFailure>,
    refused: Vec<InputFailure>,
    unhandled: Vec<Revision>,
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let locale = arguments.locale();
    // Where it cannot be written, that is said before the work and not after it.
    let page = arguments.report.map(PageFile::prepare).transpose()?;
    let (paths, refused) = usable(&arguments.paths);
    let namespace = arguments
        .namespace
        .map_or_else(Namespace::default, |name| Namespace(name.into()));
    let reach = match page {
        Some(_) => Reach::watched(context).await?,
        None => Reach::runtime(context).await?,
    };
    let request = match arguments.resume {
        Some(episode) => Request::Resume { episode },
        None => Request::Run {
            paths,
            namespace,
            trace: trace::of_caller(),
        },
    };
    reach
        .closing(async |reach: &Reach| {
            let (mut outcome, found) = run(context, reach, request, locale).await?;
            outcome.refused.extend(refused);
            let report = report_of(&found, locale);
            show(context, &outcome, &found, report.as_ref(), locale)?;
            if let Some(page) = page {
                let work = reach.work_on(outcome.episode).await?;
                let content = page::Content {
                    outcome: &outcome,
                    facts: &found,
                    report: report.as_ref(),
                    work: work.as_ref(),
                    locale,
                    collector: context.home.load_config()?.observers.otlp.endpoint,
                };
                let path = page.write(&content)?.display().to_string();
                if !context.output.is_json() {
                    let message = Message::PageWritten { path: &path };
                    context
                        .output
                        .line(&format!("\n{}", message.write(locale)))?;
                }
            }
            outcome.conclude(&found, locale)
        })
        .await
}

/// Absolute paths, since a node has another current folder; and those that JSON cannot hold.
fn usable(given: &[PathBuf]) -> (Vec<PathBuf>, Vec<InputFailure>) {
    let mut refused = Vec::new();
    let mut refuse = |path: &PathBuf, message: String| {
        let path = path.clone();
        refused.push(InputFailure { path, message });
    };
    let mut paths = Vec::new();
    for path in given {
        match std::path::absolute(path) {
            Ok(absolute) if absolute.to_str().is_some() => paths.push(absolute),
            Ok(_) => refuse(path, "expected a name in UTF-8; rename the file".to_owned()),
            Err(error) => refuse(path, format!("is no path: {error}")),
        }
    }
    (paths, refused)
}

/// Lets the team work, and prints what it finds as it does.
async fn run(
    context: &Context,
    reach: &Reach,
    request: Request,
    locale: Locale,
) -> Result<(Outcome, Vec<Fact>), Failure> {
    let output = context.output;
    let mut finder = Finder::new(output, locale);
    let mut found = Vec::new();
    let outcome = reach
        .each(request, |fact| {
            let fact: Fact = serde_json::from_value(fact)?;
            if !output.is_json() {
                output.line(&finder.line(&fact))?;
            }
            found.push(fact);
            Ok(())
        })
        .await?;
    Ok((serde_json::from_value(outcome)?, found))
}

fn show(
    context: &Context,
    outcome: &Outcome,
    facts: &[Fact],
    report: Option<&Report>,
    locale: Locale,
) -> Result<(), Failure> {
    let output = context.output;
    if output.is_json() {
        return output.document(&json!({
            "episode": outcome.episode,
            "facts": facts,
            "failures": outcome.all_failures(),
            "report": report,
        }));
    }
    let Some(report) = report else { return Ok(()) };
    let text = report.clone().in_locale(locale).plain();
    output.line("")?;
    for line in text.lines() {
        // What is not indented is a heading.
        let line = match line.starts_with(' ') {
            true => line.to_owned(),
            false => output.strong(line),
        };
        output.line(&line)?;
    }
    Ok(())
}

/// The last report among the facts, if there is one.
fn report_of(facts: &[Fact], locale: Locale) -> Option<Report> {
    let last = facts
        .iter()
        .rfind(|fact| fact.kind.name() == "generation.report")?;
    let report = Report::deserialize(&last.value).ok()?;
    Some(report.in_locale(locale))
}

impl Outcome {
    fn all_failures(&self) -> Vec<Value> {
        let inputs = self.refused.iter().map(|input| json!(input));
        let tasks = self.failures.iter().map(|task| json!(task));
        inputs.chain(tasks).collect()
    }

    /// Each failure in one line: first those of inputs, then those of tasks.
    fn failure_lines(&self, facts: &[Fact]) -> Vec<String> {
        let path_of = |revision: Revision| {
            let fact = facts.iter().find(|fact| fact.revision == revision);
            let path = fact.and_then(|fact| fact.value.get("path")?.as_str());
            path.map_or_else(|| format!("fact {revision}"), str::to_owned)
        };
        let inputs = self
            .refused
            .iter()
            .map(|input| format!("{}: {}", input.path.display(), input.message));
        let tasks = self.failures.iter().map(|task| {
            let subject = task.cause.map_or_else(|| task.skill.clone(), path_of);
            format!("{subject}: {}", task.message)
        });
        inputs.chain(tasks).collect()
    }

    /// Names what went wrong, one line each; what it comes to is the exit code.
    fn conclude(&self, facts: &[Fact], locale: Locale) -> Result<(), Failure> {
        for line in self.failure_lines(facts) {
            say(&line);
        }
        for (kind, count) in self.unhandled_kinds(facts) {
            let message = Message::Unhandled { kind: &kind, count };
            say(&message.write(locale));
        }
        let of_task = |task: &TaskFailure| {
            serde_json::from_value::<TaskError>(task.error.clone())
                .map_or(failure::BUG, |error| error.exit_code())
        };
        let inputs = self.refused.iter().map(|_| failure::BAD_INPUT);
        let worst = inputs.chain(self.failures.iter().map(of_task)).min();
        worst.map_or(Ok(()), |exit| Err(Failure::already_said(exit)))
    }

    fn unhandled_kinds(&self, facts: &[Fact]) -> BTreeMap<String, usize> {
        let unhandled: HashSet<Revision> = self.unhandled.iter().copied().collect();
        let mut kinds = BTreeMap::new();
        for fact in facts
            .iter()
            .filter(|fact| unhandled.contains(&fact.revision))
        {
            *kinds.entry(fact.kind.to_string()).or_default() += 1;
        }
        kinds
    }
}
