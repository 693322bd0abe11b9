//! What may be set of decoding and of recognition, on the real weights.

use std::sync::Arc;

use aimass_models::whisper::decoding::{Decoded, Decoding, DecodingOptions, Strategy, Task};
use aimass_models::whisper::recognition::{Recognition, RecognitionOptions, Recognized, Words};
use aimass_models::whisper::{EncodedAudio, EncoderPass, WhisperWeights};
use aimass_models::{Precision, device};

use super::recordings::white_noise;
use super::transcribe::{recording, samples_of, store};

async fn weights() -> WhisperWeights {
    let folder = store().await.path("whisper-base").unwrap();
    WhisperWeights::load(&folder, &device::open("cpu").unwrap(), Precision::Exact).unwrap()
}

/// A decoding, and how many steps it took.
fn decode(weights: &WhisperWeights, audio: &Arc<EncodedAudio>, patience: f32) -> (Decoded, usize) {
    let options = DecodingOptions {
        task: Task::Transcribe,
        language: weights.vocabulary().language("en"),
        strategy: Strategy::Beam { size: 3, patience },
        prompt: Vec::new(),
        latest_start: 1.0,
        seed: 0,
    };
    let mut decoding = Decoding::new(weights, audio.clone(), options);
    let mut steps = 0;
    while !decoding.is_done() {
        Decoding::advance(weights, &mut [&mut decoding]).unwrap();
        steps += 1;
    }
    (decoding.result(), steps)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_search_goes_on_longer_and_finds_nothing_worse() {
    let weights = weights().await;
    for name in ["003.flac", "005.flac"] {
        let samples = samples_of(&recording(name));
        let spectrogram = weights.filters().log_mel(&samples, 30 * 16_000);
        let mut pass = EncoderPass::begin(&weights, &[spectrogram]).unwrap();
        while pass.advance(&weights).unwrap() {}
        let audio = EncodedAudio::of(&weights, &pass).unwrap();
        let audio = Arc::new(audio.into_iter().next().unwrap());
        let (hasty, few) = decode(&weights, &audio, 1.0);
        let (patient, many) = decode(&weights, &audio, 4.0);
        assert!(few < many, "{few} and {many} steps");
        let likely = |decoded: &Decoded| {
            let tokens = decoded.tokens.len() as f32;
            decoded.mean_log_probability * (tokens + 1.0) / tokens
        };
        assert!(likely(&patient) >= likely(&hasty), "{patient:?}; {hasty:?}");
    }
}

fn recognize(
    weights: &WhisperWeights,
    samples: &[f32],
    options: &RecognitionOptions,
) -> Recognized {
    let mut job = Recognition::default();
    job.push(weights, samples, options);
    loop {
        let progress = job.advance(weights).unwrap();
        if let Some((_, found)) = progress.done.into_iter().next() {
            return found.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_may_take_next_to_nothing_hears_its_windows_one_after_the_other() {
    let weights = weights().await;
    let recordings = ["003.flac", "005.flac"].map(|name| samples_of(&recording(name)));
    let options = falling_back(&[0.0]);
    let mut job = Recognition::within(1);
    for samples in &recordings {
        job.push(&weights, samples, &options);
    }
    let (mut order, mut full) = (Vec::new(), false);
    loop {
        let progress = job.advance(&weights).unwrap();
        full |= job.is_full();
        for (number, found) in progress.done {
            let alone = recognize(&weights, &recordings[number], &options);
            assert_eq!(found.unwrap().segments, alone.segments);
            order.push(number);
        }
        if progress.finished {
            break;
        }
    }
    assert!(full);
    assert_eq!(order, [0, 1]);
}

/// One hypothesis at first, and these temperatures.
fn falling_back(temperatures: &[f32]) -> RecognitionOptions {
    RecognitionOptions {
        language: Some("en".to_owned()),
        beam_size: 1,
        temperatures: temperatures.to_vec(),
        words: Words::Untimed,
        ..RecognitionOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_repeats_itself_is_decoded_again_at_a_higher_temperature() {
    let weights = weights().await;
    // Somebody who says the same nine times: whatever is right repeats itself, so every temperature
    // is tried.
    let sentence = samples_of(&recording("sense_and_sensibility_01_austen_64kb-0880.flac"));
    let again = sentence.repeat(9);
    let greedy = recognize(&weights, &again, &falling_back(&[0.0]));
    assert!(greedy.segments.len() > 5, "{greedy:?}");
    assert!(
        greedy
            .segments
            .iter()
            .all(|segment| segment.temperature == 0.0)
    );
    let found = recognize(&weights, &again, &falling_back(&[0.0, 0.2, 0.4]));
    assert!(!found.segments.is_empty());
    assert!(
        found
            .segments
            .iter()
            .all(|segment| segment.temperature == 0.4),
        "{found:?}"
    );
    // A sentence that is said once does not.
    let once = recognize(&weights, &sentence, &falling_back(&[0.0, 0.2, 0.4]));
    assert_eq!(once.segments.len(), 1);
    assert_eq!(once.segments[0].temperature, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_invented_out_of_noise_repeats_itself_and_is_given_up_for_silence() {
    let weights = weights().await;
    let noise = white_noise(20 * 16_000);
    let greedy = recognize(&weights, &noise, &falling_back(&[0.0]));
    assert!(greedy.segments.len() > 3, "{greedy:?}");
    let usual = RecognitionOptions::default().temperatures;
    assert_eq!(
        recognize(&weights, &noise, &falling_back(&usual)).segments,
        []
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_less_likely_than_it_must_be_is_decoded_again_at_a_higher_temperature() {
    let weights = weights().await;
    let samples = samples_of(&recording("003.flac"));
    let options = falling_back(&[0.0, 0.4]);
    let usual = recognize(&weights, &samples, &options);
    assert_eq!(usual.segments[0].temperature, 0.0);
    let likely = usual.segments[0].mean_log_probability;
    for (least, temperature) in [(likely - 0.01, 0.0), (likely + 0.01, 0.4)] {
        let options = RecognitionOptions {
            least_log_probability: least,
            ..options.clone()
        };
        let found = recognize(&weights, &samples, &options);
        assert_eq!(found.segments[0].temperature, temperature, "{found:?}");
    }
}
