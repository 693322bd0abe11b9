//! The models that a run needs: which they are, and how they come here where they are missing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use aimass::{AgentSet, ModelSlot};
use aimass_config::Config;
use aimass_locale::{Text, text};
use aimass_models::{Presence, Store};
use aimass_runtime::file_kinds;

use super::{ProgressBar, store};
use crate::Context;
use crate::client::views;
use crate::failure::Failure;
use crate::said::say;

/// A model that a run may need, of the agent that does its work with it.
struct Needed {
    agent: &'static str,
    slot: &'static ModelSlot,
    model: String,
}

/// The models of the agents that are switched on, as far as one of these kinds of files gives them something to do.
fn needed(agents: &AgentSet, config: &Config, has: impl Fn(&str) -> bool) -> Vec<Needed> {
    let mut needed = Vec::new();
    for manifest in agents.iter() {
        let config = config.agent(manifest.name);
        if !config.enabled {
            continue;
        }
        let slots = manifest.models.iter();
        let slots = slots.filter(|slot| {
            let mut kinds = slot.inputs.iter();
            kinds.any(|kind| has(kind) && slot.serves(kind, &config))
        });
        needed.extend(slots.map(|slot| Needed {
            agent: manifest.name,
            slot,
            model: slot.model(&config),
        }));
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
    let views = views(context, config.clone());
    let kinds = file_kinds(paths, views.file_kinds());
    for Needed { slot, model, .. } in needed(&context.agents, &config, |kind| kinds.contains(kind))
    {
        if store.presence(&model) != Presence::Absent {
            continue;
        }
        announce(context, &store, slot, &model);
        let mut progress = ProgressBar::new(context.locale);
        let pulled = store.pull(&model, &mut progress);
        progress.clear();
        if let Err(error) = pulled {
            // The team does what it can without it, and says of each input what it could not.
            let Text { english, chinese } = Failure::from(error).line();
            let said = text!("{english}", "无法下载模型 {model}：{chinese}");
            let rest = slot.without.map(|said| {
                let Text { english, chinese } = said();
                text!("; {english}", "；{chinese}")
            });
            let rest = rest.unwrap_or_default();
            say(&said.then(&rest), context.locale);
        }
    }
    Ok(())
}

/// Says what is about to be fetched, and what for.
fn announce(context: &Context, store: &Store, slot: &ModelSlot, model: &str) {
    // A name that the catalogue does not have is refused by whoever fetches it.
    let Ok(artefact) = store.catalogue().find(model) else {
        return;
    };
    let megabytes = artefact.megabytes;
    let Text { english, chinese } = (slot.purpose)();
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
    let needed = needed(&context.agents, &config, |_| true).into_iter();
    let missing = needed.filter(|needed| store.presence(&needed.model) == Presence::Absent);
    Ok(missing.map(|needed| (needed.agent, needed.model)).collect())
}

/// The names of the models that the agents are to have which are switched on.
pub(crate) fn wanted(agents: &AgentSet, config: &Config) -> BTreeSet<String> {
    let models = agents.iter().flat_map(|manifest| {
        let config = config.agent(manifest.name);
        let slots = manifest.models.iter().filter(|_| config.enabled);
        slots.map(|slot| slot.model(&config)).collect::<Vec<_>>()
    });
    models.collect()
}
