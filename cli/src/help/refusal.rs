//! What a wrong command line is told: clap's words in one line, or ours in Chinese.

use std::error::Error as _;
use std::io::{self, Write};
use std::process::ExitCode;

use aimass_locale::{Locale, Text};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::{Failure, USAGE};

/// What clap has to say: help as it is; an error as one line.
pub(crate) fn refuse(error: &clap::Error, locale: Locale) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            // A reader that has seen enough, as `head` has.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => Failure::from(error).report(locale),
        };
    }
    let rendered = error.render().to_string();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = write!(io::stderr(), "{rendered}");
        return ExitCode::from(USAGE);
    }
    let english = format!("{}; see `aimass --help`", in_english(&rendered));
    let chinese = match in_chinese(error) {
        Some(chinese) => format!("{chinese}；参见 `aimass --help`"),
        None => english.clone(),
    };
    Failure::usage(Text { english, chinese }).report(locale)
}

fn in_english(rendered: &str) -> String {
    let said = rendered.split("\n\nUsage:").next().unwrap_or_default();
    let said = said.split("\n\n用法：").next().unwrap_or_default();
    let said = said.split("\n\nFor more").next().unwrap_or_default();
    let words: Vec<&str> = said.split_whitespace().collect();
    let line = words.join(" ");
    line.strip_prefix("error: ")
        .unwrap_or(&line)
        .replace(" tip: ", "; ")
}

/// The usual mistakes; others are left to clap's words.
fn in_chinese(error: &clap::Error) -> Option<String> {
    let of = |kind| shown(error.get(kind)?);
    Some(match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = of(ContextKind::InvalidSubcommand)?;
            let nearest = of(ContextKind::SuggestedSubcommand);
            let nearest = nearest.map(|name| format!("，是否要输入 {name}？"));
            format!("没有命令 {name}{}", nearest.unwrap_or_default())
        }
        ErrorKind::UnknownArgument => {
            let name = of(ContextKind::InvalidArg)?;
            let nearest = of(ContextKind::SuggestedArg);
            let nearest = nearest.map(|name| format!("，是否要输入 {name}？"));
            format!("没有参数 {name}{}", nearest.unwrap_or_default())
        }
        ErrorKind::InvalidValue => {
            let name = of(ContextKind::InvalidArg)?;
            let valid = of(ContextKind::ValidValue);
            let valid = valid.map(|valid| format!("，应为 {valid} 之一"));
            match of(ContextKind::InvalidValue) {
                Some(value) => format!("{name} 不能是 {value}{}", valid.unwrap_or_default()),
                None => format!("{name} 需要一个值{}", valid.unwrap_or_default()),
            }
        }
        ErrorKind::ValueValidation => {
            let (name, value) = (of(ContextKind::InvalidArg)?, of(ContextKind::InvalidValue)?);
            let why = error.source().map(|why| format!("：{why}"));
            format!("{name} 不能是 {value}{}", why.unwrap_or_default())
        }
        ErrorKind::MissingRequiredArgument => format!("缺少 {}", of(ContextKind::InvalidArg)?),
        ErrorKind::ArgumentConflict => format!(
            "{} 不能与 {} 同时使用",
            of(ContextKind::InvalidArg)?,
            of(ContextKind::PriorArg)?
        ),
        _ => return None,
    })
}

fn shown(value: &ContextValue) -> Option<String> {
    match value {
        ContextValue::String(text) if !text.is_empty() => Some(format!("`{text}`")),
        ContextValue::Strings(texts) if !texts.is_empty() => {
            Some(format!("`{}`", texts.join("`、`")))
        }
        _ => None,
    }
}
