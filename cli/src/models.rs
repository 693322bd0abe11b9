//! `aimass models`: the artefacts that agents load.

mod needed;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use aimass_locale::{Locale, text};
use aimass_models::{Artefact, ModelError, Presence, Progress, Stage, Store};
use clap::Subcommand;
use indicatif::{ProgressBar as Bar, ProgressStyle};
use serde_json::json;

pub(crate) use needed::{fetch_missing, missing, wanted};

use super::Context;
use super::columns::padded;
use super::failure::Failure;
use super::messages::model_error;
use super::said::say;

/// List, fetch, verify, import and remove models
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the catalogue, and what of it is here
    Ls,
    /// Fetch models, and check them against their sha256
    Pull {
        /// Their names in the catalogue
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Read every file of a model again, and compare it with what was fetched
    Verify {
        /// Its name in the catalogue
        name: String,
    },
    /// Take a folder of your own as a model of the catalogue
    Import {
        /// Its name in the catalogue
        name: String,
        /// The folder with its files
        from: PathBuf,
    },
    /// Delete a model from this machine
    Rm {
        /// Its name in the catalogue
        name: String,
    },
    /// Print the folder of a model
    Path {
        /// Its name in the catalogue
        name: String,
    },
}

pub(crate) fn execute(context: &Context, command: Command) -> Result<(), Failure> {
    let store = store(context)?;
    match command {
        Command::Ls => list(context, &store),
        Command::Pull { names } => pull(context, &store, &names),
        Command::Verify { name } => {
            let files = store.verify(&name)?.files.len();
            if context.output.is_json() {
                return context
                    .output
                    .document(&json!({"name": name, "files": files, "ok": true}));
            }
            context.line(&text!(
                "{name} is whole: {files} files are as they were fetched",
                "{name} 完好：{files} 个文件与下载时相同"
            ))
        }
        Command::Import { name, from } => {
            store.catalogue().find(&name)?;
            let mut progress = ProgressBar::new(context.locale);
            let imported = store.import(&name, &from, &mut progress);
            progress.clear();
            let imported = imported.map_err(|error| Failure::bad_input(model_error(&error)));
            let path = imported?;
            let shown = path.display();
            let said = text!("imported {name}: {shown}", "已导入 {name}：{shown}");
            if context.output.is_json() {
                return context
                    .output
                    .document(&json!({"name": name, "path": path}));
            }
            context.line(&said)
        }
        Command::Rm { name } => remove(context, &store, &name),
        Command::Path { name } => {
            let path = store.path(&name)?;
            if context.output.is_json() {
                return context
                    .output
                    .document(&json!({"name": name, "path": path}));
            }
            context.output.line(&path.display().to_string())
        }
    }
}

/// The artefacts of this machine, as the configuration says.
pub(crate) fn store(context: &Context) -> Result<Store, Failure> {
    let models = context.home.load_config()?.models;
    Ok(aimass::model_store(&models, context.home.cache())?)
}

fn list(context: &Context, store: &Store) -> Result<(), Failure> {
    let output = context.output;
    let mut list = output.list();
    for artefact in store.catalogue().artefacts() {
        let presence = match store.presence(&artefact.name) {
            Presence::Absent => text!("absent", "不在"),
            Presence::Present => text!("present", "已有"),
            Presence::Damaged => text!("damaged", "损坏"),
        };
        let Artefact {
            name,
            task,
            licence,
            megabytes,
            description,
            languages,
            ..
        } = artefact;
        if output.is_json() {
            list.item(&json!({
                "name": name,
                "presence": presence.english,
                "task": task,
                "licence": licence,
                "megabytes": megabytes,
                "languages": languages,
                "description": description,
            }))?;
        } else {
            let name = output.strong(&padded(name, 24));
            let presence = padded(presence.in_locale(context.locale), 8);
            let licence = padded(licence, 12);
            output.line(&format!(
                "{name} {presence} {megabytes:>5} MB  {licence} {description}"
            ))?;
        }
    }
    list.end()
}

fn pull(context: &Context, store: &Store, names: &[String]) -> Result<(), Failure> {
    // A name that is mistyped is told before anything is fetched.
    for name in names {
        store.catalogue().find(name)?;
    }
    let mut documents = Vec::new();
    for name in names {
        let path = fetch(context, store, name)?;
        documents.push(json!({"name": name, "path": path}));
    }
    if !context.output.is_json() {
        return Ok(());
    }
    match &documents[..] {
        [document] => context.output.document(document),
        _ => context.output.document(&documents.into()),
    }
}

fn fetch(context: &Context, store: &Store, name: &str) -> Result<PathBuf, Failure> {
    let mut progress = ProgressBar::new(context.locale);
    let path = store.pull(name, &mut progress);
    progress.clear();
    let path = path?;
    if !context.output.is_json() {
        let path = path.display();
        context.line(&text!("fetched {name}: {path}", "已下载 {name}：{path}"))?;
    }
    Ok(path)
}

fn remove(context: &Context, store: &Store, name: &str) -> Result<(), Failure> {
    let removed = store.remove(name)?;
    if context.output.is_json() {
        return context
            .output
            .document(&json!({"name": name, "removed": removed}));
    }
    context.line(&match removed {
        true => text!("removed {name}", "已删除 {name}"),
        false => text!("was not here: {name}", "本机没有 {name}"),
    })
}

/// How often what turns is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// A bar on a terminal; a line for each file where nobody looks.
pub(crate) struct ProgressBar {
    locale: Locale,
    bar: Option<Bar>,
}

impl ProgressBar {
    pub(crate) fn new(locale: Locale) -> Self {
        Self { locale, bar: None }
    }

    /// A bar where it is known how much there is, else something that turns.
    fn style(&self, bar: &Bar) {
        let template = match bar.length() {
            Some(_) => self.locale.choose(
                "{msg} {bar:30} {bytes} of {total_bytes}, {eta} left",
                "{msg} {bar:30} {bytes} / {total_bytes}，还需 {eta}",
            ),
            None => "{spinner} {msg} {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if bar.length().is_none() {
            bar.enable_steady_tick(TICK);
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for ProgressBar {
    fn begin(&mut self, stage: Stage<'_>, total: Option<u64>) {
        self.clear();
        let what = match stage {
            Stage::Fetching(what) => text!("fetching {what}", "正在下载 {what}"),
            Stage::Joining(what) => text!("joining {what}", "正在合并 {what}"),
            Stage::Converting(what) => text!("converting to {what}", "正在转换为 {what}"),
        };
        if !io::stderr().is_terminal() {
            return say(&what, self.locale);
        }
        let bar = match total {
            Some(total) => Bar::new(total),
            None => Bar::new_spinner(),
        };
        self.style(&bar);
        bar.set_message(what.in_locale(self.locale).to_owned());
        self.bar = Some(bar);
    }

    fn expect(&mut self, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            self.style(bar);
        }
    }

    fn advance(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        match error {
            // Of what is done here, only a name can be such an input.
            ModelError::Input { .. } => Self::usage(model_error(&error)),
            ModelError::NoSource { .. } if error.is_bad_content() => {
                Self::bad_input(model_error(&error))
            }
            _ => Self::unavailable(model_error(&error)),
        }
    }
}
