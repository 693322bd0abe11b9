//! `aimass ask`: one task.

use std::ffi::OsString;
use std::time::Duration;

use aimass_runtime::{Priority, Request, TaskOptions};
use clap::Args;
use serde_json::Value;

use super::failure::Failure;
use super::reach::Reach;
use super::readable::Readable;
use super::{Context, input, skills, trace};

/// Ask one skill, and print its output
#[derive(Args)]
pub(crate) struct Arguments {
    /// The skill: `text.language`; `aimass skills` lists them
    skill: String,
    /// A text, the path of a file, or `-` for standard input
    #[arg(allow_hyphen_values = true)]
    input: OsString,
    /// Another field of the input; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Stop waiting after that many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    deadline: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let reach = Reach::runtime(context).await?;
    reach
        .closing(async |reach: &Reach| ask(context, reach, arguments).await)
        .await
}

async fn ask(context: &Context, reach: &Reach, arguments: Arguments) -> Result<(), Failure> {
    let output = context.output;
    let input = match skills::find(reach, &arguments.skill).await? {
        Some(spec) => input::build(&spec, &arguments.input, &arguments.set)?,
        // The runtime knows which one is nearest, and refuses whatever the input is.
        None => Value::Null,
    };
    let options = TaskOptions {
        priority: Priority::Interactive,
        deadline: arguments.deadline,
        trace: trace::of_caller(),
        ..TaskOptions::default()
    };
    let mut readable = Readable::new(output, &input);
    let request = Request::Ask {
        skill: arguments.skill,
        input,
        options: Box::new(options),
    };
    let answer = reach
        .each(request, |item| {
            if output.is_json() {
                Ok(())
            } else {
                readable.item(&item)
            }
        })
        .await?;
    if output.is_json() {
        return output.document(&answer);
    }
    readable.end(&answer)
}
