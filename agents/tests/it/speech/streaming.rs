//! Segments come while the recording is still being heard.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aimass_agents::speech::{Segment, Transcribe, TranscribeInput};

use super::recordings::wav;
use super::transcribe::{quick, recording, samples_of};
use super::watched::start_watched;

const SECOND: usize = 16_000;
/// Far longer than a window takes; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// More than a minute: windows of speech, with a pause behind each that closes it. And how many
/// there are.
fn many_windows() -> (Vec<f32>, usize) {
    let names = [
        "sense_and_sensibility_01_austen_64kb-0930.flac",
        "sense_and_sensibility_01_austen_64kb-0880.flac",
        "005.flac",
        "sense_and_sensibility_01_austen_64kb-0920.flac",
    ];
    let pieces = names.iter().cycle().take(3 * names.len());
    let pieces: Vec<Vec<f32>> = pieces
        .map(|name| [samples_of(&recording(name)), vec![0.0; 3 * SECOND]].concat())
        .collect();
    assert!(pieces.iter().map(Vec::len).sum::<usize>() > 60 * SECOND);
    (pieces.concat(), pieces.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_segment_comes_before_the_last_window_is_recognized() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    let (samples, windows) = many_windows();
    std::fs::write(&path, wav(&samples, 16_000)).unwrap();
    // Windows wait for each other until the language is known, and eight are asked about side by
    // side then.
    for language in [None, Some("en".to_owned())] {
        let (come, first) = mpsc::channel();
        let first = Mutex::new(first);
        let begun = Arc::new(Mutex::new(Vec::new()));
        let log = begun.clone();
        let runtime = start_watched(move |_| {
            let number = log.lock().unwrap().len() + 1;
            // The last window is held back until the first segment is here; it never comes if
            // segments are sent at the end.
            let waited = match number == windows {
                true => first.lock().unwrap().recv_timeout(PATIENCE),
                false => Ok(()),
            };
            log.lock().unwrap().push(waited);
        })
        .await;
        let input = TranscribeInput {
            language,
            words: Some(false),
            // What is heard is not looked at here, so that it may be heard the fast way.
            silence: Some(1.0),
            ..quick(&path)
        };
        let mut stream = runtime.stream::<Transcribe>(input).unwrap();
        let mut items: Vec<Segment> = Vec::new();
        while let Some(item) = stream.next().await {
            items.push(item.unwrap());
            let _ = come.send(());
        }
        assert_eq!(items, stream.output().await.unwrap().segments);
        let expected: Vec<Result<(), RecvTimeoutError>> = vec![Ok(()); windows];
        assert_eq!(*begun.lock().unwrap(), expected);
        runtime.shutdown().await;
    }
}
