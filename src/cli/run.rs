//! `aimass run`: files through the team.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use aimass_runtime::{Fact, InputFailure, Namespace, Request, Revision, TaskError, TaskFailure};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::{self, Failure, say};
use super::reach::Reach;
use super::{Context, facts, trace};

/// Put files through the team, wait until it is quiet, and print what it found
#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders; a folder stands for the files below it
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The tenant
    #[arg(long)]
    namespace: Option<String>,
}

impl Arguments {
    /// Files and folders.
    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
}

/// What an episode came to, besides its facts.
#[derive(Deserialize)]
struct Report {
    episode: Value,
    failures: Vec<TaskFailure>,
    refused: Vec<InputFailure>,
    unhandled: Vec<Revision>,
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let (paths, refused) = usable(&arguments.paths);
    let namespace = arguments
        .namespace
        .map_or_else(Namespace::default, |name| Namespace(name.into()));
    let reach = Reach::runtime(context).await?;
    let request = Request::Run {
        paths,
        namespace,
        trace: trace::of_caller(),
    };
    reach
        .closing(async |reach: &Reach| run(context, reach, request, refused).await)
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

async fn run(
    context: &Context,
    reach: &Reach,
    request: Request,
    refused: Vec<InputFailure>,
) -> Result<(), Failure> {
    let output = context.output;
    let mut found = Vec::new();
    let report = reach
        .each(request, |fact| {
            if !output.is_json() {
                let fact: Fact = serde_json::from_value(fact.clone())?;
                output.line(&facts::one_line(output, &fact))?;
            }
            found.push(fact);
            Ok(())
        })
        .await?;
    let mut report: Report = serde_json::from_value(report)?;
    report.refused.extend(refused);
    if output.is_json() {
        output.document(&json!({
            "episode": report.episode,
            "facts": found,
            "failures": failures(&report),
            "report": of_kind(&found, "generation.report"),
        }))?;
    }
    report.conclude(&found)
}

/// The content of the last fact of that kind, if there is one.
fn of_kind<'a>(facts: &'a [Value], kind: &str) -> Option<&'a Value> {
    let kind_of = |fact: &Value| Some(fact.get("kind")?.as_str()?.split('@').next()?.to_owned());
    facts
        .iter()
        .rfind(|fact| kind_of(fact).as_deref() == Some(kind))?
        .get("value")
}

fn failures(report: &Report) -> Vec<Value> {
    let inputs = report.refused.iter().map(|input| json!(input));
    let tasks = report.failures.iter().map(|task| json!(task));
    inputs.chain(tasks).collect()
}

impl Report {
    /// Names what went wrong, one line each; what it comes to is the exit code.
    fn conclude(&self, facts: &[Value]) -> Result<(), Failure> {
        let path_of = |revision: Revision| {
            let fact = facts
                .iter()
                .find(|fact| fact.get("revision") == Some(&json!(revision)));
            let path = fact.and_then(|fact| fact.pointer("/value/path")?.as_str());
            path.map_or_else(|| format!("fact {revision}"), str::to_owned)
        };
        for input in &self.refused {
            say(&format!("{}: {}", input.path.display(), input.message));
        }
        for task in &self.failures {
            let subject = task.cause.map_or_else(|| task.skill.clone(), path_of);
            say(&format!("{subject}: {}", task.message));
        }
        for (kind, count) in self.unhandled_kinds(facts) {
            say(&format!(
                "no agent handles `{kind}` yet ({count} of the inputs)"
            ));
        }
        let of_task = |task: &TaskFailure| {
            serde_json::from_value::<TaskError>(task.error.clone())
                .map_or(failure::BUG, |error| error.exit_code())
        };
        let inputs = self.refused.iter().map(|_| failure::BAD_INPUT);
        let worst = inputs.chain(self.failures.iter().map(of_task)).min();
        worst.map_or(Ok(()), |exit| Err(Failure::already_said(exit)))
    }

    fn unhandled_kinds<'a>(&self, facts: &'a [Value]) -> BTreeMap<&'a str, usize> {
        let unhandled: HashSet<u64> = self.unhandled.iter().map(|revision| revision.0).collect();
        let mut kinds = BTreeMap::new();
        for fact in facts {
            let revision = fact.get("revision").and_then(Value::as_u64);
            if revision.is_some_and(|revision| unhandled.contains(&revision)) {
                let kind = fact.get("kind").and_then(Value::as_str).unwrap_or_default();
                *kinds.entry(kind).or_default() += 1;
            }
        }
        kinds
    }
}
