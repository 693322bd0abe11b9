//! `aimass run`: files through the team.

mod found;
mod outcome;
mod page;
mod sample;
mod told;

use std::path::PathBuf;

use aimass_locale::text;
use aimass_runtime::{
    EpisodeId, Fact, InputFailure, Namespace, Panel, ReportView, Request, ShownFact,
};
use clap::Args;
use serde_json::json;

use super::client::Client;
use super::failure::Failure;
use super::input::Piped;
use super::panel::Extent;
use super::{Context, models, trace};
use found::Finder;
use outcome::Outcome;
use page::PageFile;
use told::Told;

/// Put files through the team, wait until it is quiet, and print what it found and its report
#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders; a folder stands for the files below it [default: a sample inbox]
    paths: Vec<PathBuf>,
    /// Go on with an episode that was begun before, instead of files: show what was found so far, and wait for the rest [default: the last one
    /// begun whose end nobody has seen]
    #[arg(long, value_name = "EPISODE", num_args = 0..=1, require_equals = true, conflicts_with_all = ["paths", "namespace"])]
    resume: Option<Option<EpisodeId>>,
    /// The tenant [default: `environment.namespace` of the configuration]
    #[arg(long)]
    namespace: Option<String>,
    /// Print the whole report: behind its digest a section for each input, and the facts that its sentences rest on
    #[arg(long)]
    details: bool,
    /// Write a page with the report, the timeline, the facts and the recordings: one HTML file that needs no other
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
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
            let folder = sample::folder(context);
            let folder = folder.display();
            context.line(&text!(
                "no files were named, so the team works on its sample inbox, {folder}; `aimass run PATH...` works on yours",
                "没有指定文件，因此使用示例收件箱 {folder}；用 `aimass run 路径...` 处理您自己的文件"
            ))?;
        }
        Ok(self)
    }
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let locale = context.locale;
    // Where it cannot be written, that is said before the work and not after it.
    let page = arguments.report.map(PageFile::prepare).transpose()?;
    let extent = match arguments.details {
        true => Extent::Whole,
        false => Extent::Digest,
    };
    let (paths, refused) = usable(&arguments.paths);
    let namespace = arguments.namespace.map(|name| Namespace(name.into()));
    let client = match page {
        Some(_) => Client::watched(context).await?,
        None => Client::runtime(context).await?,
    };
    let request = match arguments.resume {
        Some(episode) => Request::Resume { episode },
        None => Request::Run {
            paths,
            namespace,
            trace: trace::of_caller(context),
        },
    };
    client
        .closing(async |client: &Client| {
            let mut told = Told::new(context, extent);
            let (mut outcome, found) = run(context, client, request, &mut told).await?;
            outcome.refused.extend(refused);
            outcome.missing = models::missing(context)?;
            let revisions = found.iter().map(|fact| fact.revision).collect();
            let shown = client.show(revisions).await?;
            let report = last_report(&shown);
            match context.output.is_json() {
                true => document(context, &outcome, &found, report)?,
                false => told.end(report, outcome.episode)?,
            }
            if let Some(page) = page {
                let work = client.work_on(outcome.episode).await?;
                let content = page::Content {
                    outcome: &outcome,
                    facts: &found,
                    shown: &shown,
                    work: work.as_ref(),
                    locale,
                    collector: context.home.load_config()?.observers.otlp.endpoint,
                };
                let path = page.write(&content)?;
                if !context.output.is_json() {
                    let path = path.display();
                    context.line(&text!("\nthe page is {path}", "\n页面已写入 {path}"))?;
                }
            }
            outcome.conclude(&found, locale)
        })
        .await
}

/// Absolute paths, since a node has another current folder; and those that JSON cannot hold.
fn usable(given: &[PathBuf]) -> (Vec<PathBuf>, Vec<InputFailure>) {
    let mut refused = Vec::new();
    let mut paths = Vec::new();
    for path in given {
        if Piped::of(path.as_os_str()).is_some() {
            refused.push(InputFailure::of_one_process(path));
            continue;
        }
        if path.to_str().is_some_and(|path| path.starts_with("blob:")) {
            paths.push(path.clone());
            continue;
        }
        match std::path::absolute(path) {
            Ok(absolute) if absolute.to_str().is_some() => paths.push(absolute),
            Ok(_) => refused.push(InputFailure::name(path)),
            Err(error) => refused.push(InputFailure::refused(path, "read", &error)),
        }
    }
    (paths, refused)
}

/// Lets the team work, and prints what it finds as it does.
async fn run(
    context: &Context,
    client: &Client,
    request: Request,
    told: &mut Told<'_>,
) -> Result<(Outcome, Vec<Fact>), Failure> {
    let output = context.output;
    let mut finder = Finder::new(output, context.locale);
    let mut found = Vec::new();
    let mut call = client.call(request);
    while let Some(fact) = call.next().await {
        let fact: Fact = serde_json::from_value(fact)?;
        if !output.is_json() {
            let shown = client.show(vec![fact.revision]).await?;
            // A fact that was forgotten meanwhile has nothing to show.
            if let Some(shown) = shown.first() {
                output.line(&finder.line(&fact, shown))?;
            }
            told.hear(last_report(&shown))?;
        }
        found.push(fact);
    }
    let outcome = call.reply().await?;
    Ok((serde_json::from_value(outcome)?, found))
}

/// The episode as one JSON document.
fn document(
    context: &Context,
    outcome: &Outcome,
    facts: &[Fact],
    report: Option<&ReportView>,
) -> Result<(), Failure> {
    context.output.document(&json!({
        "episode": outcome.episode,
        "facts": facts,
        "failures": outcome.all_failures(),
        "report": report.map(|report| report.to_json(context.locale)),
    }))
}

/// The last report among what is shown, if there is one.
fn last_report(shown: &[ShownFact]) -> Option<&ReportView> {
    let mut shown = shown.iter().rev();
    shown.find_map(|shown| match &shown.panel {
        Some(Panel::Report(report)) => Some(report),
        _ => None,
    })
}
