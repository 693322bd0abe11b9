//! `aimass agents`: who answers, and how each is doing.

use aimass_runtime::Request;
use clap::Args;

use super::Context;
use super::failure::Failure;
use super::output::brief;
use super::reach::Reach;

/// List all agents with their state
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) async fn execute(context: &Context, _: Arguments) -> Result<(), Failure> {
    let output = context.output;
    let reach = Reach::runtime(context).await?;
    reach
        .closing(async |reach: &Reach| {
            let mut list = output.list();
            reach
                .each(Request::Agents, |agent| {
                    if output.is_json() {
                        return list.item(&agent);
                    }
                    let name = agent
                        .get("name")
                        .and_then(|name| name.as_str())
                        .unwrap_or_default();
                    let state: Vec<String> = agent
                        .as_object()
                        .into_iter()
                        .flatten()
                        .filter(|(key, value)| {
                            *key != "name" && !value.is_array() && !value.is_object()
                        })
                        .map(|(key, value)| format!("{key} {}", brief(value, 60)))
                        .collect();
                    output.line(&format!(
                        "{}  {}",
                        output.strong(&format!("{name:12}")),
                        state.join(", ")
                    ))
                })
                .await?;
            list.end()
        })
        .await
}
