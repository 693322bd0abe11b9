//! `aimass config`: what the configuration says, whether it holds, and a first one.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use aimass_config::Config;
use clap::Subcommand;
use serde_json::json;

use super::Context;
use super::failure::Failure;

/// Check, show or begin the configuration
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say whether the configuration holds, and what is wrong where it does not
    Check,
    /// Show every value as it is in force, defaults and variables included
    Show,
    /// Write a file with every key, its default and what it does
    Init,
}

pub(crate) fn execute(context: &Context, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Check => check(context),
        Command::Show => show(context),
        Command::Init => init(context),
    }
}

fn check(context: &Context) -> Result<(), Failure> {
    context.home.load_config()?;
    let file = context.home.config_file();
    if context.output.is_json() {
        return context.output.document(&json!({"ok": true, "file": file}));
    }
    context.output.line(&match file {
        Some(file) => format!("{} holds", file.display()),
        None => "there is no configuration, and none is needed; `aimass config init` writes one to change".to_owned(),
    })
}

fn show(context: &Context) -> Result<(), Failure> {
    let text = context.home.load_config()?.to_toml()?;
    if !context.output.is_json() {
        return context.output.bytes(text.as_bytes());
    }
    let document: serde_json::Value =
        toml::from_str(&text).map_err(|error| Failure::bug(error.to_string()))?;
    context.output.document(&document)
}

fn init(context: &Context) -> Result<(), Failure> {
    let path = context.home.new_config_file();
    let shown = path.display();
    if path.parent() == Some(context.home.folder()) {
        context.home.make()?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::usage(format!(
                "{shown} exists already; change it, or name another with `--config FILE`"
            )),
            _ => Failure::unavailable(format!(
                "cannot make {shown}: {error}; name another with `--config FILE`"
            )),
        })?;
    file.write_all(Config::template().as_bytes())?;
    if context.output.is_json() {
        return context.output.document(&json!({"file": path}));
    }
    context.output.line(&format!("wrote {shown}"))
}
