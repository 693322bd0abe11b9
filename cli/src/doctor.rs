//! `aimass doctor`: what is missing here, and what to type.

mod ways;

use std::env;
use std::fs;

use aimass_locale::{Text, text};
use aimass_models::{Presence, Store, device};
use clap::Args;
use serde_json::json;

use super::client::Client;
use super::columns::padded;
use super::failure::Failure;
use super::{Context, config, models};

/// Say what is missing on this machine, and what to type
#[derive(Args)]
pub(crate) struct Arguments {}

/// One thing that was looked at.
struct Finding {
    what: Text,
    found: Text,
    /// What to type, where something is missing.
    remedy: Option<Text>,
}

impl Finding {
    fn good(what: impl Into<Text>, found: impl Into<Text>) -> Self {
        Self {
            what: what.into(),
            found: found.into(),
            remedy: None,
        }
    }

    fn missing(what: impl Into<Text>, found: impl Into<Text>, remedy: impl Into<Text>) -> Self {
        Self {
            what: what.into(),
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }
}

pub(crate) async fn execute(context: &Context, _: Arguments) -> Result<(), Failure> {
    let mut findings = vec![configuration(context), home(context), cache(context)];
    findings.extend(agents_models(context));
    findings.extend(ways::of_models(context));
    findings.extend([store(context).await, devices(), threads()]);
    let missing = findings
        .iter()
        .filter(|finding| finding.remedy.is_some())
        .count();
    if context.output.is_json() {
        let document = findings
            .iter()
            .map(|finding| {
                let remedy = finding.remedy.as_ref().map(|remedy| &remedy.english);
                json!({"what": finding.what.english, "found": finding.found.english, "remedy": remedy})
            })
            .collect();
        context
            .output
            .document(&serde_json::Value::Array(document))?;
    } else {
        findings
            .iter()
            .try_for_each(|finding| show(context, finding))?;
    }
    if missing == 0 {
        return Ok(());
    }
    let all = findings.len();
    Err(Failure::unavailable(text!(
        "{missing} of {all} things are missing; `aimass doctor` says what to type",
        "{all} 项中缺少 {missing} 项；`aimass doctor` 说明应输入什么"
    )))
}

fn show(context: &Context, finding: &Finding) -> Result<(), Failure> {
    let (output, locale) = (context.output, context.locale);
    let what = output.strong(&padded(finding.what.in_locale(locale), 17));
    let found = finding.found.in_locale(locale);
    let Some(remedy) = &finding.remedy else {
        return output.line(&format!("{what} {found}"));
    };
    let found = output.bad(found);
    let Text { english, chinese } = remedy;
    let line = text!("{what} {found}; {english}", "{what} {found}；{chinese}");
    output.line(line.in_locale(locale))
}

fn configuration(context: &Context) -> Finding {
    let what = text!("configuration", "配置");
    match (config::checked(context), context.home.config_file()) {
        (Err(failure), _) => Finding::missing(
            what,
            failure.line(),
            text!(
                "mend it, then type `aimass config check`",
                "请修正，然后输入 `aimass config check`"
            ),
        ),
        (Ok(_), Some(file)) => Finding::good(what, file.display().to_string()),
        (Ok(_), None) => Finding::good(what, text!("none, so defaults hold", "无，采用默认值")),
    }
}

fn home(context: &Context) -> Finding {
    let what = text!("home", "主文件夹");
    let folder = context.home.folder().display();
    let usable = context
        .home
        .make()
        .and_then(|()| Ok(tempfile::tempfile_in(context.home.folder())?));
    match usable {
        Ok(_) => Finding::good(what, folder.to_string()),
        Err(failure) => {
            let Text { english, chinese } = failure.line();
            Finding::missing(
                what,
                text!("{folder}: {english}", "{folder}：{chinese}"),
                text!(
                    "name another with `--home FOLDER`",
                    "请用 `--home 文件夹` 另选一个"
                ),
            )
        }
    }
}

fn cache(context: &Context) -> Finding {
    let what = text!("cache", "缓存");
    let folder = context.home.cache();
    let usable = fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    match usable {
        Ok(_) => Finding::good(what, folder.display().to_string()),
        Err(error) => Finding::missing(
            what,
            format!("{}: {error}", folder.display()),
            text!(
                "name another with `AIMASS_CACHE=FOLDER`",
                "请用 `AIMASS_CACHE=文件夹` 另选一个"
            ),
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
            let missing = Finding::missing(
                text!("models", "模型"),
                failure.line(),
                text!("mend the configuration", "请修正配置"),
            );
            return vec![missing];
        }
    };
    let mut findings = Vec::new();
    for manifest in context.agents.iter() {
        let config = config.agent(manifest.name);
        if !config.enabled {
            continue;
        }
        let Text { english, chinese } = (manifest.subject)();
        let what = text!("{english} model", "{chinese}模型");
        // One that cannot be another comes with those that can.
        let slots = manifest.models.iter().filter(|slot| slot.key.is_some());
        findings.extend(slots.map(|slot| model(&store, what.clone(), slot.model(&config))));
    }
    findings
}

fn model(store: &Store, what: Text, name: String) -> Finding {
    match store.presence(&name) {
        Presence::Present => Finding::good(what, name),
        Presence::Absent => Finding::missing(
            what,
            text!("{name} is not here", "本机没有 {name}"),
            text!(
                "type `aimass models pull {name}`",
                "请输入 `aimass models pull {name}`"
            ),
        ),
        Presence::Damaged => Finding::missing(
            what,
            text!("{name} is damaged", "{name} 已损坏"),
            text!(
                "type `aimass models rm {name}`, then `aimass models pull {name}`",
                "请输入 `aimass models rm {name}`，再输入 `aimass models pull {name}`"
            ),
        ),
    }
}

async fn store(context: &Context) -> Finding {
    let what = text!("store", "存储");
    match Client::node(context).await {
        Ok(Some(_)) => {
            let socket = context.home.socket();
            let socket = socket.display();
            return Finding::good(
                what,
                text!("a node runs on {socket}", "节点正在 {socket} 上运行"),
            );
        }
        Ok(None) => {}
        Err(failure) => {
            return Finding::missing(
                what,
                failure.line(),
                text!(
                    "end the node, then start it again",
                    "请结束节点，再重新启动"
                ),
            );
        }
    }
    match Client::records(context).await {
        Ok(client) => match client.closing(async |_: &Client| Ok(())).await {
            Ok(()) => Finding::good(what, context.home.store().display().to_string()),
            Err(failure) => Finding::missing(
                what,
                failure.line(),
                text!("make room, or move it away", "请腾出空间，或把它移走"),
            ),
        },
        Err(failure) => Finding::missing(what, failure.line(), text!("see above", "见上文")),
    }
}

/// The devices that agents can be placed on, besides the processor.
fn devices() -> Finding {
    let what = text!("devices", "设备");
    let present = device::present();
    if present.is_empty() {
        return Finding::good(what, text!("the processor", "处理器"));
    }
    let shown = present.iter().map(|device| {
        let free = device.free_bytes as f64 / f64::from(1 << 30);
        format!("{} ({}, {free:.1} GiB free)", device.name, device.product)
    });
    Finding::good(what, shown.collect::<Vec<_>>().join(", "))
}

fn threads() -> Finding {
    let what = text!("compute threads", "计算线程");
    let set = |name| env::var(name).is_ok_and(|value| value == "1");
    if set("RAYON_NUM_THREADS") && set("CANDLE_NUM_THREADS") {
        return Finding::good(what, text!("one for each worker", "每个工作线程一个"));
    }
    Finding::missing(
        what,
        text!(
            "RAYON_NUM_THREADS or CANDLE_NUM_THREADS is not 1, so models slow each other down",
            "RAYON_NUM_THREADS 或 CANDLE_NUM_THREADS 不是 1，模型会互相拖慢"
        ),
        text!(
            "unset both: `unset RAYON_NUM_THREADS CANDLE_NUM_THREADS`",
            "请取消两者：`unset RAYON_NUM_THREADS CANDLE_NUM_THREADS`"
        ),
    )
}
