//! The command line: one subcommand a file. This one parses, says where things lie, and hands over.
//!
//! A program of one's own with more agents is [`run`] with more manifests: each of them is in the team, and in whatever explains, configures, shows or
//! fetches something.

mod agents;
mod ask;
mod client;
mod columns;
mod completions;
mod config;
mod dates;
mod dead_letters;
mod doctor;
mod facts;
mod failure;
mod help;
mod home;
mod input;
mod interrupt;
mod man;
mod messages;
mod models;
mod output;
mod panel;
mod presentation;
mod readable;
mod reference;
mod run;
mod said;
mod schema;
mod skills;
mod start;
mod styles;
mod threads;
mod top;
mod trace;

use std::cell::OnceCell;
use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use aimass::AgentSet;
use aimass_locale::{Locale, Text};
use aimass_observers::logs::LogExport;
use clap::{Parser, Subcommand};

use failure::Failure;
use home::Home;
use output::Output;

/// A runtime for teams of learning models: supervised agents over one shared, durable environment.
#[derive(Parser)]
#[command(name = "aimass", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// The folder of the store and the socket [default: AIMASS_HOME, else the platform's data folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    home: Option<PathBuf>,
    /// The configuration [default: ./aimass.toml, else aimass.toml in the home folder, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Put exactly one JSON document on standard output
    #[arg(long, global = true)]
    json: bool,
    /// The language of lines, reports and help: `en` or `zh` [default: that of the locale]
    #[arg(long, global = true, value_name = "LANGUAGE")]
    lang: Option<Locale>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Start(start::Arguments),
    Run(run::Arguments),
    Ask(ask::Arguments),
    Skills(skills::Arguments),
    Agents(agents::Arguments),
    Top(top::Arguments),
    #[command(subcommand)]
    Models(models::Command),
    #[command(subcommand)]
    Facts(facts::Command),
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    #[command(subcommand)]
    Config(config::Command),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Reference(reference::Arguments),
}

/// What every subcommand needs to know.
pub(crate) struct Context {
    pub(crate) agents: AgentSet,
    pub(crate) home: Home,
    pub(crate) output: Output,
    /// The language in which people are spoken to.
    pub(crate) locale: Locale,
    /// Set once the configuration says where logs go.
    pub(crate) logs: OnceCell<LogExport>,
}

impl Context {
    /// A line on standard output, in the language of the reader.
    pub(crate) fn line(&self, line: &Text) -> Result<(), Failure> {
        self.output.line(line.in_locale(self.locale))
    }
}

/// Runs the program with these agents, as its arguments say. Returns its exit code.
///
/// Call it first thing in `main`: the process starts itself again with one computing thread a model, before any other thread is there.
pub fn run(agents: AgentSet) -> ExitCode {
    let locale = said::locale_of(std::env::args_os());
    failure::report_panics(locale);
    // Before any thread starts: candle reads these variables once, and only a process that was started with them has them everywhere.
    if let Err(error) = threads::start_again_with_one_compute_thread() {
        return Failure::from(error).report(locale);
    }
    let cli = match help::parse(locale) {
        Ok(cli) => cli,
        Err(error) => return help::refuse(&error, locale),
    };
    let work = std::panic::AssertUnwindSafe(|| execute(cli, agents, locale));
    match std::panic::catch_unwind(work) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failure.report(locale),
        // The hook has said what it was.
        Err(_) => ExitCode::from(failure::BUG),
    }
}

fn execute(cli: Cli, agents: AgentSet, locale: Locale) -> Result<(), Failure> {
    let context = Context {
        agents,
        home: Home::find(cli.home, cli.config)?,
        output: Output::new(if cli.json {
            output::Format::Json
        } else {
            output::Format::Text
        }),
        // The parser reads the same option, so that it refuses what is no language.
        locale: cli.lang.unwrap_or(locale),
        logs: OnceCell::new(),
    };
    match cli.command {
        Command::Start(arguments) => block_on(start::execute(&context, arguments)),
        Command::Run(arguments) => {
            let arguments = arguments.or_sample(&context)?;
            // Before any async work: fetching blocks.
            models::fetch_missing(&context, arguments.paths())?;
            block_on(run::execute(&context, arguments))
        }
        Command::Ask(arguments) => block_on(ask::execute(&context, arguments)),
        Command::Skills(arguments) => block_on(skills::execute(&context, arguments)),
        Command::Agents(arguments) => block_on(agents::execute(&context, arguments)),
        Command::Top(arguments) => block_on(top::execute(&context, arguments)),
        Command::Models(command) => models::execute(&context, command),
        Command::Facts(command) => block_on(facts::execute(&context, command)),
        Command::DeadLetters(command) => block_on(dead_letters::execute(&context, command)),
        Command::Config(command) => config::execute(&context, &command),
        Command::Doctor(arguments) => block_on(doctor::execute(&context, arguments)),
        Command::Completions(arguments) => completions::execute(&context, &arguments),
        Command::Man(arguments) => man::execute(&context, arguments),
        Command::Reference(arguments) => block_on(reference::execute(&context, arguments)),
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let threads = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = threads.block_on(work);
    // A worker that does not end within its grace must not hold the terminal.
    threads.shutdown_background();
    outcome
}
