//! How fast a language model reads and writes: `generate_rate FOLDER [CONVERSATIONS]...`, a folder with a GGUF file. With `CANDLE_NUM_THREADS` the threads of
//! candle's products are set, with `WORKERS` the threads that share the conversations, as the workers of an agent do. Each conversation brings 512 tokens and
//! gets 128; for profiles and for comparing with other programs.

#![expect(clippy::print_stdout, reason = "it is what the example does")]

use std::error::Error;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, SystemTime};

use aimass_models::ModelError;
use aimass_models::llama::{Feed, KvCache, LlamaWeights, Wanted};
use candle_core::Device;

const READ: usize = 512;
const WRITTEN: usize = 128;

/// As an error that may come out of a thread.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
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
    let workers = std::env::var("WORKERS").map_or(Ok(1), |workers| workers.parse())?;
    let began = SystemTime::now();
    let weights = LlamaWeights::load(Path::new(&folder), Some(2048), &Device::Cpu)?;
    println!(
        "loaded in {:.2} s, {} MB",
        began.elapsed()?.as_secs_f64(),
        weights.memory_bytes() >> 20
    );
    for count in counts {
        let (read, written) = rates(&weights, count, workers)?;
        println!("{count} conversations: reads {read:.1} tokens/s, writes {written:.1} tokens/s");
    }
    Ok(())
}

/// Tokens a second, of all conversations together.
fn rates(weights: &LlamaWeights, count: usize, workers: usize) -> Result<(f64, f64), Failure> {
    let began = SystemTime::now();
    // Nobody writes before all have read.
    let read = Barrier::new(workers);
    let times = thread::scope(|scope| {
        let shares = (0..workers).map(|worker| (count + worker) / workers);
        let read = &read;
        let running: Vec<_> = shares
            .map(|share| scope.spawn(move || serve(weights, share, read, began)))
            .collect();
        let ended = running.into_iter().map(|worker| worker.join());
        ended.collect::<Result<Result<Vec<_>, _>, _>>()
    });
    let times = times.map_err(|_| "a worker panicked")??;
    let reading = times.iter().map(|(read, _)| *read).max();
    let all = times.iter().map(|(_, written)| *written).max();
    let (reading, all) = reading.zip(all).ok_or("expected a worker, got none")?;
    Ok((
        (count * READ) as f64 / reading.as_secs_f64(),
        (count * WRITTEN) as f64 / (all - reading).as_secs_f64(),
    ))
}

/// Reads and writes so many conversations; gives when it had read them, and when it had written.
fn serve(
    weights: &LlamaWeights,
    count: usize,
    read: &Barrier,
    began: SystemTime,
) -> Result<(Duration, Duration), Failure> {
    let caches = (0..count).map(|_| weights.cache(READ + WRITTEN));
    let mut caches: Vec<KvCache> = caches.collect();
    let prompt: Vec<u32> = (0..READ as u32)
        .map(|place| 1000 + place * 37 % 4000)
        .collect();
    let mut next = Vec::new();
    for cache in &mut caches {
        let feed = Feed {
            tokens: &prompt,
            cache,
            wanted: Wanted::Scores,
        };
        next.push(weights.forward(&mut [feed]));
    }
    read.wait();
    let reading = began.elapsed()?;
    let next = next.into_iter().map(|scores| Ok([best(&scores?[0])]));
    let mut next = next.collect::<Result<Vec<_>, ModelError>>()?;
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
    Ok((reading, began.elapsed()?))
}

fn best(scores: &[f32]) -> u32 {
    let by_score =
        |one: &u32, other: &u32| scores[*one as usize].total_cmp(&scores[*other as usize]);
    (0..scores.len() as u32).max_by(by_score).unwrap_or(0)
}
