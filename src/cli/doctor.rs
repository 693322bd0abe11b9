//! `aimass doctor`: what is missing here, and what to type.

use std::env;
use std::fs;
use std::process::{Command, Stdio};

use aimass_models::{Presence, Store, device};
use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use super::reach::Reach;
use super::{Context, models};

/// Say what is missing on this machine, and what to type
#[derive(Args)]
pub(crate) struct Arguments {}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    found: String,
    /// What to type, where something is missing.
    remedy: Option<String>,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            found: found.into(),
            remedy: None,
        }
    }

    fn missing(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }
}

pub(crate) async fn execute(context: &Context, _: Arguments) -> Result<(), Failure> {
    let mut findings = vec![configuration(context), home(context), cache(context)];
    findings.extend(agents_models(context));
    findings.extend([store(context).await, python(), devices(), threads()]);
    let missing = findings
        .iter()
        .filter(|finding| finding.remedy.is_some())
        .count();
    if context.output.is_json() {
        let document = findings
            .iter()
            .map(|finding| json!({"what": finding.what, "found": finding.found, "remedy": finding.remedy}))
            .collect();
        context
            .output
            .document(&serde_json::Value::Array(document))?;
    } else {
        findings
            .iter()
            .try_for_each(|finding| show(context.output, finding))?;
    }
    if missing == 0 {
        return Ok(());
    }
    Err(Failure::unavailable(format!(
        "{missing} of {} things are missing; `aimass doctor` says what to type",
        findings.len()
    )))
}

fn show(output: Output, finding: &Finding) -> Result<(), Failure> {
    let what = output.strong(&format!("{:14}", finding.what));
    match &finding.remedy {
        None => output.line(&format!("{what} {}", finding.found)),
        Some(remedy) => output.line(&format!("{what} {}; {remedy}", output.bad(&finding.found))),
    }
}

fn configuration(context: &Context) -> Finding {
    const WHAT: &str = "configuration";
    match (context.home.load_config(), context.home.config_file()) {
        (Err(failure), _) => Finding::missing(
            WHAT,
            failure.line(),
            "mend it, then type `aimass config check`",
        ),
        (Ok(_), Some(file)) => Finding::good(WHAT, file.display().to_string()),
        (Ok(_), None) => Finding::good(WHAT, "none, so defaults hold"),
    }
}

fn home(context: &Context) -> Finding {
    const WHAT: &str = "home";
    let folder = context.home.folder().display();
    let usable = context
        .home
        .make()
        .and_then(|()| Ok(tempfile::tempfile_in(context.home.folder())?));
    match usable {
        Ok(_) => Finding::good(WHAT, folder.to_string()),
        Err(failure) => Finding::missing(
            WHAT,
            format!("{folder}: {}", failure.line()),
            "name another with `--home FOLDER`",
        ),
    }
}

fn cache(context: &Context) -> Finding {
    const WHAT: &str = "cache";
    let folder = context.home.cache();
    let usable = fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    match usable {
        Ok(_) => Finding::good(WHAT, folder.display().to_string()),
        Err(error) => Finding::missing(
            WHAT,
            format!("{}: {error}", folder.display()),
            "name another with `AIMASS_CACHE=FOLDER`",
        ),
    }
}

/// The models that the agents are to have which are switched on.
fn agents_models(context: &Context) -> Vec<Finding> {
    let looked = context
        .home
        .load_config()
        .and_then(|config| Ok((config, models::store(context)?)));
    let (config, store) = match looked {
        Ok(looked) => looked,
        Err(failure) => {
            let missing = Finding::missing("models", failure.line(), "mend the configuration");
            return vec![missing];
        }
    };
    let all = [
        ("text", "text model", models::text_model(&config)),
        ("speech", "speech model", models::speech_model(&config)),
        (
            "generation",
            "generation model",
            models::generation_model(&config),
        ),
    ];
    all.into_iter()
        .filter(|(agent, ..)| config.agent(agent).enabled)
        .map(|(_, what, name)| model(&store, what, name))
        .collect()
}

fn model(store: &Store, what: &'static str, name: String) -> Finding {
    match store.presence(&name) {
        Presence::Present => Finding::good(what, name),
        Presence::Absent => Finding::missing(
            what,
            format!("{name} is not here"),
            format!("type `aimass models pull {name}`"),
        ),
        Presence::Damaged => Finding::missing(
            what,
            format!("{name} is damaged"),
            format!("type `aimass models rm {name}`, then `aimass models pull {name}`"),
        ),
    }
}

async fn store(context: &Context) -> Finding {
    const WHAT: &str = "store";
    match Reach::node(context).await {
        Ok(Some(_)) => {
            return Finding::good(
                WHAT,
                format!("a node runs on {}", context.home.socket().display()),
            );
        }
        Ok(None) => {}
        Err(failure) => {
            return Finding::missing(WHAT, failure.line(), "end the node, then start it again");
        }
    }
    match Reach::records(context).await {
        Ok(reach) => match reach.closing(async |_: &Reach| Ok(())).await {
            Ok(()) => Finding::good(WHAT, context.home.store().display().to_string()),
            Err(failure) => Finding::missing(WHAT, failure.line(), "make room, or move it away"),
        },
        Err(failure) => Finding::missing(WHAT, failure.line(), "see above"),
    }
}

fn python() -> Finding {
    const WHAT: &str = "python and pip";
    let mut command = Command::new("python3");
    command
        .args(["-m", "pip", "--version"])
        .stdin(Stdio::null());
    match command.output() {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout);
            let words: Vec<&str> = version.split_whitespace().take(2).collect();
            Finding::good(WHAT, words.join(" "))
        }
        _ => Finding::missing(
            WHAT,
            "not found, and some models come as Python packages",
            "install them (on Debian: `apt-get install python3-pip`), or take a model from a folder with `aimass models import`",
        ),
    }
}

/// The devices that agents can be placed on, besides the processor.
fn devices() -> Finding {
    const WHAT: &str = "devices";
    let present = device::present();
    if present.is_empty() {
        return Finding::good(WHAT, "the processor");
    }
    let shown = present.iter().map(|device| {
        let free = device.free_bytes as f64 / f64::from(1 << 30);
        format!("{} ({}, {free:.1} GiB free)", device.name, device.product)
    });
    Finding::good(WHAT, shown.collect::<Vec<_>>().join(", "))
}

fn threads() -> Finding {
    const WHAT: &str = "compute threads";
    let set = |name| env::var(name).is_ok_and(|value| value == "1");
    if set("RAYON_NUM_THREADS") && set("CANDLE_NUM_THREADS") {
        return Finding::good(WHAT, "one for each worker");
    }
    Finding::missing(
        WHAT,
        "RAYON_NUM_THREADS or CANDLE_NUM_THREADS is not 1, so models slow each other down",
        "unset both: `unset RAYON_NUM_THREADS CANDLE_NUM_THREADS`",
    )
}
