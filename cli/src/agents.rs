//! `aimass agents`: who answers, and how each is doing.

use aimass_locale::{Locale, Text, text};
use aimass_runtime::Request;
use clap::Args;
use serde_json::Value;

use super::Context;
use super::client::Client;
use super::columns::aligned;
use super::failure::Failure;
use super::output::brief;

mod tree;

/// Characters of the reason for which an agent was given up.
const REASON: usize = 200;

/// List all agents with their state
#[derive(Args)]
pub(crate) struct Arguments {
    /// Print the supervision tree: the runtime's services, the agents and their workers, with their states and restarts
    #[arg(long)]
    tree: bool,
}

pub(crate) async fn execute(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    if arguments.tree {
        return tree::execute(context).await;
    }
    let output = context.output;
    let client = Client::runtime(context).await?;
    client
        .closing(async |client: &Client| {
            let mut list = output.list();
            let mut rows = Vec::new();
            client
                .each(Request::Agents, |agent| {
                    if output.is_json() {
                        return list.item(&agent);
                    }
                    rows.push(row(&agent, context.locale));
                    Ok(())
                })
                .await?;
            for line in aligned(rows, |name| output.strong(name)) {
                output.line(&line)?;
            }
            list.end()
        })
        .await
}

/// An agent in one line: its name, its state, its tasks, its workers, what else is worth a word, and what it can be asked.
fn row(agent: &Value, locale: Locale) -> Vec<String> {
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or(0);
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let list = |name: &str| {
        agent
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let (tasks, waiting) = (number(agent, "tasks"), number(agent, "waiting"));
    let s = plural(tasks);
    let tasks = match waiting {
        0 => text!("{tasks} task{s}", "{tasks} 项任务"),
        _ => text!(
            "{tasks} task{s}, {waiting} waiting",
            "{tasks} 项任务，{waiting} 项等待"
        ),
    };
    let mut devices: Vec<String> = list("workers")
        .filter_map(|one| text(one, "device"))
        .collect();
    devices.sort();
    devices.dedup();
    let (count, devices) = (list("workers").count() as u64, devices.join(", "));
    let s = plural(count);
    let workers = match count {
        0 => text!("no model", "无模型"),
        _ => text!(
            "{count} worker{s} on {devices}",
            "{count} 个工作器，{devices}"
        ),
    };
    let skills = list("skills").count() as u64;
    let s = plural(skills);
    let skills = text!("{skills} skill{s}", "{skills} 项技能");
    let restarts: u64 = list("workers").map(|one| number(one, "restarts")).sum();
    let abandoned = number(agent, "abandoned");
    let mut odd = Vec::new();
    if restarts > 0 {
        let s = plural(restarts);
        odd.push(text!("{restarts} restart{s}", "重启 {restarts} 次"));
    }
    if abandoned > 0 {
        let s = plural(abandoned);
        odd.push(text!(
            "{abandoned} abandoned thread{s}",
            "{abandoned} 个线程已放弃"
        ));
    }
    if let Some(reason) = agent.get("failed").filter(|reason| !reason.is_null()) {
        odd.push(brief(reason, REASON).into());
    }
    let said = [state(agent), tasks, workers, skills]
        .into_iter()
        .chain(odd);
    let name = text(agent, "name").unwrap_or_default();
    let cells = said.map(|said| said.in_locale(locale).to_owned());
    std::iter::once(name).chain(cells).collect()
}

fn plural(count: u64) -> &'static str {
    match count {
        1 => "",
        _ => "s",
    }
}

/// What an agent is about, in a word: the most telling state of its workers.
fn state(agent: &Value) -> Text {
    let workers = agent
        .get("workers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let states: Vec<&str> = workers
        .filter_map(|one| one.get("state")?.as_str())
        .collect();
    let any = |wanted: &[&str]| states.iter().any(|state| wanted.contains(state));
    if !agent.get("failed").is_none_or(Value::is_null) {
        return text!("given up", "已放弃");
    }
    if any(&["busy"]) {
        return text!("works", "工作中");
    }
    if any(&["starting", "backing_off"]) {
        return text!("starts", "启动中");
    }
    if any(&["idle"]) {
        return text!("ready", "就绪");
    }
    match any(&["unloaded", "unloading", "leaving"]) {
        true => text!("not loaded", "未加载"),
        // It holds no model: flows are ready at any time.
        false => text!("ready", "就绪"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn check(locale: Locale, expected: &Expect) {
        let worker = |state: &str, restarts: u64| {
            json!({ "group": "minilm", "worker": 0, "epoch": 1, "state": state, "restarts": restarts,
                "device": "cpu", "model": "m", "model_bytes": 7 })
        };
        let agents = [
            json!({ "name": "text", "failed": null, "tasks": 3, "waiting": 1, "bytes": 6, "abandoned": 0,
                "skills": ["text.embed", "text.language"], "workers": [worker("idle", 0), worker("busy", 2)] }),
            json!({ "name": "generation", "failed": null, "tasks": 0, "waiting": 0, "bytes": 0, "abandoned": 0,
                "skills": ["generation.chat"], "workers": [worker("unloaded", 0)] }),
            json!({ "name": "ear", "failed": "hang:\none step", "tasks": 1, "waiting": 0, "bytes": 0, "abandoned": 1,
                "skills": [], "workers": [worker("failed", 0)] }),
            json!({ "name": "desk", "failed": null, "tasks": 0, "waiting": 0, "bytes": 0, "abandoned": 0,
                "skills": ["desk.sort"], "workers": [] }),
        ];
        let rows = agents.iter().map(|agent| row(agent, locale)).collect();
        expected.assert_eq(&aligned(rows, str::to_owned).join("\n"));
    }

    #[test]
    fn each_agent_is_a_line_that_begins_with_its_name() {
        check(
            Locale::English,
            &expect![[r#"
            text        works       3 tasks, 1 waiting  2 workers on cpu  2 skills  2 restarts
            generation  not loaded  0 tasks             1 worker on cpu   1 skill
            ear         given up    1 task              1 worker on cpu   0 skills  1 abandoned thread  hang: one step
            desk        ready       0 tasks             no model          1 skill"#]],
        );
        check(
            Locale::Chinese,
            &expect![[r#"
            text        工作中  3 项任务，1 项等待  2 个工作器，cpu  2 项技能  重启 2 次
            generation  未加载  0 项任务            1 个工作器，cpu  1 项技能
            ear         已放弃  1 项任务            1 个工作器，cpu  0 项技能  1 个线程已放弃  hang: one step
            desk        就绪    0 项任务            无模型           1 项技能"#]],
        );
    }
}
