//! `aimass facts`: what the environment holds.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aimass_config::files::OutputFile;
use aimass_locale::{Locale, Text, text};
use aimass_runtime::{
    EpisodeId, Fact, FactFilter, Namespace, Request, Revision, ShownFact, Superseded,
};
use clap::{Args, Subcommand};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::Context;
use super::client::Client;
use super::dates::utc;
use super::failure::Failure;
use super::input::Piped;
use super::output::{brief, labelled};
use super::panel;

/// Facts that are asked for at once.
const AT_ONCE: usize = 256;
/// Characters of a name that is shown whole as a rule.
const LONGEST: usize = 512;

/// List, show, export, import and forget facts
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List facts in the order in which they came
    Ls {
        #[command(flatten)]
        filter: Filter,
        /// Also facts in whose place there is a newer one
        #[arg(long)]
        superseded: bool,
    },
    /// Show one fact
    Show {
        /// Its revision
        revision: u64,
    },
    /// Write facts with their episodes and blobs as JSON Lines
    Export {
        #[command(flatten)]
        filter: Filter,
        /// The file; `-` is standard output
        #[arg(default_value = "-")]
        into: PathBuf,
    },
    /// Append what `export` wrote
    Import {
        /// The file; `-` is standard input
        from: PathBuf,
    },
    /// Remove an episode: its facts, tasks, dead letters and blobs
    Forget {
        /// The episode
        episode: EpisodeId,
    },
}

/// Which facts
#[derive(Args)]
pub(crate) struct Filter {
    /// Only of this kind, in any version: `file.text`
    #[arg(long)]
    kind: Option<String>,
    /// Only of this episode
    #[arg(long)]
    episode: Option<EpisodeId>,
    /// Only of this tenant
    #[arg(long)]
    namespace: Option<String>,
    /// Only with a key that begins like this
    #[arg(long, value_name = "PREFIX")]
    key: Option<String>,
    /// Only from this revision on
    #[arg(long, value_name = "REVISION")]
    from: Option<u64>,
    /// Only up to this revision
    #[arg(long, value_name = "REVISION")]
    to: Option<u64>,
}

impl From<Filter> for FactFilter {
    fn from(filter: Filter) -> Self {
        Self {
            namespace: filter.namespace.map(|name| Namespace(name.into())),
            kind: filter.kind,
            key_prefix: filter.key,
            episode: filter.episode,
            from: filter.from.map(Revision),
            to: filter.to.map(Revision),
            superseded: Superseded::LeftOut,
        }
    }
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<(), Failure> {
    let client = Client::records(context).await?;
    client
        .closing(async |client: &Client| match command {
            Command::Ls { filter, superseded } => {
                let superseded = match superseded {
                    true => Superseded::Included,
                    false => Superseded::LeftOut,
                };
                let filter = FactFilter {
                    superseded,
                    ..filter.into()
                };
                list(context, client, filter).await
            }
            Command::Show { revision } => show(context, client, Revision(revision)).await,
            Command::Export { filter, into } => export(context, client, filter.into(), &into).await,
            Command::Import { from } => import(context, client, &from).await,
            Command::Forget { episode } => {
                let forgotten = client.reply(Request::Forget { episode }).await?;
                counted(context, &text!("forgot", "已遗忘"), &forgotten)
            }
        })
        .await
}

async fn list(context: &Context, client: &Client, filter: FactFilter) -> Result<(), Failure> {
    let output = context.output;
    if output.is_json() {
        let mut list = output.list();
        let facts = Request::Facts { filter };
        client.each(facts, |fact| list.item(&fact)).await?;
        return list.end();
    }
    let mut call = client.call(Request::Facts { filter });
    let mut facts: Vec<Fact> = Vec::new();
    while let Some(fact) = call.next().await {
        facts.push(serde_json::from_value(fact)?);
        if facts.len() == AT_ONCE {
            print(context, client, std::mem::take(&mut facts)).await?;
        }
    }
    call.reply().await?;
    print(context, client, facts).await
}

/// Prints a line for each fact.
async fn print(context: &Context, client: &Client, facts: Vec<Fact>) -> Result<(), Failure> {
    let revisions = facts.iter().map(|fact| fact.revision).collect();
    let shown = client.show(revisions).await?;
    let shown: HashMap<Revision, ShownFact> =
        shown.into_iter().map(|one| (one.revision, one)).collect();
    for fact in &facts {
        let line = one_line(context, fact, shown.get(&fact.revision));
        context.output.line(&line)?;
    }
    Ok(())
}

/// A fact in one line: its revision, its kind, its key, and what it says in a few words.
fn one_line(context: &Context, fact: &Fact, shown: Option<&ShownFact>) -> String {
    let output = context.output;
    let key = fact
        .key
        .as_ref()
        .map(|key| format!(" {key}"))
        .unwrap_or_default();
    let kind = output.strong(&fact.kind.to_string());
    format!(
        "{:>6}  {kind}{key}  {}",
        fact.revision,
        output.faint(&shown.map(summary).unwrap_or_default())
    )
}

/// What a fact says, in a few words, behind the name of the input that it is about.
fn summary(shown: &ShownFact) -> String {
    match shown.subject.is_empty() {
        true => shown.line.clone(),
        false => format!("{}: {}", shown.subject, shown.line),
    }
}

async fn show(context: &Context, client: &Client, revision: Revision) -> Result<(), Failure> {
    let fact = client.reply(Request::Fact { revision }).await?;
    if context.output.is_json() {
        return context.output.document(&fact);
    }
    let fact: Fact = serde_json::from_value(fact)?;
    let view = client.show(vec![revision]).await?;
    let view = view.first();
    for line in shown(&fact, view.map(summary), context.locale) {
        context.output.line(&line)?;
    }
    if let Some(panel) = view.and_then(|view| view.panel.as_ref()) {
        context.output.line("")?;
        for line in panel::lines(panel, context.output, context.locale) {
            context.output.line(&line)?;
        }
    }
    let value = serde_json::to_string_pretty(&fact.value)?;
    context.output.line(&format!("\n{value}"))
}

/// What is known of a fact besides its value, a line for each.
fn shown(fact: &Fact, says: Option<String>, locale: Locale) -> Vec<String> {
    let provenance = &fact.provenance;
    let text = |value: &dyn ToString| brief(&Value::String(value.to_string()), LONGEST);
    let by = provenance.agent.as_ref().map(|agent| text(agent));
    let by = by.unwrap_or_else(|| text!("you", "您").in_locale(locale).to_owned());
    let rows = [
        (text!("revision", "修订号"), Some(text(&fact.revision))),
        (text!("kind", "类型"), Some(text(&fact.kind))),
        (text!("key", "键"), fact.key.as_ref().map(|key| text(key))),
        (text!("says", "内容"), says),
        (text!("by", "来自"), Some(by)),
        (text!("at", "时间"), Some(utc(fact.at_ms))),
        (text!("tenant", "租户"), Some(text(&fact.namespace.0))),
        (text!("episode", "任务集"), fact.episode.map(|id| text(&id))),
        (
            text!("because of", "起因"),
            provenance.cause.map(|cause| text(&cause)),
        ),
        (
            text!("task", "任务"),
            provenance.task.map(|task| text(&task)),
        ),
    ];
    labelled(rows, locale)
}

async fn export(
    context: &Context,
    client: &Client,
    filter: FactFilter,
    into: &Path,
) -> Result<(), Failure> {
    let is_standard_output = into == Path::new("-");
    let into = std::path::absolute(into)?;
    let cannot = |error: &dyn Display| {
        let into = into.display();
        Failure::unavailable(text!(
            "cannot write {into}: {error}",
            "无法写入 {into}：{error}"
        ))
    };
    let mut special = None;
    if !is_standard_output {
        let output = OutputFile::prepare(&into).map_err(|error| cannot(&error))?;
        if output.is_plain() {
            drop(output);
            let exported = client.reply(Request::Export { filter, into }).await?;
            return counted(context, &text!("exported", "已导出"), &exported);
        }
        special = Some(output);
    }
    // The node and this process share files, not standard output, and no pipe waits for the node's sake.
    let file = spool(context)?;
    let exported = client
        .reply(Request::Export {
            filter,
            into: file.path().to_owned(),
        })
        .await?;
    let mut kept = File::open(file.path())?;
    match special {
        None => copy(&mut kept, |piece| context.output.bytes(piece)),
        Some(mut output) => {
            copy(&mut kept, |piece| {
                output.write_all(piece).map_err(|error| cannot(&error))
            })?;
            output.finish().map_err(|error| cannot(&error))?;
            counted(context, &text!("exported", "已导出"), &exported)
        }
    }
}

fn copy(from: &mut File, mut to: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut piece = vec![0; 64 << 10];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            read => to(&piece[..read])?,
        }
    }
}

async fn import(context: &Context, client: &Client, from: &Path) -> Result<(), Failure> {
    let imported = if let Some(piped) = Piped::of(from.as_os_str()) {
        let folder = context.home.folder().to_owned();
        // Where it keeps nobody from hearing Ctrl-C, however long there is nothing to read.
        let kept = tokio::task::spawn_blocking(move || piped.keep_in(&folder));
        let kept = kept.await;
        let file = kept.map_err(|error| Failure::bug(error.to_string()))??;
        let from = file.path().to_owned();
        client.reply(Request::Import { from }).await?
    } else {
        let from = std::path::absolute(from)?;
        client.reply(Request::Import { from }).await?
    };
    counted(context, &text!("imported", "已导入"), &imported)
}

fn spool(context: &Context) -> Result<NamedTempFile, Failure> {
    let folder = context.home.folder();
    NamedTempFile::new_in(folder).map_err(|error| {
        let folder = folder.display();
        Failure::unavailable(text!(
            "cannot make a temporary file in {folder}: {error}",
            "无法在 {folder} 中创建临时文件：{error}"
        ))
    })
}

/// Says how many of what: `imported 3 facts, 1 blobs`.
fn counted(context: &Context, done: &Text, counts: &Value) -> Result<(), Failure> {
    if context.output.is_json() {
        return context.output.document(counts);
    }
    let name = |what: &str| match what {
        "facts" => text!("facts", "条事实"),
        "blobs" => text!("blobs", "个数据块"),
        other => other.into(),
    };
    let counts = counts.as_object().into_iter().flatten();
    let counts = counts.map(|(what, count)| {
        let what = name(what);
        format!("{count} {}", what.in_locale(context.locale))
    });
    let counts: Vec<String> = counts.collect();
    let done = done.in_locale(context.locale);
    context
        .output
        .line(&format!("{done} {}", counts.join(", ")))
}
