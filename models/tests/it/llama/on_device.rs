//! The form of other devices, on the processor: candle's operations instead of our kernels.

use aimass_models::llama::{CachePool, Feed, GenerationOptions, LlamaWeights, Wanted};

use super::smollm2::{folder, likeliest, plain};
use super::{goldens, load_as_tensors, tiny, tiny_file, write, write_one};

/// All that a pool may take here.
const ROOM: usize = 64 << 20;
const ARCHITECTURES: [&str; 2] = ["llama", "qwen2"];

fn tiny_as_tensors(architecture: &str) -> LlamaWeights {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(tiny_file(architecture), folder.path().join("model.gguf")).unwrap();
    load_as_tensors(folder.path())
}

/// The scores behind each part of a text, and behind a second text that goes another way after the first part.
fn scores(weights: &LlamaWeights, parts: &[&[u32]], other: &[u32]) -> Vec<Vec<f32>> {
    let mut cache = weights.cache(4);
    let mut scores = Vec::new();
    for (number, tokens) in parts.iter().enumerate() {
        let mut fork = cache.fork(cache.tokens().len(), 64);
        let mut feeds = vec![Feed {
            tokens,
            cache: &mut cache,
            wanted: Wanted::Scores,
        }];
        if number == 1 {
            feeds.push(Feed {
                tokens: other,
                cache: &mut fork,
                wanted: Wanted::Scores,
            });
        }
        scores.extend(weights.forward(&mut feeds).unwrap());
    }
    cache.truncate(3);
    cache.shrink();
    let last = Feed {
        tokens: other,
        cache: &mut cache,
        wanted: Wanted::Scores,
    };
    scores.extend(weights.forward(&mut [last]).unwrap());
    scores
}

#[test]
fn scores_agree_with_those_of_our_kernels() {
    for architecture in ARCHITECTURES {
        let (ours, theirs) = (tiny(architecture), tiny_as_tensors(architecture));
        let parts: [&[u32]; 4] = [&[5, 60, 7, 8, 9], &[10, 11], &[12], &[13, 14, 15]];
        let other = [200, 201, 202];
        let expected = scores(&ours, &parts, &other);
        let found = scores(&theirs, &parts, &other);
        assert_eq!((expected.len(), found.len()), (6, 6));
        let pairs = expected.iter().flatten().zip(found.iter().flatten());
        let apart = pairs.map(|(one, other)| (one - other).abs());
        let apart = apart.fold(0.0, f32::max);
        println!("{architecture}: {apart} is the largest difference of two scores");
        // Both round the other factor to 8 bits, in the same way for this kind; scores reach to some 10.
        assert!(apart < 0.01, "{architecture}: {apart}");
    }
}

#[test]
fn texts_are_those_of_our_kernels_alone_and_in_company() {
    let greedy = GenerationOptions {
        max_tokens: 24,
        ..GenerationOptions::default()
    };
    let prompts = ["hello world", "the other world", "a b c the", "hello world"];
    for architecture in ARCHITECTURES {
        let (ours, theirs) = (tiny(architecture), tiny_as_tensors(architecture));
        let texts = |weights: &LlamaWeights| {
            let prompts = prompts.map(|prompt| weights.prompt(prompt).unwrap());
            let texts = prompts.map(|prompt| (prompt, greedy.clone()));
            let written = write(weights, &mut CachePool::new(ROOM), texts);
            let texts = written.into_iter().map(|written| written.unwrap().text);
            texts.collect::<Vec<_>>()
        };
        let expected = texts(&ours);
        assert_eq!(texts(&theirs), expected, "{architecture}");
        let mut pool = CachePool::new(ROOM);
        let first = write_one(&theirs, &mut pool, prompts[0], greedy.clone());
        let again = write_one(&theirs, &mut pool, prompts[0], greedy.clone());
        assert_eq!(first.text, expected[0]);
        assert_eq!(again.text, expected[0]);
        assert_eq!(again.cached_tokens, again.prompt_tokens - 1);
    }
}

#[test]
fn plain_numbers_give_the_answers_of_the_reference() {
    let goldens = goldens().smollm2;
    let mut answers: Vec<_> = goldens.written.into_iter().take(4).collect();
    for answer in &mut answers {
        answer.tokens.truncate(24);
    }
    let same = likeliest(&load_as_tensors(plain().path()), &answers);
    for (answer, written) in same.iter().zip(&answers) {
        let first = answer.iter().position(|same| !same);
        assert_eq!(first, None, "{}", written.question);
    }
}

#[test]
fn blocks_take_the_memory_that_they_have_in_the_file() {
    let weights = load_as_tensors(&folder());
    let file = std::fs::read_dir(folder()).unwrap();
    let bytes = file.map(|entry| entry.unwrap().metadata().unwrap().len());
    let bytes = bytes.max().unwrap();
    // The embedding is there twice, and positions are told apart up to the context.
    let counted = weights.memory_bytes();
    println!("{counted} bytes counted for a file of {bytes}");
    assert!(counted > bytes && counted < bytes + bytes / 2);
}
