//! Any bytes as an audio file: opened or refused, read to the end in bounded memory, with nothing but audible samples.

#![no_main]

use aimass_models::audio::{AudioFile, AudioLimits, SAMPLE_RATE};
use libfuzzer_sys::fuzz_target;

const LIMITS: AudioLimits = AudioLimits { max_seconds: 60 };

fuzz_target!(
    init: {
        // Panics within symphonia are contained and become errors. libFuzzer's own hook would end the process at each; one that leaves our
        // code still ends it.
        if std::env::var_os("FUZZ_SHOW_CONTAINED").is_none() {
            std::panic::set_hook(Box::new(|_| {}));
        }
    },
    |bytes: &[u8]| {
        let Ok(mut file) = AudioFile::in_memory("fuzzed", bytes.to_vec(), LIMITS) else {
            return;
        };
        let mut heard = 0;
        while let Ok(Some(block)) = file.next_block() {
            assert!((1..=SAMPLE_RATE as usize).contains(&block.len()), "a block of {}", block.len());
            assert!(block.iter().all(|sample| (-1.0..=1.0).contains(sample)), "an inaudible sample");
            heard += block.len() as u64;
        }
        assert!(heard <= LIMITS.max_seconds * u64::from(SAMPLE_RATE), "longer than the limit");
        assert!(matches!(file.next_block(), Ok(None)), "something after the end");
    }
);
