//! `aimass dead-letters`: tasks that were given up, with their input and cause.

use aimass_locale::{Locale, text};
use aimass_runtime::{DeadLetterRecord, Request, TaskId};
use clap::Subcommand;
use serde_json::Value;

use super::Context;
use super::client::Client;
use super::dates::utc;
use super::failure::Failure;
use super::output::{brief, labelled};
use super::presentation::Presentation;
use super::readable::Readable;
use super::said::say;
use super::skills;

/// Characters of a cause that is shown whole as a rule.
const CAUSE: usize = 2000;

/// List, show, redrive and remove tasks that were given up
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List them, the oldest first
    Ls,
    /// Show one with its input and cause
    Show {
        /// The task
        task: TaskId,
    },
    /// Ask for it again, as a new task
    Redrive {
        /// The task
        task: TaskId,
    },
    /// Remove one that nobody needs any more
    Rm {
        /// The task
        task: TaskId,
    },
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<(), Failure> {
    let client = match &command {
        Command::Ls | Command::Show { .. } | Command::Rm { .. } => Client::records(context).await?,
        Command::Redrive { .. } => Client::runtime(context).await?,
    };
    client
        .closing(async |client: &Client| match command {
            Command::Ls => list(context, client).await,
            Command::Show { task } => {
                let letter = client.reply(Request::DeadLetter { task }).await?;
                show(context, letter)
            }
            Command::Redrive { task } => {
                let presentation = presentation(client, task).await?;
                let redriven = client.reply(Request::Redrive { task }).await?;
                redriven_as(context, presentation, &redriven)
            }
            Command::Rm { task } => {
                client.reply(Request::RemoveDeadLetter { task }).await?;
                let removed = text!("removed dead letter {task}", "已删除死信 {task}");
                say(&removed, context.locale);
                Ok(())
            }
        })
        .await
}

async fn list(context: &Context, client: &Client) -> Result<(), Failure> {
    let output = context.output;
    let mut list = output.list();
    client
        .each(Request::DeadLetters, |letter| {
            if output.is_json() {
                return list.item(&letter);
            }
            let letter: DeadLetterRecord = serde_json::from_value(letter)?;
            let redriven = letter
                .redriven_as
                .map(|task| text!("  redriven as {task}", "  已作为 {task} 重新投递"))
                .unwrap_or_default();
            let redriven = redriven.in_locale(context.locale);
            let skill = output.strong(&letter.task.skill);
            output.line(&format!(
                "{}  {skill}  {}{redriven}",
                letter.task.id,
                brief(&letter.cause, 100)
            ))
        })
        .await?;
    list.end()
}

fn show(context: &Context, letter: Value) -> Result<(), Failure> {
    if context.output.is_json() {
        return context.output.document(&letter);
    }
    let letter: DeadLetterRecord = serde_json::from_value(letter)?;
    for line in shown(&letter, context.locale) {
        context.output.line(&line)?;
    }
    let input = serde_json::to_string_pretty(&letter.task.input)?;
    context.output.line(&format!("\n{input}"))
}

/// What is known of a dead letter besides its input, a line for each.
fn shown(letter: &DeadLetterRecord, locale: Locale) -> Vec<String> {
    let task = &letter.task;
    let rows = [
        (text!("task", "任务"), Some(task.id.to_string())),
        (text!("skill", "技能"), Some(task.skill.clone())),
        (text!("cause", "原因"), Some(brief(&letter.cause, CAUSE))),
        (
            text!("attempts", "尝试次数"),
            Some(task.attempts.to_string()),
        ),
        (text!("at", "时间"), Some(utc(letter.at_ms))),
        (text!("tenant", "租户"), Some(task.namespace.0.to_string())),
        (
            text!("episode", "任务集"),
            task.episode.map(|id| id.to_string()),
        ),
        (
            text!("redriven as", "重新投递为"),
            letter.redriven_as.map(|id| id.to_string()),
        ),
    ];
    labelled(rows, locale)
}

/// How the answer of a dead letter's skill is shown.
async fn presentation(client: &Client, task: TaskId) -> Result<Presentation, Failure> {
    let letter = client.reply(Request::DeadLetter { task }).await?;
    let letter: DeadLetterRecord = serde_json::from_value(letter)?;
    let spec = skills::find(client, &letter.task.skill).await?;
    Ok(spec
        .as_ref()
        .map_or_else(Presentation::default, Presentation::of))
}

/// The task that a dead letter has become, and its answer.
fn redriven_as(
    context: &Context,
    presentation: Presentation,
    redriven: &Value,
) -> Result<(), Failure> {
    if context.output.is_json() {
        return context.output.document(redriven);
    }
    let task = brief(&redriven["task"], CAUSE);
    context.line(&text!("redriven as {task}", "已作为 {task} 重新投递"))?;
    Readable::new(context, presentation, &Value::Null).end(&redriven["output"])
}
