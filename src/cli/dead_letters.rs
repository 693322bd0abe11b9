//! `aimass dead-letters`: tasks that were given up, with their input and cause.

use aimass_runtime::{DeadLetterRecord, Request, TaskId};
use clap::Subcommand;
use serde_json::Value;

use super::Context;
use super::failure::Failure;
use super::output::brief;
use super::reach::Reach;
use super::said::said;

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
    let reach = match &command {
        Command::Ls | Command::Show { .. } | Command::Rm { .. } => Reach::records(context).await?,
        Command::Redrive { .. } => Reach::runtime(context).await?,
    };
    reach
        .closing(async |reach: &Reach| match command {
            Command::Ls => list(context, reach).await,
            Command::Show { task } => {
                let letter = reach.reply(Request::DeadLetter { task }).await?;
                show(context, &letter)
            }
            Command::Redrive { task } => {
                let redriven = reach.reply(Request::Redrive { task }).await?;
                show(context, &redriven)
            }
            Command::Rm { task } => {
                reach.reply(Request::RemoveDeadLetter { task }).await?;
                let removed = said!("removed dead letter {task}", "已删除死信 {task}");
                removed.say(context.locale);
                Ok(())
            }
        })
        .await
}

async fn list(context: &Context, reach: &Reach) -> Result<(), Failure> {
    let output = context.output;
    let mut list = output.list();
    reach
        .each(Request::DeadLetters, |letter| {
            if output.is_json() {
                return list.item(&letter);
            }
            let letter: DeadLetterRecord = serde_json::from_value(letter)?;
            let redriven = letter
                .redriven_as
                .map(|task| said!("  redriven as {task}", "  已作为 {task} 重新投递"))
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

fn show(context: &Context, value: &Value) -> Result<(), Failure> {
    if context.output.is_json() {
        return context.output.document(value);
    }
    context.output.line(&serde_json::to_string_pretty(value)?)
}
