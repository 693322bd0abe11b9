//! The tables of the documentation, made of the lists that the code uses.

use std::fmt::Write;

use super::attributes::{ATTRIBUTES, EVENTS, Name};

/// The spans, attributes and events of a trace, as tables in Markdown.
pub fn table() -> String {
    let mut text = String::from(
        "| span | kind | service | when |\n|---|---|---|---|\n\
         | `ask SKILL` | client | that of the agent whose flow asked, else the embedder's | somebody waited for the answer |\n\
         | `SKILL` | server, or consumer of a reaction | `aimass.AGENT` | each task |\n\
         | `SKILL`, with an error | consumer | `aimass.AGENT` | an attempt whose process died, told by the next one |\n\
         | `episode` | internal | the embedder's | somebody waited for the episode's end |\n",
    );
    rows(&mut text, "attribute", &ATTRIBUTES);
    rows(&mut text, "event", &EVENTS);
    text
}

fn rows(text: &mut String, what: &str, names: &[Name]) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n| {what} | meaning |\n|---|---|");
    for Name { name, unit, about } in names {
        let unit = match *unit {
            "" => String::new(),
            unit => format!(" ({unit})"),
        };
        let _ = writeln!(text, "| `{name}` | {about}{unit} |");
    }
}
