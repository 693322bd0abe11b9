//! The decoder against transformers, on a tiny checkpoint of random weights.

use std::path::PathBuf;

use candle_core::Device;
use serde_json::Value;

use super::*;
use crate::Precision;
use crate::weights::TensorFile;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens/whisper")
}

fn golden(name: &str, shape: &[usize]) -> Vec<f32> {
    let file = TensorFile::open(&folder().join("goldens.safetensors")).unwrap();
    let tensor = file.read(name, shape, &Device::Cpu).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn numbers(value: &Value) -> Vec<u32> {
    let numbers = value.as_array().unwrap().iter();
    numbers
        .map(|number| number.as_u64().unwrap() as u32)
        .collect()
}

struct Stage {
    weights: WhisperWeights,
    audio: EncodedAudio,
    goldens: Value,
}

fn stage() -> Stage {
    let weights = WhisperWeights::load(&folder(), &Device::Cpu, Precision::Exact).unwrap();
    let waveform = golden("waveform", &[12_800]);
    let spectrogram = weights.filters().log_mel(&waveform, 30 * 16_000);
    let mut pass = EncoderPass::begin(&weights, &[spectrogram]).unwrap();
    while pass.advance(&weights).unwrap() {}
    let audio = EncodedAudio::of(&weights, &pass).unwrap().remove(0);
    let text = std::fs::read_to_string(folder().join("goldens.json")).unwrap();
    let goldens = serde_json::from_str(&text).unwrap();
    Stage {
        weights,
        audio,
        goldens,
    }
}

fn apart(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(other);
    pairs
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, f32::max)
}

#[test]
fn scores_and_attention_agree_with_the_reference() {
    let Stage {
        weights,
        audio,
        goldens,
    } = stage();
    let prefix = numbers(&goldens["prefix"]);
    let heads = goldens["cross_attention_heads"].as_array().unwrap().iter();
    let heads: Vec<(usize, usize)> = heads
        .map(numbers)
        .map(|pair| (pair[0] as usize, pair[1] as usize))
        .collect();
    let mut probe = AttentionProbe::of(&heads);
    let decoder = &weights.decoder;
    let scores = decoder.force(&audio, &prefix, &mut probe).unwrap();
    let scores = scores.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let vocabulary = weights.config().vocab_size;
    assert!(apart(&scores, &golden("logits", &[8, vocabulary])) < 5e-3);
    let expected = golden("cross_attention", &[2, 8, 1500]);
    assert!(apart(&probe.weights.concat(), &expected) < 1e-3);
}

#[test]
fn token_by_token_gives_what_all_at_once_gives() {
    let Stage {
        weights,
        audio,
        goldens,
    } = stage();
    let prefix = numbers(&goldens["prefix"]);
    let mut probe = AttentionProbe::default();
    let all = weights.decoder.force(&audio, &prefix, &mut probe).unwrap();
    let all = all.to_vec2::<f32>().unwrap();
    let (mut one, mut other) = (DecoderState::default(), DecoderState::default());
    for (place, token) in prefix.iter().enumerate() {
        // Beside it another hypothesis of the same audio goes its own way.
        let strange = [*token + u32::from(place > 2)];
        let mut feeds = [
            Feed {
                audio: &audio,
                state: &mut one,
                tokens: &[*token],
            },
            Feed {
                audio: &audio,
                state: &mut other,
                tokens: &strange,
            },
        ];
        let scores = weights.decoder.forward(&mut feeds, None).unwrap();
        let scores = scores.to_vec2::<f32>().unwrap();
        assert!(apart(&scores[0], &all[place]) < 1e-4, "token {place}");
    }
    assert_eq!((one.length(), other.length()), (8, 8));
}

#[test]
fn greedy_tokens_are_those_of_the_reference() {
    let Stage {
        weights,
        audio,
        goldens,
    } = stage();
    let special = weights.vocabulary().special();
    let start = [
        special.start_of_transcript,
        weights.vocabulary().language("en").unwrap(),
        special.transcribe,
        special.no_timestamps,
    ];
    let mut state = DecoderState::default();
    let mut next = start.to_vec();
    let mut said: Vec<u32> = Vec::new();
    let expected = numbers(&goldens["greedy"]);
    while said.len() < expected.len() {
        let mut feeds = [Feed {
            audio: &audio,
            state: &mut state,
            tokens: &next,
        }];
        let scores = weights.decoder.forward(&mut feeds, None).unwrap();
        let scores = scores.to_vec2::<f32>().unwrap().remove(0);
        let best = (0..scores.len()).max_by(|one, other| scores[*one].total_cmp(&scores[*other]));
        next = vec![best.unwrap() as u32];
        said.extend(&next);
    }
    assert_eq!(said, expected);
}

#[test]
fn tokens_that_cannot_be_are_refused() {
    let Stage { weights, audio, .. } = stage();
    for tokens in [vec![], vec![1 << 30], vec![0; 449]] {
        let mut state = DecoderState::default();
        let mut feeds = [Feed {
            audio: &audio,
            state: &mut state,
            tokens: &tokens,
        }];
        let refused = weights.decoder.forward(&mut feeds, None).unwrap_err();
        assert!(refused.to_string().contains("448 tokens"), "{refused}");
    }
}
