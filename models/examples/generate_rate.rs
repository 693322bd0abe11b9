//! How fast a language model reads and writes: `generate_rate FOLDER [CONVERSATIONS]...`, a folder with a GGUF file. With `CANDLE_NUM_THREADS` the threads of
//! candle's products are set. Each conversation brings 512 tokens and gets 128; for profiles and for comparing with other programs.

#![expect(clippy::print_stdout, reason = "it is what the example does")]

use std::error::Error;
use std::path::Path;
use std::time::SystemTime;

use aimass_models::llama::{Feed, KvCache, LlamaWeights, Wanted};
use candle_core::Device;

const READ: usize = 512;
const WRITTEN: usize = 128;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .ok_or("usage: generate_rate FOLDER [CONVERSATIONS]...")?;
    let mut counts = arguments
        .map(|count| count.parse())
        .collect::<Result<Vec<usize>, _>>()?;
    if counts.is_empty() {
        counts = vec![1, 4, 16];
    }
    let began = SystemTime::now();
    let weights = LlamaWeights::load(Path::new(&folder), Some(2048), &Device::Cpu)?;
    println!(
        "loaded in {:.2} s, {} MB",
        began.elapsed()?.as_secs_f64(),
        weights.memory_bytes() >> 20
    );
    for count in counts {
        let (read, written) = rates(&weights, count)?;
        println!("{count} conversations: reads {read:.1} tokens/s, writes {written:.1} tokens/s");
    }
    Ok(())
}

/// Tokens a second, of all conversations together.
fn rates(weights: &LlamaWeights, count: usize) -> Result<(f64, f64), Box<dyn Error>> {
    let caches = (0..count).map(|_| KvCache::new(weights.config(), READ + WRITTEN));
    let mut caches: Vec<KvCache> = caches.collect();
    let prompt: Vec<u32> = (0..READ as u32)
        .map(|place| 1000 + place * 37 % 4000)
        .collect();
    let mut next = Vec::new();
    let began = SystemTime::now();
    for cache in &mut caches {
        let feed = Feed {
            tokens: &prompt,
            cache,
            wanted: Wanted::Scores,
        };
        next.push([best(&weights.forward(&mut [feed])?[0])]);
    }
    let reading = began.elapsed()?.as_secs_f64();
    let began = SystemTime::now();
    for _ in 0..WRITTEN {
        let feeds = caches.iter_mut().zip(&next).map(|(cache, tokens)| Feed {
            tokens,
            cache,
            wanted: Wanted::Scores,
        });
        let mut feeds: Vec<Feed<'_>> = feeds.collect();
        let scores = weights.forward(&mut feeds)?;
        next = scores.iter().map(|scores| [best(scores)]).collect();
    }
    let writing = began.elapsed()?.as_secs_f64();
    Ok((
        (count * READ) as f64 / reading,
        (count * WRITTEN) as f64 / writing,
    ))
}

fn best(scores: &[f32]) -> u32 {
    let by_score =
        |one: &u32, other: &u32| scores[*one as usize].total_cmp(&scores[*other as usize]);
    (0..scores.len() as u32).max_by(by_score).unwrap_or(0)
}
