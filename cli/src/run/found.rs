//! What the team finds, as it happens: one line for each fact, with its time, who found it, and about what.

use aimass_locale::Locale;
use aimass_runtime::{Fact, ShownFact};

use crate::columns::padded;
use crate::output::Output;

/// Turns facts into lines. They come in the order of their revisions.
pub(super) struct Finder {
    output: Output,
    locale: Locale,
    begun_ms: Option<u64>,
}

impl Finder {
    pub(super) fn new(output: Output, locale: Locale) -> Self {
        Self {
            output,
            locale,
            begun_ms: None,
        }
    }

    /// The line of the next fact.
    pub(super) fn line(&mut self, fact: &Fact, shown: &ShownFact) -> String {
        let begun = *self.begun_ms.get_or_insert(fact.at_ms);
        let seconds = fact.at_ms.saturating_sub(begun) as f64 / 1e3;
        let agent = fact.provenance.agent.as_deref();
        let agent = agent.unwrap_or(self.locale.choose("you", "用户"));
        let about = match shown.subject.is_empty() {
            true => String::new(),
            false => format!("{}: ", self.output.strong(&shown.subject)),
        };
        format!(
            "{}  {}  {about}{}",
            self.output.faint(&format!("{seconds:>7.2} s")),
            padded(agent, 10),
            shown.line
        )
    }
}
