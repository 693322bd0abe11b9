//! Whisper with weights rounded to 8 bits.

use aimass_agents::speech::{SpeechAgent, SpeechLimits, Transcribe, Transcript};
use aimass_config::Config;
use aimass_models::whisper::WhisperWeights;
use aimass_models::{Precision, device};
use aimass_runtime::Runtime;

use super::transcribe::{quick, recording, store};

const RECORDINGS: [&str; 2] = ["003.flac", "sense_and_sensibility_01_austen_64kb-0930.flac"];

async fn heard(precision: Precision) -> Vec<Transcript> {
    let agent = SpeechAgent::new(store().await, None).limits(SpeechLimits {
        precision,
        ..SpeechLimits::default()
    });
    let runtime = Runtime::builder(Config::default()).agent(agent);
    let runtime = runtime.start().await.unwrap();
    let mut heard = Vec::new();
    for name in RECORDINGS {
        let found = runtime.ask::<Transcribe>(quick(recording(name))).await;
        heard.push(found.unwrap());
    }
    runtime.shutdown().await;
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn it_hears_what_exact_weights_hear() {
    let (exact, rounded) = (heard(Precision::Exact).await, heard(Precision::Q8_0).await);
    let texts = |heard: &[Transcript]| heard.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&exact), texts(&rounded));
    let probability = |heard: &[Transcript]| -> Vec<f32> {
        let segments = heard.iter().flat_map(|one| &one.segments);
        let words = segments.flat_map(|segment| &segment.words);
        words.map(|word| word.probability).collect()
    };
    // It is another network, if only just.
    assert_ne!(probability(&exact), probability(&rounded));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_little_more_than_half_of_the_memory() {
    let folder = store().await.path("whisper-base").unwrap();
    let bytes = |precision| {
        let device = device::open("cpu").unwrap();
        WhisperWeights::load(&folder, &device, precision)
            .unwrap()
            .memory_bytes()
    };
    let (exact, rounded) = (bytes(Precision::Exact), bytes(Precision::Q8_0));
    assert!(
        rounded > exact / 2 && rounded < exact / 5 * 3,
        "{rounded} of {exact}"
    );
}
