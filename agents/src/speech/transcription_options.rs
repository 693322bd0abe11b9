//! The options of a transcription.

use aimass_locale::language_code;
use aimass_models::whisper::decoding::Task;
use aimass_models::whisper::recognition::{RecognitionOptions, Silence, Words};
use aimass_runtime::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most hypotheses that may be followed side by side.
const MAX_BEAM_SIZE: u32 = 16;
/// Bytes of a prompt, and of all words that are likely to come.
const MAX_TEXT_BYTES: usize = 8192;

/// Declares an input of its own fields and of the options of a transcription, side by side. serde
/// could flatten one struct into another, but then a refusal no longer names the field whose value
/// is wrong.
macro_rules! with_transcription_options {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$of:meta])* pub $own:ident: $kind:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(
            Debug,
            Clone,
            Default,
            PartialEq,
            serde::Serialize,
            serde::Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$of])* pub $own: $kind,)*
            /// Language code or name, such as `de` or `german`; detected when absent or `auto`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub language: Option<String>,
            /// Beam size, 1 (fastest) to 16; default: 5.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub beam_size: Option<u32>,
            /// Sampling temperature, 0 to 1; default: 0, raised while a result looks wrong.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub temperature: Option<f32>,
            /// Preceding text, or a text that shows how names and numbers are spelled.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub prompt: Option<String>,
            /// Likely words, separated by commas.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub vocabulary: Option<String>,
            /// Whether to give the times of words, which takes slightly longer; default: true.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub words: Option<bool>,
            /// Seconds of silence after a window instead of padding to 30: faster, less accurate.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub silence: Option<f32>,
            /// Random seed; default: 0.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub seed: Option<u64>,
        }

        impl $crate::speech::transcription_options::HasTranscriptionOptions for $name {
            fn transcription_options(&self, target: $crate::speech::Target) -> $crate::speech::TranscriptionOptions {
                $crate::speech::TranscriptionOptions {
                    target,
                    language: self.language.clone(),
                    beam_size: self.beam_size,
                    temperature: self.temperature,
                    prompt: self.prompt.clone(),
                    vocabulary: self.vocabulary.clone(),
                    words: self.words,
                    silence: self.silence,
                    seed: self.seed,
                }
            }
        }
    };
}
pub(super) use with_transcription_options;

/// An input that has the options of a transcription.
pub(super) trait HasTranscriptionOptions {
    /// The options for this output language.
    fn transcription_options(&self, target: Target) -> TranscriptionOptions;
}

with_transcription_options! {
    /// The options of a transcription. All are optional.
    pub struct TranscriptionOptions {
        /// The language of the text.
        #[serde(skip_serializing_if = "Target::is_spoken")]
        pub target: Target,
    }
}

/// The language of the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The language that was spoken.
    #[default]
    Spoken,
    /// English.
    English,
}

impl Target {
    pub(super) fn is_spoken(&self) -> bool {
        *self == Self::Spoken
    }
}

impl TranscriptionOptions {
    pub(super) fn bytes(&self) -> u64 {
        let texts = [&self.prompt, &self.vocabulary, &self.language];
        let texts = texts.into_iter().flatten().map(String::len);
        texts.sum::<usize>() as u64 + 64
    }

    /// # Errors
    /// A fault that names the field whose value cannot be.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let refuse = |rule: String| Err(Fault::rejected(rule));
        if let Some(size) = self
            .beam_size
            .filter(|size| !(1..=MAX_BEAM_SIZE).contains(size))
        {
            return refuse(format!(
                "expected a `beam_size` of 1 to {MAX_BEAM_SIZE}, got {size}"
            ));
        }
        if let Some(temperature) = self
            .temperature
            .filter(|temperature| !(0.0..=1.0).contains(temperature))
        {
            return refuse(format!(
                "expected a `temperature` of 0 to 1, got {temperature}"
            ));
        }
        if let Some(silence) = self
            .silence
            .filter(|silence| !(0.0..=30.0).contains(silence))
        {
            return refuse(format!(
                "expected a `silence` of 0 to 30 seconds, got {silence}"
            ));
        }
        for (name, text) in [("prompt", &self.prompt), ("vocabulary", &self.vocabulary)] {
            let length = text.as_ref().map_or(0, String::len);
            if length > MAX_TEXT_BYTES {
                return refuse(format!(
                    "expected a `{name}` of at most {MAX_TEXT_BYTES} bytes, got {length}; its end counts most"
                ));
            }
        }
        self.language_code().map(drop)
    }

    /// The code of the language; none where it is to be found out.
    ///
    /// # Errors
    /// A fault when there is no such language.
    pub(super) fn language_code(&self) -> Result<Option<String>, Fault> {
        let Some(named) = self.language.as_deref().map(str::trim) else {
            return Ok(None);
        };
        if named.is_empty() || named.eq_ignore_ascii_case("auto") {
            return Ok(None);
        }
        match language_code(named) {
            Some(code) => Ok(Some(code.to_owned())),
            // A model may know languages that have no name here.
            None if matches!(named.len(), 2 | 3) && named.is_ascii() => {
                Ok(Some(named.to_lowercase()))
            }
            None => {
                let found: String = named.chars().take(40).collect();
                Err(Fault::rejected(format!(
                    "expected a `language` by its code or its name, such as `de` or `german`, got `{found}`; leave it out to have it found"
                )))
            }
        }
    }

    pub(super) fn recognition(&self) -> RecognitionOptions {
        let usual = RecognitionOptions::default();
        let words = self.vocabulary.as_deref().unwrap_or_default().split(',');
        let words = words.map(str::trim).filter(|word| !word.is_empty());
        RecognitionOptions {
            task: match self.target {
                Target::Spoken => Task::Transcribe,
                Target::English => Task::Translate,
            },
            // What is no language, the model refuses with those that it knows.
            language: self
                .language_code()
                .unwrap_or_else(|_| self.language.clone()),
            beam_size: self.beam_size.map_or(usual.beam_size, |size| size as usize),
            temperatures: self
                .temperature
                .map_or(usual.temperatures, |temperature| vec![temperature]),
            prompt: self.prompt.clone().unwrap_or_default(),
            vocabulary: words.map(str::to_owned).collect(),
            words: match self.words {
                Some(false) => Words::Untimed,
                _ => Words::Timed,
            },
            silence: self.silence.map_or(Silence::Full, Silence::Seconds),
            seed: self.seed.unwrap_or(usual.seed),
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_cannot_be_are_refused_with_those_that_can() {
        let check = |json: &str| {
            serde_json::from_str::<TranscriptionOptions>(json)
                .unwrap()
                .check()
        };
        assert!(check(r#"{"beam_size": 5, "temperature": 0.4, "silence": 2}"#).is_ok());
        for (json, field) in [
            (r#"{"beam_size": 0}"#, "beam_size"),
            (r#"{"beam_size": 17}"#, "beam_size"),
            (r#"{"temperature": 1.5}"#, "temperature"),
            (r#"{"silence": -1}"#, "silence"),
        ] {
            let refused = check(json).unwrap_err().message;
            assert!(
                refused.contains(field) && refused.contains("got"),
                "{refused}"
            );
        }
        let long = TranscriptionOptions {
            prompt: Some("x".repeat(9000)),
            ..TranscriptionOptions::default()
        };
        assert!(long.check().unwrap_err().message.contains("got 9000"));
        assert!(serde_json::from_str::<TranscriptionOptions>(r#"{"langauge": "en"}"#).is_err());
    }

    #[test]
    fn a_language_may_be_named_as_people_do() {
        let code = |named: &str| {
            let options = TranscriptionOptions {
                language: Some(named.to_owned()),
                ..TranscriptionOptions::default()
            };
            assert_eq!(options.check().is_ok(), options.language_code().is_ok());
            options.language_code().map(|code| {
                assert_eq!(options.recognition().language, code);
                code.unwrap_or_default()
            })
        };
        for (named, expected) in [
            ("en", "en"),
            ("DE", "de"),
            ("german", "de"),
            ("Deutsch", "de"),
            ("zh-CN", "zh"),
            ("中文", "zh"),
            ("pt_BR.UTF-8", "pt"),
            ("auto", ""),
            ("Auto", ""),
            ("", ""),
            ("xx", "xx"),
        ] {
            assert_eq!(code(named).unwrap(), expected, "{named}");
        }
        let refused = code("klingon").unwrap_err().message;
        assert!(refused.contains("`german`, got `klingon`"), "{refused}");
    }
}
