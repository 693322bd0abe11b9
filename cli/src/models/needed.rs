//! The models that a run needs: which they are, and how they come here where they are missing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use aimass_config::Config;
use aimass_locale::{Text, text};
use aimass_models::{Presence, Store};
use aimass_runtime::file_kinds;

use super::{Shown, store};
use crate::Context;
use crate::failure::Failure;
use crate::said::say;

/// The name of the model that the text agent is to have.
pub(crate) fn text_model(config: &Config) -> String {
    model_of(config, "text", "minilm")
}

/// The name of the model that the speech agent is to transcribe with.
pub(crate) fn speech_model(config: &Config) -> String {
    model_of(config, "speech", "whisper-base")
}

/// The name of the model that the generation agent is to write with.
pub(crate) fn generation_model(config: &Config) -> String {
    model_of(config, "generation", "smollm2")
}

/// The model that is configured for an agent, else its usual one.
fn model_of(config: &Config, agent: &str, usual: &str) -> String {
    config
        .agent(agent)
        .model
        .unwrap_or_else(|| usual.to_owned())
}

/// A model that a run may need, of the agent that does its work with it.
struct Needed {
    agent: &'static str,
    model: String,
}

/// The models of the agents that are switched on and have something to do with files of these kinds.
fn needed(config: &Config, kinds: &BTreeSet<String>) -> Vec<Needed> {
    let has = |agent: &str| config.agent(agent).enabled;
    let speaks = has("speech") && kinds.contains("file.audio");
    let mut needed = Vec::new();
    let mut need = |agent, model| needed.push(Needed { agent, model });
    if has("text") {
        need("text", text_model(config));
    }
    if speaks {
        need("speech", "silero-vad".to_owned());
        need("speech", speech_model(config));
    }
    // A report has sentences of a model about documents only: texts, and what is said in recordings.
    if has("generation") && (speaks || kinds.contains("file.text")) {
        need("generation", generation_model(config));
    }
    needed
}

/// Fetches the models that these files need, where they are missing and may be fetched.
pub(crate) fn fetch_missing(context: &Context, paths: &[PathBuf]) -> Result<(), Failure> {
    let config = context.home.load_config()?;
    if config.models.offline {
        return Ok(());
    }
    let store = store(context)?;
    for Needed { agent, model } in needed(&config, &file_kinds(paths)) {
        if store.presence(&model) != Presence::Absent {
            continue;
        }
        announce(context, &store, agent, &model);
        let mut progress = Shown::new(context.locale);
        let pulled = store.pull(&model, &mut progress);
        progress.clear();
        if let Err(error) = pulled {
            // The team does what it can without it, and says of each input what it could not.
            let Text { english, chinese } = Failure::from(error).line();
            let said = text!("{english}", "无法下载模型 {model}：{chinese}");
            let rest = match agent {
                "generation" => text!(
                    "; without it the report is made of facts only",
                    "；没有它，报告只由事实组成"
                ),
                _ => Text::default(),
            };
            say(&said.then(&rest), context.locale);
        }
    }
    Ok(())
}

/// Says what is about to be fetched, and what for.
fn announce(context: &Context, store: &Store, agent: &str, model: &str) {
    // A name that the catalogue does not have is refused by whoever fetches it.
    let Ok(artefact) = store.catalogue().find(model) else {
        return;
    };
    let megabytes = artefact.megabytes;
    let purpose = match agent {
        "text" => text!("texts are compared with it", "用于比较文本"),
        "speech" => text!("recordings are heard with it", "用于听录音"),
        _ => text!("it writes sentences of the report", "用于撰写报告中的句子"),
    };
    let Text { english, chinese } = purpose;
    let said = text!(
        "fetching the model {model} ({megabytes} MB), once; {english}",
        "正在下载模型 {model}（{megabytes} MB），仅此一次；{chinese}"
    );
    say(&said, context.locale);
}

/// The models that the agents lack, by agent: why a task of theirs is not available.
pub(crate) fn missing(context: &Context) -> Result<Vec<(&'static str, String)>, Failure> {
    let config = context.home.load_config()?;
    let store = store(context)?;
    let kinds = BTreeSet::from(["file.audio", "file.text"].map(str::to_owned));
    let needed = needed(&config, &kinds).into_iter();
    let missing = needed.filter(|needed| store.presence(&needed.model) == Presence::Absent);
    Ok(missing.map(|needed| (needed.agent, needed.model)).collect())
}
