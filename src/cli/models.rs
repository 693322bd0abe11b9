//! `aimass models`: the artefacts that agents load.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use aimass_config::Config;
use aimass_models::{Artefact, ModelError, Presence, Progress, Store};
use aimass_runtime::file_kinds;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::Context;
use super::failure::{Failure, say};

/// List, fetch, verify, import and remove models
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the catalogue, and what of it is here
    Ls,
    /// Fetch a model, and check it against its sha256
    Pull {
        /// Its name in the catalogue
        name: String,
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
        Command::Pull { name } => {
            let mut progress = Shown::default();
            let path = store.pull(&name, &mut progress);
            progress.clear();
            done(context, "fetched", &name, &path?)
        }
        Command::Verify { name } => {
            let files = store.verify(&name)?.files.len();
            if context.output.is_json() {
                return context
                    .output
                    .document(&json!({"name": name, "files": files, "ok": true}));
            }
            context.output.line(&format!(
                "{name} is whole: {files} files are as they were fetched"
            ))
        }
        Command::Import { name, from } => {
            store.catalogue().find(&name)?;
            let mut progress = Shown::default();
            let imported = store.import(&name, &from, &mut progress);
            progress.clear();
            let imported = imported.map_err(|error| Failure::bad_input(error.to_string()));
            done(context, "imported", &name, &imported?)
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

/// What the text agent takes where the configuration names nothing else.
const TEXT_MODEL: &str = "minilm";

/// The name of the model that the text agent is to have.
pub(crate) fn text_model(config: &Config) -> String {
    config
        .agent("text")
        .model
        .unwrap_or_else(|| TEXT_MODEL.to_owned())
}

/// What the speech agent transcribes with where the configuration names nothing else.
const SPEECH_MODEL: &str = "whisper-base";

/// The name of the model that the speech agent is to transcribe with.
pub(crate) fn speech_model(config: &Config) -> String {
    config
        .agent("speech")
        .model
        .unwrap_or_else(|| SPEECH_MODEL.to_owned())
}

/// What the generation agent writes with where the configuration names nothing else.
const GENERATION_MODEL: &str = "smollm2";

/// The name of the model that the generation agent is to write with.
pub(crate) fn generation_model(config: &Config) -> String {
    config
        .agent("generation")
        .model
        .unwrap_or_else(|| GENERATION_MODEL.to_owned())
}

/// Fetches the models that these files need, where they are missing and may be fetched.
pub(crate) fn fetch_missing(context: &Context, paths: &[PathBuf]) -> Result<(), Failure> {
    let config = context.home.load_config()?;
    if config.models.offline {
        return Ok(());
    }
    let store = store(context)?;
    let mut names = Vec::new();
    if config.agent("text").enabled {
        names.push(text_model(&config));
    }
    if config.agent("speech").enabled && file_kinds(paths).contains("file.audio") {
        names.extend(["silero-vad".to_owned(), speech_model(&config)]);
    }
    for name in names {
        if store.presence(&name) != Presence::Absent {
            continue;
        }
        let mut progress = Shown::default();
        let pulled = store.pull(&name, &mut progress);
        progress.clear();
        if let Err(error) = pulled {
            // The team does what it can without it, and says of each input what it could not.
            say(&Failure::from(error).line());
        }
    }
    Ok(())
}

fn list(context: &Context, store: &Store) -> Result<(), Failure> {
    let output = context.output;
    let mut list = output.list();
    for artefact in store.catalogue().artefacts() {
        let presence = match store.presence(&artefact.name) {
            Presence::Absent => "absent",
            Presence::Present => "present",
            Presence::Damaged => "damaged",
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
                "presence": presence,
                "task": task,
                "licence": licence,
                "megabytes": megabytes,
                "languages": languages,
                "description": description,
            }))?;
        } else {
            let name = output.strong(&format!("{name:24}"));
            output.line(&format!(
                "{name} {presence:8} {megabytes:>5} MB  {licence:12} {description}"
            ))?;
        }
    }
    list.end()
}

fn remove(context: &Context, store: &Store, name: &str) -> Result<(), Failure> {
    let removed = store.remove(name)?;
    if context.output.is_json() {
        return context
            .output
            .document(&json!({"name": name, "removed": removed}));
    }
    let what = if removed { "removed" } else { "was not here:" };
    context.output.line(&format!("{what} {name}"))
}

fn done(context: &Context, done: &str, name: &str, path: &Path) -> Result<(), Failure> {
    if context.output.is_json() {
        return context
            .output
            .document(&json!({"name": name, "path": path}));
    }
    context
        .output
        .line(&format!("{done} {name}: {}", path.display()))
}

/// A bar on a terminal; a line for each file where nobody looks.
#[derive(Default)]
pub(crate) struct Shown {
    bar: Option<ProgressBar>,
}

impl Shown {
    /// Takes the bar away.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Shown {
    fn begin(&mut self, what: &str, total: Option<u64>) {
        self.clear();
        if !io::stderr().is_terminal() {
            return say(what);
        }
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        let template = "{msg} {bar:30} {bytes} of {total_bytes}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        self.bar = Some(bar);
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
            ModelError::Input { .. } => Self::usage(error.to_string()),
            _ => Self::unavailable(error.to_string()),
        }
    }
}
