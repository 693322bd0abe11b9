//! `speech.activity`, and the segmenter on what it says.

use aimass_agents::speech::{
    ActivityInput, DetectActivity, MAX_PIECE_SAMPLES, SAMPLE_RATE, Samples, Segmenter,
    SegmenterOptions, Window,
};
use aimass_models::SileroState;
use aimass_runtime::Runtime;
use serde_json::json;

use super::{recordings, start};

async fn hear(runtime: &Runtime, samples: &[f32], piece: usize) -> Vec<f32> {
    let mut state: Option<SileroState> = None;
    let mut probabilities = Vec::new();
    for piece in samples.chunks(piece) {
        let samples = Samples::new(piece).unwrap();
        let input = ActivityInput { state, samples };
        let activity = runtime.ask::<DetectActivity>(input).await.unwrap();
        probabilities.extend(activity.probabilities);
        state = Some(activity.state);
    }
    probabilities
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_a_recording_are_heard_as_the_whole_is() {
    let runtime = start().await;
    let speech = recordings::speech();
    let whole = hear(&runtime, &speech, speech.len()).await;
    assert_eq!(whole.len(), speech.len().div_ceil(512));
    assert!(
        whole
            .iter()
            .all(|probability| (0.0..=1.0).contains(probability))
    );
    let pieces = hear(&runtime, &speech, 3 * 512).await;
    let pairs = whole.iter().zip(&pieces);
    assert!(
        pairs
            .map(|(one, other)| (one - other).abs())
            .fold(0.0, f32::max)
            < 1e-5
    );
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_becomes_windows_of_speech() {
    let runtime = start().await;
    let pause = vec![0.0; 4 * SAMPLE_RATE as usize];
    let speech = recordings::speech();
    let recording = [&pause[..], &speech, &pause, &speech, &speech].concat();
    let probabilities = hear(&runtime, &recording, 20 * 512).await;
    let mut segmenter = Segmenter::new(SegmenterOptions::default());
    let mut windows = segmenter.push(&recording, &probabilities);
    windows.extend(segmenter.finish());
    let seconds = |window: &Window| {
        let second = |sample: u64| (sample as f64 / f64::from(SAMPLE_RATE)).round() as u64;
        (second(window.start_sample), second(window.end_sample()))
    };
    let places: Vec<_> = windows.iter().map(seconds).collect();
    assert_eq!(places, [(4, 9), (14, 25)]);
    let spans: Vec<usize> = windows.iter().map(|window| window.spans.len()).collect();
    assert_eq!(spans, [2, 4]);
    assert!(
        windows
            .iter()
            .flat_map(|window| &window.spans)
            .all(|span| span.probability > 0.7)
    );
    runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_json_samples_are_numbers_or_base64_and_the_state_goes_on() {
    let runtime = start().await;
    let ask = async |input| {
        runtime
            .ask_json("speech.activity", input, Default::default())
            .await
    };
    let numbers = json!({ "samples": vec![0.25; 600] });
    let first = ask(numbers).await.unwrap();
    assert_eq!(first["probabilities"].as_array().unwrap().len(), 2);
    let samples = Samples::new([0.25; 600]).unwrap();
    let packed = ask(json!({ "samples": samples })).await.unwrap();
    assert_eq!(packed, first);
    let second = ask(json!({ "samples": samples, "state": first["state"] }))
        .await
        .unwrap();
    assert_ne!(second["probabilities"], first["probabilities"]);
    let mut spoilt = first["state"].clone();
    spoilt["cell"] = json!([1, 2, 3]);
    let long = vec![0; MAX_PIECE_SAMPLES + 1];
    for (input, message) in [
        (
            json!({ "samples": samples, "state": spoilt }),
            "128 finite numbers in `cell`",
        ),
        (json!({ "samples": samples, "state": {} }), "hidden"),
        (json!({ "samples": "?" }), "base64"),
        (json!({ "samples": [3000, 1] }), "from -1 to 1"),
        (json!({ "samples": long }), "send it in several"),
        (json!({}), "samples"),
        (json!({ "samples": [], "more": 1 }), "more"),
    ] {
        let error = ask(input).await.unwrap_err();
        assert_eq!(error.exit_code(), 65, "{error:?}");
        assert!(error.to_string().contains(message), "{error}");
    }
    let nothing = ask(json!({ "samples": [] })).await.unwrap();
    assert_eq!(nothing["probabilities"], json!([]));
    runtime.shutdown().await;
}
