//! `text.language`: which language a text is in, or that it cannot be told.
//!
//! Three judges of different kinds are asked, and agreement counts: see `language/detectors.rs`. On
//! short texts each of them alone is wrong often and surely; `agents/tests/data/language` has texts
//! to measure that with.

mod codes;
mod common_words;
mod detectors;

use std::sync::Arc;

use aimass_runtime::{BatchSkill, Fault, Operation, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::TextInput;

/// What stands in the place of a code where a language cannot be told.
pub const UNKNOWN_LANGUAGE: &str = "unknown";

/// Bytes of a long text that are looked at.
const SAMPLE: usize = 16 << 10;
/// Below this confidence a language is said to be unknown. Of the 150 short texts it was chosen
/// with, 124 are above, all of them told rightly.
const SURE_ENOUGH: f64 = 0.5;

/// Says which language a text is in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Language;

/// A language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectedLanguage {
    /// ISO 639-1 code, else ISO 639-3; `unknown` below a confidence of 0.5 or without letters.
    pub language: String,
    /// Confidence, 0 to 1; for `unknown` that of the best guess. Low for short texts.
    pub confidence: f64,
}

impl Skill for Language {
    const NAME: &'static str = "text.language";
    type Input = TextInput;
    type Output = DetectedLanguage;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Detects the language of a text, or says that it is unknown.")
            .operation(Operation::DetectLanguage)
            .main_field("text")
    }

    fn input_bytes(&self, input: &TextInput) -> u64 {
        input.bytes()
    }
}

impl BatchSkill for Language {
    type Model = ();

    fn run(
        &self,
        (): &mut (),
        inputs: &[Arc<TextInput>],
        _: &mut StepContext<'_>,
    ) -> Vec<Result<DetectedLanguage, Fault>> {
        inputs
            .iter()
            .map(|input| Ok(detect(&input.read()?)))
            .collect()
    }
}

fn detect(text: &str) -> DetectedLanguage {
    let sample = &text[..text.floor_char_boundary(SAMPLE)];
    let guess = detectors::guess(sample);
    let (language, confidence) = guess.unwrap_or((UNKNOWN_LANGUAGE, 0.0));
    let told = confidence >= SURE_ENOUGH;
    DetectedLanguage {
        language: if told { language } else { UNKNOWN_LANGUAGE }.to_owned(),
        confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_told_apart() {
        for (text, language) in [
            (
                "The parcel arrived late and the cup inside was broken.",
                "en",
            ),
            (
                "Das Paket kam zu spät an und die Tasse darin war zerbrochen.",
                "de",
            ),
            (
                "Le colis est arrivé en retard et la tasse était cassée.",
                "fr",
            ),
            (
                "El paquete llegó con mucho retraso y la taza que había dentro estaba rota, así que quiero que me devuelvan el dinero.",
                "es",
            ),
            (
                "Paczka dotarła późno, a filiżanka w środku była stłuczona.",
                "pl",
            ),
            (
                "Пакунок прийшов із запізненням, і чашка була розбита.",
                "uk",
            ),
            ("包裹来晚了，里面的杯子碎了。", "zh"),
            ("荷物が遅れて届き、カップが割れていました。", "ja"),
        ] {
            let found = detect(text);
            assert_eq!(found.language, language, "{text}");
            assert!(found.confidence > 0.8, "{text}: {found:?}");
        }
    }

    #[test]
    fn a_word_or_two_are_told_or_said_to_be_unknown() {
        for (text, language) in [
            ("OK thanks", "en"),
            ("Hello!", "en"),
            ("Danke", "de"),
            ("Merci", "fr"),
            ("gracias", "es"),
            ("Dmitri", UNKNOWN_LANGUAGE),
            ("Berlin 2024", UNKNOWN_LANGUAGE),
        ] {
            assert_eq!(detect(text).language, language, "{text}");
        }
        let front = detect("Front, center.");
        assert!(
            ["en", UNKNOWN_LANGUAGE].contains(&&*front.language),
            "{front:?}"
        );
    }

    #[test]
    fn what_has_no_letters_has_no_known_language() {
        for text in [
            "1234 !?",
            "42",
            "6, 6, 6",
            "👍👍",
            "3.14 €",
            "☎ 030-1234",
            "—",
            "١٢٣",
        ] {
            let nothing = DetectedLanguage {
                language: UNKNOWN_LANGUAGE.to_owned(),
                confidence: 0.0,
            };
            assert_eq!(detect(text), nothing, "{text}");
        }
    }

    #[test]
    fn a_confidence_is_between_none_and_all() {
        for text in [
            "a",
            "да",
            "ok ok ok ok",
            "ßßß",
            "İİİ",
            "नमस्ते",
            "שלום",
            "the the",
        ] {
            let found = detect(text);
            assert!((0.0..=1.0).contains(&found.confidence), "{text}: {found:?}");
        }
    }
}
