//! Mentions: dates, amounts of money, names and numbers that texts speak of, found by how they are
//! written.

mod amounts;
mod dates;
mod names;
mod numbers;
mod phrases;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::documents::Document;
pub(super) use dates::is_month;
pub(super) use phrases::digits;

/// What a mention is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Date,
    Amount,
    Name,
    /// A number of an order, an invoice, a telephone: four digits and more.
    Number,
}

/// One thing that a text speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) kind: Kind,
    /// As it is written.
    pub(super) text: String,
    /// The same for each way of writing it.
    pub(super) key: String,
    /// Its bytes in the text.
    place: Range<usize>,
}

/// A thing with the documents that speak of it, by their places.
#[derive(Debug)]
pub(super) struct Mentioned {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) documents: Vec<usize>,
    key: String,
}

impl Mentioned {
    /// Returns whether it is one thing: many speak of a Monday, or of May, and mean different ones.
    pub(super) fn is_particular(&self) -> bool {
        self.kind != Kind::Date || self.key.contains('-') && !self.key.ends_with("-0")
    }
}

/// Returns what documents speak of: what most of them do comes first, else what is first.
pub(super) fn mentioned(documents: &[Document<'_>]) -> Vec<Mentioned> {
    let mut all: Vec<Mentioned> = Vec::new();
    let mut places: HashMap<(Kind, String), usize> = HashMap::new();
    for (at, document) in documents.iter().enumerate() {
        let Some((_, excerpt)) = document.excerpt() else {
            continue;
        };
        let language = document.language().map(|(_, found)| found.code.as_str());
        for mention in mentions(&excerpt.text, language) {
            let place = *places
                .entry((mention.kind, mention.key.clone()))
                .or_insert(all.len());
            match all.get_mut(place) {
                Some(known) => known.documents.push(at),
                None => all.push(Mentioned {
                    kind: mention.kind,
                    text: mention.text,
                    documents: vec![at],
                    key: mention.key,
                }),
            }
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.documents.len()));
    all
}

/// Returns what a text speaks of, each thing once, in the order of the text. What is a part of
/// another thing is none: the numbers of a date.
pub(super) fn mentions(text: &str, language: Option<&str>) -> Vec<Mention> {
    let mut found = dates::find(text);
    add(&mut found, amounts::find(text));
    add(&mut found, names::find(text, language));
    add(&mut found, numbers::find(text));
    found.sort_by_key(|mention| mention.place.start);
    let mut known = HashSet::new();
    found.retain(|mention| known.insert((mention.kind, mention.key.clone())));
    found
}

/// Adds those that lie in no other.
fn add(found: &mut Vec<Mention>, more: Vec<Mention>) {
    let lies_apart = |mention: &Mention| {
        let apart = |other: &Mention| {
            mention.place.end <= other.place.start || other.place.end <= mention.place.start
        };
        found.iter().all(apart)
    };
    let more: Vec<Mention> = more.into_iter().filter(lies_apart).collect();
    found.extend(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, language: &str) -> Vec<(Kind, String)> {
        let found = mentions(text, Some(language)).into_iter();
        found.map(|one| (one.kind, one.text)).collect()
    }

    #[test]
    fn a_letter_speaks_of_dates_amounts_names_and_numbers() {
        let letter = "Dear Ms Okafor,\n\non the second of March I ordered a kettle in Mill Lane, order 48213, and paid \
                      129 euros. Mr Albrecht promised it by 14 March 2026.\n\nYours faithfully,\nMargarete Lindholm";
        let expected = [
            (Kind::Name, "Ms Okafor"),
            (Kind::Date, "second of March"),
            (Kind::Name, "Mill Lane"),
            (Kind::Number, "48213"),
            (Kind::Amount, "129 euros"),
            (Kind::Name, "Mr Albrecht"),
            (Kind::Date, "14 March 2026"),
            (Kind::Name, "Margarete Lindholm"),
        ];
        let expected: Vec<_> = expected.map(|(kind, text)| (kind, text.to_owned())).into();
        assert_eq!(found(letter, "en"), expected);
    }

    #[test]
    fn other_languages_have_their_own_ways_of_writing() {
        for (text, language, expected) in [
            (
                "Am 3. März 2026 habe ich 49,90 € bezahlt.",
                "de",
                vec![(Kind::Date, "3. März 2026"), (Kind::Amount, "49,90 €")],
            ),
            (
                "Le 14 juillet, j'ai payé 20 euros.",
                "fr",
                vec![(Kind::Date, "14 juillet"), (Kind::Amount, "20 euros")],
            ),
            (
                "我在2026年3月5日支付了300元，订单号 88120。",
                "zh",
                vec![
                    (Kind::Date, "2026年3月5日"),
                    (Kind::Amount, "300元"),
                    (Kind::Number, "88120"),
                ],
            ),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(kind, text)| (kind, text.to_owned()))
                .collect();
            assert_eq!(found(text, language), expected, "{text}");
        }
    }

    #[test]
    fn one_thing_written_in_two_ways_is_one_thing() {
        let key = |text: &str| mentions(text, Some("en"))[0].key.clone();
        assert_eq!(key("on 3 March 2026"), key("am 03.03.2026"));
        assert_eq!(key("on 3 March 2026"), key("on 2026-03-03"));
        assert_eq!(key("on March 3rd"), key("on the third of March"));
        assert_eq!(key("1,840 euros"), key("€1840"));
        assert_eq!(key("49.90 €"), key("49,90 euros"));
        assert_ne!(key("49.90 €"), key("4990 €"));
        assert_ne!(key("20 dollars"), key("20 euros"));
    }
}
