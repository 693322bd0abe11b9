//! `aimass skills`: what can be asked.

use aimass_runtime::{Request, SkillSpec};
use clap::Args;

use super::Context;
use super::client::Client;
use super::columns::aligned;
use super::failure::Failure;

/// List all skills; with `--json` including the schemas of what they take and give
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) async fn execute(context: &Context, _: Arguments) -> Result<(), Failure> {
    let output = context.output;
    let client = Client::runtime(context).await?;
    client
        .closing(async |client: &Client| {
            let mut list = output.list();
            let mut rows = Vec::new();
            client
                .each(Request::Skills, |skill| {
                    if output.is_json() {
                        return list.item(&skill);
                    }
                    let spec: SkillSpec = serde_json::from_value(skill)?;
                    rows.push(vec![spec.name, spec.description]);
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

/// The spec of one skill, by its name or an older one, if there is such a skill.
pub(crate) async fn find(client: &Client, name: &str) -> Result<Option<SkillSpec>, Failure> {
    let mut found = None;
    client
        .each(Request::Skills, |skill| {
            let spec: SkillSpec = serde_json::from_value(skill)?;
            if spec.name == name || spec.aliases.iter().any(|alias| alias == name) {
                found = Some(spec);
            }
            Ok(())
        })
        .await?;
    Ok(found)
}
