//! `aimass reference`: everything that can be typed, asked and configured, as the page `docs/reference.md`.

mod commands;
mod skills;

use std::fmt::Write;

use aimass_config::Config;
use aimass_locale::Locale;
use aimass_runtime::SkillSpec;
use clap::Args;

use super::failure::Failure;
use super::{Context, help};

/// Print the reference of commands, skills and configuration in Markdown
#[derive(Args)]
pub(crate) struct Arguments {}

const HEAD: &str = "# Reference

What can be typed, asked and configured. `aimass reference` prints this page, so it is that of the program at hand; a test holds this copy against it.
";

const EXIT_CODES: &str = "
## Exit codes

| code | when |
|---|---|
| 0 | all was done |
| 64 | the command line or the configuration is wrong |
| 65 | an input is wrong, or a source of a model gave something else than it must |
| 69 | something that is needed is not there: a model, the network, room on the disk, a file that can be written, a node, time |
| 70 | a bug, or a task that was given up after several attempts |
| 130 | a second Ctrl-C cut the work off |
| 143 | the system asked for an end, and the work was not done within `runtime.shutdown_limit` |

Of a run over several inputs it is the smallest one. A command that fails says why, and what to do next, in one line on standard error.
";

pub(crate) async fn execute(context: &Context, _: Arguments) -> Result<(), Failure> {
    let mut page = HEAD.to_owned();
    commands::write(&mut page, &help::command(Locale::English));
    skills::write(&mut page, &every_skill(context).await?);
    let configuration = context.agents.template();
    let configuration = configuration.trim_end();
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "\n## Configuration\n\nWhat `aimass config init` writes.\n\n```toml\n{configuration}\n```\n"
    );
    page += EXIT_CODES;
    context.output.bytes(page.as_bytes())
}

/// The skills of a team without a configuration, whose agents wait for work and so have loaded nothing.
async fn every_skill(context: &Context) -> Result<Vec<SkillSpec>, Failure> {
    let team = context
        .agents
        .team(Config::default(), context.home.cache())?;
    let runtime = team.start().await?;
    let skills = runtime.skills();
    runtime.shutdown().await;
    Ok(skills)
}
