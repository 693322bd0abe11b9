//! Amounts of money: a number beside a currency's sign, code or name.

use std::sync::LazyLock;

use regex::Captures;

use super::phrases::{Pattern, compiled, found};
use super::{Kind, Mention};

/// Signs, codes and names of currencies, each group one currency: its code comes first.
const CURRENCIES: [&[&str]; 9] = [
    &["eur", "€", "euros", "euro"],
    &["usd", "$", "dollars", "dollar"],
    &["gbp", "£", "pounds sterling", "pounds", "pound"],
    &["cny", "元", "块钱", "人民币", "yuan", "rmb"],
    &["jpy", "円", "日元", "yen"],
    &[YEN_OR_YUAN, "¥", "￥"],
    &["chf", "franken", "francs"],
    &["inr", "₹", "rupees"],
    &["cent", "cents"],
];

/// What a sign of two currencies stands for.
const YEN_OR_YUAN: &str = "yen or yuan";

/// What may stand behind a number and before the currency.
const FACTOR: &str =
    r"(?:\s?(?P<factor>(?:million|billion|thousand|mio|mrd|bn|k|m)(?-u:\b)|万|亿))?";
const NUMBER: &str =
    r"(?P<number>\d{1,3}(?:[,.'\u{a0} ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?)";

static BEHIND: Pattern = LazyLock::new(|| {
    let (signs, words) = names();
    compiled(&format!(
        r"(?i){NUMBER}{FACTOR}\s?(?P<currency>{signs}|(?:{words})(?-u:\b))"
    ))
});

static BEFORE: Pattern = LazyLock::new(|| {
    compiled(&format!(
        r"(?:(?P<currency>[€$£¥￥₹]|(?-u:\b)(?:EUR|USD|GBP|CNY|JPY|CHF|INR|RMB)(?-u:\b)))\s?{NUMBER}{FACTOR}"
    ))
});

/// Returns the amounts of a text.
pub(super) fn find(text: &str) -> Vec<Mention> {
    let mut all = found(&BEFORE, Kind::Amount, text, key);
    super::add(&mut all, found(&BEHIND, Kind::Amount, text, key));
    all
}

/// The number as digits with a point, and the currency's code.
fn key(captures: &Captures<'_>) -> Option<String> {
    let currency = captures.name("currency")?.as_str().to_lowercase();
    let code = CURRENCIES
        .iter()
        .find(|names| names.contains(&&*currency))?
        .first()?;
    let number = plain(captures.name("number")?.as_str());
    let factor = captures
        .name("factor")
        .map(|factor| factor.as_str().to_lowercase());
    Some(format!("{number}{} {code}", factor.unwrap_or_default()))
}

/// `1,840` and `1.840` are 1840; `49,90` and `49.90` are 49.9.
fn plain(number: &str) -> String {
    let last = number.rfind([',', '.']);
    let cents = last.filter(|at| number.len() - at <= 3);
    let (whole, cents) = cents.map_or((number, ""), |at| (&number[..at], &number[at + 1..]));
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    match cents.trim_end_matches('0') {
        "" => whole,
        cents => format!("{whole}.{cents}"),
    }
}

/// The signs of currencies, and their names, each as alternatives of a pattern.
fn names() -> (String, String) {
    let all = CURRENCIES.iter().flat_map(|names| names.iter().copied());
    let all = all.filter(|name| *name != YEN_OR_YUAN);
    let (words, signs): (Vec<&str>, Vec<&str>) = all.partition(|name| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b' ')
    });
    let signs: Vec<String> = signs.into_iter().map(regex::escape).collect();
    (signs.join("|"), words.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_can_be_compiled() {
        assert!(BEFORE.is_some() && BEHIND.is_some());
    }

    #[test]
    fn amounts_are_found_as_they_are_written() {
        for (text, expected) in [
            ("paid 1,840 euros", "1,840 euros"),
            ("cost $1.2 million then", "$1.2 million"),
            ("USD 20 each", "USD 20"),
            ("49,90 €.", "49,90 €"),
            ("花了1200元", "1200元"),
            ("£5.", "£5"),
        ] {
            let found = find(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(found[0].text, expected);
        }
        for text in ["12 pm", "page 20", "5 eurasian lynxes"] {
            assert_eq!(find(text), [], "{text}");
        }
    }
}
