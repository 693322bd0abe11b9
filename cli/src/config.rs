//! `aimass config`: what the configuration says, whether it holds, and a first one.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use aimass_config::Problem;
use aimass_locale::text;
use clap::Subcommand;
use serde_json::json;

use super::Context;
use super::failure::Failure;
use super::messages::problem;
use super::said::say;

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

/// Holds the configuration against its rules, and against the team. Gives what is odd about it.
pub(crate) fn checked(context: &Context) -> Result<Vec<Problem>, Failure> {
    let config = context.home.load_config()?;
    Ok(context.agents.check(config, context.home.cache())?)
}

fn check(context: &Context) -> Result<(), Failure> {
    for doubt in checked(context)? {
        say(&problem(&doubt), context.locale);
    }
    let file = context.home.config_file();
    if context.output.is_json() {
        return context.output.document(&json!({"ok": true, "file": file}));
    }
    let shown = file.map(std::path::Path::display);
    context.line(&match shown {
        Some(file) => text!("{file} holds", "{file} 有效"),
        None => text!(
            "there is no configuration, and none is needed; `aimass config init` writes one to change",
            "没有配置文件，也不需要；`aimass config init` 会写一个供修改"
        ),
    })
}

fn show(context: &Context) -> Result<(), Failure> {
    let text = context
        .agents
        .in_force(context.home.load_config()?)
        .to_toml()?;
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
            ErrorKind::AlreadyExists => Failure::usage(text!(
                "{shown} exists already; change it, or name another with `--config FILE`",
                "{shown} 已存在；请修改它，或用 `--config 文件` 另选一个"
            )),
            _ => Failure::unavailable(text!(
                "cannot make {shown}: {error}; name another with `--config FILE`",
                "无法创建 {shown}：{error}；请用 `--config 文件` 另选一个"
            )),
        })?;
    file.write_all(context.agents.template().as_bytes())?;
    if context.output.is_json() {
        return context.output.document(&json!({"file": path}));
    }
    context.line(&text!("wrote {shown}", "已写入 {shown}"))
}
