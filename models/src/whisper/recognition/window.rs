//! One window on its way.

use std::sync::Arc;

use super::guards::{self, Verdict};
use super::options::Words;
use super::{RecognitionOptions, Recognized, RecognizedSegment, spectrogram};
use crate::ModelError;
use crate::whisper::alignment::{self, Spoken, Word};
use crate::whisper::decoding::{Decoded, Decoding, DecodingOptions, Strategy};
use crate::whisper::{
    EncodedAudio, EncoderPass, SAMPLE_RATE, SAMPLES_PER_POSITION, Segment, WhisperWeights, segments,
};

/// What is left over is heard again if it is longer than this, in samples.
const MIN_SAMPLES: usize = SAMPLE_RATE / 10;
/// The latest start of speech in a window, in seconds, as in the reference code.
const MAX_START_SECONDS: f64 = 1.0;

#[derive(Debug)]
pub(super) struct Window {
    samples: Vec<f32>,
    /// Where the part begins that is heard now.
    from: usize,
    options: RecognitionOptions,
    language: Option<u32>,
    prompt: Vec<u32>,
    pub(super) stage: Stage,
    found: Recognized,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing of this part was done.
    Begin,
    Encode(EncoderPass),
    Decode(Box<Attempt>),
    Done,
    /// It cannot be recognized.
    Refused(ModelError),
    /// Its outcome was taken.
    Gone,
}

/// A decoding, and which temperature it has.
#[derive(Debug)]
pub(super) struct Attempt {
    audio: Arc<EncodedAudio>,
    decoding: Decoding,
    number: usize,
}

impl Window {
    pub(super) fn new(
        weights: &WhisperWeights,
        samples: &[f32],
        options: &RecognitionOptions,
    ) -> Self {
        let mut window = Self {
            samples: samples.to_vec(),
            from: 0,
            options: options.clone(),
            language: None,
            prompt: Vec::new(),
            stage: Stage::Begin,
            found: Recognized::default(),
        };
        match window.prepare(weights) {
            Err(error) => window.stage = Stage::Refused(error),
            Ok(()) if samples.len() < MIN_SAMPLES => window.stage = Stage::Done,
            Ok(()) => {}
        }
        window
    }

    fn prepare(&mut self, weights: &WhisperWeights) -> Result<(), ModelError> {
        let (samples, options) = (&self.samples, &self.options);
        let most = weights.config().max_source_positions * SAMPLES_PER_POSITION;
        if samples.len() > most {
            return Err(ModelError::Input {
                operation: "recognize speech",
                expected: format!("at most {most} samples"),
                found: samples.len().to_string(),
                advice: "cut the audio into windows".to_owned(),
            });
        }
        let vocabulary = weights.vocabulary();
        let language = options.language.as_deref();
        let known = language.map(|code| vocabulary.language(code));
        let multilingual = !vocabulary.special().languages.is_empty();
        if multilingual && known == Some(None) {
            return Err(unknown_language(weights, language.unwrap_or_default()));
        }
        if !multilingual && language.is_some_and(|code| code != "en") {
            return Err(unknown_language(weights, language.unwrap_or_default()));
        }
        let mut words = options.vocabulary.join(", ");
        if !options.prompt.is_empty() {
            words = format!("{words} {}", options.prompt);
        }
        self.prompt = match words.trim() {
            "" => Vec::new(),
            words => vocabulary.encode(&format!(" {words}"))?,
        };
        self.language = known.flatten();
        Ok(())
    }

    /// The outcome, once it is there.
    pub(super) fn take(&mut self) -> Option<Result<Recognized, ModelError>> {
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Done => Some(Ok(std::mem::take(&mut self.found))),
            Stage::Refused(error) => Some(Err(error)),
            open => {
                self.stage = open;
                None
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match &self.stage {
            Stage::Decode(attempt) => attempt.audio.bytes(),
            _ => 0,
        }
    }

    pub(super) fn is_encoding(&self) -> bool {
        matches!(self.stage, Stage::Begin | Stage::Encode(_))
    }

    pub(super) fn decoding(&mut self) -> Option<&mut Decoding> {
        match &mut self.stage {
            Stage::Decode(attempt) => Some(&mut attempt.decoding),
            _ => None,
        }
    }

    pub(super) fn encode(&mut self, weights: &WhisperWeights) -> Result<(), ModelError> {
        if let Stage::Begin = self.stage {
            let spectrogram = spectrogram(weights, &self.samples[self.from..], &self.options);
            self.stage = Stage::Encode(EncoderPass::begin(weights, &[spectrogram])?);
        }
        let Stage::Encode(pass) = &mut self.stage else {
            return Ok(());
        };
        if pass.advance(weights)? {
            return Ok(());
        }
        let audio = EncodedAudio::of(weights, pass)?.pop();
        if let Some(audio) = audio {
            self.attempt(weights, Arc::new(audio), 0);
        }
        Ok(())
    }

    fn attempt(&mut self, weights: &WhisperWeights, audio: Arc<EncodedAudio>, number: usize) {
        let temperature = self.options.temperatures.get(number).copied();
        let strategy = match temperature.unwrap_or(0.0) {
            temperature if temperature > 0.0 => Strategy::Sample {
                count: self.options.samples.max(1),
                temperature,
            },
            _ => Strategy::Beam {
                size: self.options.beam_size.max(1),
                patience: self.options.patience,
            },
        };
        let options = DecodingOptions {
            task: self.options.task,
            language: self.language,
            strategy,
            // What a doubtful result came of may be the prompt.
            prompt: if number > 2 {
                Vec::new()
            } else {
                self.prompt.clone()
            },
            latest_start: MAX_START_SECONDS,
            seed: self.options.seed.wrapping_add(number as u64),
        };
        self.stage = Stage::Decode(Box::new(Attempt {
            decoding: Decoding::new(weights, audio.clone(), options),
            audio,
            number,
        }));
    }

    /// Takes the result of a decoding that has ended, and decides what comes next.
    pub(super) fn settle(&mut self, weights: &WhisperWeights) -> Result<(), ModelError> {
        let Stage::Decode(attempt) = &self.stage else {
            return Ok(());
        };
        if !attempt.decoding.is_done() {
            return Ok(());
        }
        let decoded = attempt.decoding.result();
        let (audio, number) = (attempt.audio.clone(), attempt.number);
        let text = weights.vocabulary().decode(&decoded.tokens);
        let last = number + 1 >= self.options.temperatures.len();
        if self.found.language.is_none() {
            let code = weights.vocabulary().language_of(decoded.language);
            self.found.language = Some(code.unwrap_or("en").to_owned());
            self.found.language_probability = decoded.language_probability;
            // The whole window is in one language.
            self.language = decoded.language;
        }
        match guards::judge(&decoded, text.trim(), &self.options) {
            Verdict::Doubtful if !last => {
                self.attempt(weights, audio, number + 1);
                Ok(())
            }
            Verdict::Silence => {
                self.stage = Stage::Done;
                Ok(())
            }
            Verdict::Sound | Verdict::Doubtful => self.keep(weights, &audio, &decoded, number),
        }
    }

    fn keep(
        &mut self,
        weights: &WhisperWeights,
        audio: &EncodedAudio,
        decoded: &Decoded,
        number: usize,
    ) -> Result<(), ModelError> {
        let left = self.samples.len() - self.from;
        let duration = left as f64 / SAMPLE_RATE as f64;
        let (segments, heard) = segments(weights.vocabulary(), decoded, duration);
        let offset = self.from as f64 / SAMPLE_RATE as f64;
        let mut words = match self.options.words {
            Words::Timed => self.align(weights, audio, &segments, left)?.into_iter(),
            Words::Untimed => Vec::new().into_iter(),
        };
        for segment in segments {
            let text = weights.vocabulary().decode(&segment.tokens);
            let own = take_words(&mut words, segment.tokens.len());
            if text.trim().is_empty() {
                continue;
            }
            self.found.segments.push(RecognizedSegment {
                start: offset + segment.start,
                end: offset + segment.end,
                text,
                tokens: segment.tokens,
                words: own.into_iter().map(|word| moved(word, offset)).collect(),
                no_speech: decoded.no_speech,
                mean_log_probability: decoded.mean_log_probability,
                temperature: self
                    .options
                    .temperatures
                    .get(number)
                    .copied()
                    .unwrap_or(0.0),
            });
        }
        let heard = (heard * SAMPLE_RATE as f64) as usize;
        self.from = self
            .samples
            .len()
            .min(self.from + heard.max(SAMPLES_PER_POSITION));
        let rest = self.samples.len() - self.from;
        self.stage = match rest > MIN_SAMPLES && heard < left {
            true => Stage::Begin,
            false => Stage::Done,
        };
        Ok(())
    }

    fn align(
        &self,
        weights: &WhisperWeights,
        audio: &EncodedAudio,
        segments: &[Segment],
        left: usize,
    ) -> Result<Vec<(Word, usize)>, ModelError> {
        let tokens: Vec<u32> = segments
            .iter()
            .flat_map(|segment| segment.tokens.iter().copied())
            .collect();
        let spoken = Spoken {
            tokens: &tokens,
            language: self.language,
            task: self.options.task,
        };
        alignment::align(weights, audio, left / SAMPLES_PER_POSITION, &spoken)
    }
}

/// The words that take `count` tokens.
fn take_words(words: &mut impl Iterator<Item = (Word, usize)>, count: usize) -> Vec<Word> {
    let mut taken = Vec::new();
    let mut tokens = 0;
    while tokens < count {
        let Some((word, length)) = words.next() else {
            break;
        };
        tokens += length;
        taken.push(word);
    }
    taken
}

fn moved(word: Word, offset: f64) -> Word {
    Word {
        start: word.start + offset,
        end: word.end + offset,
        ..word
    }
}

fn unknown_language(weights: &WhisperWeights, found: &str) -> ModelError {
    let languages = &weights.vocabulary().special().languages;
    let codes: Vec<&str> = languages.iter().map(|(code, _)| code.as_str()).collect();
    let expected = match codes.is_empty() {
        true => "`en`: this model knows English only".to_owned(),
        false => format!("one of {}", codes.join(", ")),
    };
    ModelError::Input {
        operation: "recognize speech",
        expected,
        found: format!(
            "the language `{}`",
            found.chars().take(20).collect::<String>()
        ),
        advice: "leave `language` out to have it found, or take another model".to_owned(),
    }
}
