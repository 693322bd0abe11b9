//! `text.language`: which language a text is in.
//!
//! Trigrams of letters and the script, by the crate whatlang (after Cavnar and Trenkle, "N-Gram-Based Text Categorization", 1994).

use std::sync::Arc;

use aimass_runtime::{BatchSkill, Fault, Skill, SkillSpec, StepContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use whatlang::Lang;

use crate::text::TextInput;

/// Bytes of a long text that are looked at.
const SAMPLE: usize = 16 << 10;

/// Says which language a text is in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Language;

/// A language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectedLanguage {
    /// Its code: ISO 639-1 where there is one, else ISO 639-3.
    pub language: String,
    /// How sure that is, from 0 to 1. Short texts cannot be told surely.
    pub confidence: f64,
}

impl Skill for Language {
    const NAME: &'static str = "text.language";
    type Input = TextInput;
    type Output = DetectedLanguage;

    fn spec(&self) -> SkillSpec {
        SkillSpec::of::<Self>("Says which language a text is in.").main_field("text")
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
        inputs.iter().map(|input| detect(&input.read()?)).collect()
    }
}

fn detect(text: &str) -> Result<DetectedLanguage, Fault> {
    let sample = &text[..text.floor_char_boundary(SAMPLE)];
    let info = whatlang::detect(sample).ok_or_else(|| {
        Fault::rejected("expected words, got a text without letters of a known script")
    })?;
    Ok(DetectedLanguage {
        language: two_letters(info.lang()).to_owned(),
        confidence: info.confidence(),
    })
}

/// ISO 639-1 for the ISO 639-3 codes that whatlang gives.
fn two_letters(language: Lang) -> &'static str {
    match language.code() {
        "afr" => "af",
        "aka" => "ak",
        "amh" => "am",
        "ara" => "ar",
        "aze" => "az",
        "bel" => "be",
        "ben" => "bn",
        "bul" => "bg",
        "cat" => "ca",
        "ces" => "cs",
        "cmn" => "zh",
        "cym" => "cy",
        "dan" => "da",
        "deu" => "de",
        "ell" => "el",
        "eng" => "en",
        "epo" => "eo",
        "est" => "et",
        "fin" => "fi",
        "fra" => "fr",
        "guj" => "gu",
        "heb" => "he",
        "hin" => "hi",
        "hrv" => "hr",
        "hun" => "hu",
        "hye" => "hy",
        "ind" => "id",
        "ita" => "it",
        "jav" => "jv",
        "jpn" => "ja",
        "kan" => "kn",
        "kat" => "ka",
        "khm" => "km",
        "kor" => "ko",
        "lat" => "la",
        "lav" => "lv",
        "lit" => "lt",
        "mal" => "ml",
        "mar" => "mr",
        "mkd" => "mk",
        "mya" => "my",
        "nep" => "ne",
        "nld" => "nl",
        "nob" => "nb",
        "ori" => "or",
        "pan" => "pa",
        "pes" => "fa",
        "pol" => "pl",
        "por" => "pt",
        "ron" => "ro",
        "rus" => "ru",
        "sin" => "si",
        "slk" => "sk",
        "slv" => "sl",
        "sna" => "sn",
        "spa" => "es",
        "srp" => "sr",
        "swe" => "sv",
        "tam" => "ta",
        "tel" => "te",
        "tgl" => "tl",
        "tha" => "th",
        "tuk" => "tk",
        "tur" => "tr",
        "ukr" => "uk",
        "urd" => "ur",
        "uzb" => "uz",
        "vie" => "vi",
        "yid" => "yi",
        "zul" => "zu",
        other => other,
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
            ("包裹来晚了，里面的杯子碎了。", "zh"),
            ("荷物が遅れて届き、カップが割れていました。", "ja"),
        ] {
            assert_eq!(detect(text).unwrap().language, language, "{text}");
        }
        assert!(detect("1234 !?").is_err());
    }
}
