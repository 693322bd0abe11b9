//! The labeled texts of `agents/tests/data`, for tests and benches.

use std::path::Path;

/// The part of the texts that constants are chosen with, or the part that is kept from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Development,
    HeldOut,
}

/// A text and the language it is in.
pub(crate) struct InLanguage {
    pub(crate) language: String,
    pub(crate) text: String,
}

/// A text, labels to choose from, and the one that fits.
pub(crate) struct WithLabels {
    pub(crate) labels: Vec<String>,
    pub(crate) label: String,
    pub(crate) text: String,
}

pub(crate) fn in_languages(half: Half) -> Vec<InLanguage> {
    let rows = rows("language", half).into_iter();
    rows.map(|[_source, language, text]| InLanguage { language, text })
        .collect()
}

pub(crate) fn with_labels(half: Half) -> Vec<WithLabels> {
    let rows = rows("labels", half).into_iter();
    rows.map(|[_source, labels, label, text]| WithLabels {
        labels: labels.split(", ").map(str::to_owned).collect(),
        label,
        text,
    })
    .collect()
}

/// The rows below the names of the columns.
pub(crate) fn rows<const COLUMNS: usize>(set: &str, half: Half) -> Vec<[String; COLUMNS]> {
    let half = match half {
        Half::Development => "development",
        Half::HeldOut => "held_out",
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let table = std::fs::read_to_string(folder.join(set).join(half).with_extension("tsv")).unwrap();
    let row = |line: &str| {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        fields.try_into().unwrap()
    };
    table.lines().skip(1).map(row).collect()
}
