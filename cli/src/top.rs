//! `aimass top`: what a node is doing, as it goes on.

mod episodes;
mod happenings;
mod help;
mod node;
mod overview;
mod palette;
mod panel;
mod screen;
mod session;
mod skills;
#[cfg(test)]
mod tests;
mod ui;
mod waterfall;
mod words;
mod workers;

use std::io::{self, IsTerminal};
use std::time::Duration;

use aimass_locale::text;
use clap::Args;
use ratatui::crossterm::terminal;

use super::Context;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::output::is_dumb;
use node::Node;
use palette::Palette;
use ui::Ui;

/// The shortest and the longest pause between two looks, in seconds.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.1..=3600.0;
/// The width of a frame that goes to no terminal, unless the variable `COLUMNS` says another.
const PLAIN_WIDTH: u16 = 80;

/// Watch the node of this home: agents, queues, rates, latencies, restarts, the last episodes
#[derive(Args)]
pub(crate) struct Arguments {
    /// Print one plain frame, and end
    #[arg(long)]
    once: bool,
    /// Look at the node that often
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    interval: Duration,
}

fn interval(text: &str) -> Result<Duration, String> {
    let expected = || "expected a number of seconds from 0.1 to 3600".to_owned();
    let seconds: f64 = text.parse().map_err(|_| expected())?;
    if !INTERVALS.contains(&seconds) {
        return Err(expected());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let output = context.output;
    let is_terminal = io::stdout().is_terminal();
    if !(is_terminal || arguments.once || output.is_json()) {
        return Err(Failure::usage(text!(
            "standard output is no terminal; `aimass top --once` prints one frame, `aimass top --json` one JSON document",
            "标准输出不是终端；`aimass top --once` 打印一帧，`aimass top --json` 打印一份 JSON 文档"
        )));
    }
    if is_dumb() && !(arguments.once || output.is_json()) {
        return Err(Failure::usage(text!(
            "the terminal is a dumb one (`TERM`); `aimass top --once` prints one frame, `aimass top --json` one JSON document",
            "终端是哑终端（`TERM`）；`aimass top --once` 打印一帧，`aimass top --json` 打印一份 JSON 文档"
        )));
    }
    let node = Node::connect(&context.home.socket()).await?;
    if output.is_json() {
        let view = serde_json::to_value(node.first_look().await?)?;
        return output.document(&view);
    }
    let view = node.first_look().await?;
    if arguments.once {
        let ui = Ui::new(view, Palette::Plain, context.locale);
        let width = if is_terminal {
            terminal::size().ok().map(|(width, _)| width)
        } else {
            std::env::var("COLUMNS")
                .ok()
                .and_then(|columns| columns.parse().ok())
        };
        return output.bytes(overview::plain(&ui, width.unwrap_or(PLAIN_WIDTH)).as_bytes());
    }
    let palette = if output.has_colours() {
        Palette::Colours
    } else {
        Palette::Monochrome
    };
    let interrupts = Interrupts::listen_to_all(context.locale)?;
    session::run(
        || Box::pin(node.look()),
        Ui::new(view, palette, context.locale),
        arguments.interval,
        interrupts,
    )
    .await
}
