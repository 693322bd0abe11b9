//! `aimass ask`: one task.

mod live;
mod sound;

use std::ffi::OsString;
use std::time::Duration;

use aimass_runtime::{Namespace, Priority, Request, SkillSpec, TaskOptions};
use clap::Args;
use serde_json::Value;

use super::client::Client;
use super::failure::Failure;
use super::presentation::Presentation;
use super::readable::Readable;
use super::{Context, input, skills, trace};

/// Ask one skill, and print its output
#[derive(Args)]
pub(crate) struct Arguments {
    /// The skill: `text.language`; `aimass skills` lists them
    skill: String,
    /// A text, the path of a file, or `-` for standard input; not needed where `--set` gives all
    #[arg(allow_hyphen_values = true, required_unless_present = "set")]
    input: Option<OsString>,
    /// Another field of the input; may be repeated. Lists have commas between their texts, or are JSON: `["yes, please", "no"]`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Stop waiting after that many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    deadline: Option<Duration>,
    /// The tenant, whose facts alone a search finds [default: `environment.namespace` of the configuration]
    #[arg(long)]
    namespace: Option<String>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let client = Client::runtime(context).await?;
    client
        .closing(async |client: &Client| ask(context, client, arguments).await)
        .await
}

async fn ask(context: &Context, client: &Client, arguments: Arguments) -> Result<(), Failure> {
    let output = context.output;
    let options = TaskOptions {
        priority: Priority::Interactive,
        deadline: arguments.deadline,
        namespace: arguments
            .namespace
            .clone()
            .map(|name| Namespace(name.into())),
        trace: trace::of_caller(context),
        ..TaskOptions::default()
    };
    let (input, (items, presentation)) = match skills::find(client, &arguments.skill).await? {
        Some(spec) if live::hears_sound(&spec) => {
            return live::ask(context, client, &spec, &arguments, options).await;
        }
        Some(spec) => {
            let shown = (Items::of(&spec), Presentation::of(&spec));
            let input = input::read(context, spec, arguments.input, arguments.set).await?;
            (Some(input), shown)
        }
        // The runtime knows which one is nearest, and refuses whatever the input is.
        None => (None, (Items::Values, Presentation::default())),
    };
    // What came through a pipe is there until the answer is.
    let value = input
        .as_ref()
        .map_or(Value::Null, |input| input.value.clone());
    let mut readable = Readable::new(context, presentation, &value);
    let request = Request::Ask {
        skill: arguments.skill,
        input: value,
        options: Box::new(options),
    };
    let answer = client
        .each(request, |item| match (output.is_json(), items, &item) {
            (true, ..) => Ok(()),
            (false, Items::Text, Value::String(piece)) => output.piece(piece),
            (false, ..) => readable.item(&item),
        })
        .await?;
    if output.is_json() {
        return output.document(&answer);
    }
    if items == Items::Text {
        // The text was shown as it came.
        return output.line("");
    }
    readable.end(&answer)
}

/// What a skill sends while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Items {
    /// Values that stand for themselves.
    Values,
    /// Pieces of one text.
    Text,
}

impl Items {
    fn of(spec: &SkillSpec) -> Self {
        let view = spec.item.as_ref().and_then(|item| item.get("x-view"));
        match view.and_then(Value::as_str) {
            Some("text") => Self::Text,
            _ => Self::Values,
        }
    }
}
