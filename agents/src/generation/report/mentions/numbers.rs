//! Numbers by which things are known: of orders, invoices, telephones.

use std::sync::LazyLock;

use super::phrases::{Pattern, compiled, digits, found};
use super::{Kind, Mention};

/// Digits that a number needs to tell one thing from others. Four are a year.
const LONG: usize = 5;

static NUMBER: Pattern =
    LazyLock::new(|| compiled(r"\d+[.,]\d[\d.,]*|(?P<own>[A-Z]{0,4}-?\d[\d-]{3,18}\d)"));

/// Returns the numbers of a text that are long enough to name one thing.
pub(super) fn find(text: &str) -> Vec<Mention> {
    found(&NUMBER, Kind::Number, text, |captures| {
        // A number with a point measures something.
        let number = captures.name("own")?.as_str();
        (digits(number).len() >= LONG).then(|| number.to_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_things_are_found_and_years_are_not() {
        let found = find("In 1704, order 48213 and invoice RE-2026-0117; not 12, not 3.14159.");
        let texts: Vec<&str> = found.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["48213", "RE-2026-0117"]);
    }
}
