//! `aimass agents --tree`: who supervises whom in a runtime.

use aimass_locale::{Locale, Text, text};
use aimass_runtime::Request;
use serde_json::{Value, json};

use super::super::Context;
use super::super::client::Client;
use super::super::columns::aligned;
use super::super::failure::Failure;
use super::super::output::brief;
use super::{REASON, plural};

pub(super) async fn execute(context: &Context) -> Result<(), Failure> {
    let output = context.output;
    let client = Client::runtime(context).await?;
    client
        .closing(async |client: &Client| {
            let (mut agents, mut services) = (Vec::new(), Vec::new());
            client
                .each(Request::Agents, |agent| {
                    agents.push(agent);
                    Ok(())
                })
                .await?;
            client
                .each(Request::Services, |service| {
                    services.push(service);
                    Ok(())
                })
                .await?;
            let tree = tree(services, &agents);
            if output.is_json() {
                let mut list = output.list();
                list.item(&tree)?;
                return list.end();
            }
            let mut rows = Vec::new();
            branch(&tree, "", "", context.locale, &mut rows);
            for line in aligned(rows, |name| output.strong(name)) {
                output.line(&line)?;
            }
            Ok(())
        })
        .await
}

/// The tree: the first service is the root, agents have their workers below them.
fn tree(services: Vec<Value>, agents: &[Value]) -> Value {
    let mut services = services.into_iter();
    let mut root = services.next().unwrap_or_else(|| json!({}));
    let with_workers = |mut service: Value| {
        let name = service.get("name").cloned();
        let agent = agents
            .iter()
            .find(|agent| agent.get("name") == name.as_ref());
        if let (Some(agent), Some(fields)) = (agent, service.as_object_mut()) {
            for field in ["tasks", "waiting", "failed"] {
                fields.insert(
                    field.to_owned(),
                    agent.get(field).cloned().unwrap_or_default(),
                );
            }
            let workers = agent.get("workers").cloned().unwrap_or_default();
            fields.insert("children".to_owned(), workers);
        }
        service
    };
    if let Some(fields) = root.as_object_mut() {
        let children = services.map(with_workers).collect();
        fields.insert("children".to_owned(), Value::Array(children));
    }
    root
}

/// One line for a part, and those of its children below it.
fn branch(part: &Value, before: &str, below: &str, locale: Locale, rows: &mut Vec<Vec<String>>) {
    let cells = std::iter::once(format!("{before}{}", name(part)));
    rows.push(cells.chain(said_of(part, locale)).collect());
    let children = part.get("children").and_then(Value::as_array);
    let children = children.map_or(&[][..], Vec::as_slice);
    for (at, child) in children.iter().enumerate() {
        let (own, deeper) = match at + 1 == children.len() {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        let (before, below) = (format!("{below}{own}"), format!("{below}{deeper}"));
        branch(child, &before, &below, locale, rows);
    }
}

fn text<'a>(part: &'a Value, field: &str) -> Option<&'a str> {
    part.get(field)?.as_str()
}

fn number(part: &Value, field: &str) -> u64 {
    part.get(field).and_then(Value::as_u64).unwrap_or(0)
}

fn name(part: &Value) -> String {
    match text(part, "name") {
        Some(name) => name.to_owned(),
        None => {
            let (worker, group) = (number(part, "worker"), text(part, "group").unwrap_or(""));
            format!("worker {worker} ({group})")
        }
    }
}

/// What there is to say of a part: what it does, where, and what has happened to it.
fn said_of(part: &Value, locale: Locale) -> Vec<String> {
    let mut all = vec![match text(part, "status").or_else(|| text(part, "state")) {
        Some("running") => text!("running", "运行中"),
        Some("restarting") => text!("restarting", "重启中"),
        Some("ended") => text!("ended", "已结束"),
        Some("failed") => text!("given up", "已放弃"),
        Some("idle") => text!("ready", "就绪"),
        Some("busy") => text!("works", "工作中"),
        Some("starting") => text!("starts", "启动中"),
        Some("backing_off") => text!("waits to start again", "等待重启"),
        Some("unloaded") => text!("not loaded", "未加载"),
        Some("leaving" | "unloading") => text!("stops", "停止中"),
        Some(other) => other.into(),
        None => Text::default(),
    }];
    if let (Some(device), Some(model)) = (text(part, "device"), text(part, "model")) {
        all.push(match model {
            // What needs no model has none.
            "none" => device.into(),
            _ => text!("{model} on {device}", "{device} 上的 {model}"),
        });
    }
    let tasks = number(part, "tasks");
    if tasks > 0 {
        let s = plural(tasks);
        all.push(text!("{tasks} task{s}", "{tasks} 项任务"));
    }
    let restarts = number(part, "restarts");
    if restarts > 0 {
        let s = plural(restarts);
        all.push(text!("{restarts} restart{s}", "重启 {restarts} 次"));
    }
    let failure = part.get("failure").or_else(|| part.get("failed"));
    if let Some(failure) = failure.filter(|failure| !failure.is_null()) {
        all.push(brief(failure, REASON).into());
    }
    let said = all.into_iter();
    said.map(|said| said.in_locale(locale).to_owned()).collect()
}
