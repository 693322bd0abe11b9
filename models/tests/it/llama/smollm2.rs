//! SmolLM2 135M Instruct with its real weights, beside llama.cpp.
//!
//! The file has blocks of four bits (Q4_1), with which llama.cpp and we multiply rows that were
//! rounded to eight. Sums in another order turn a rounding now and then, which changes as much as
//! all roundings do, so that answers of some length differ between any two programs. With the same
//! weights as plain numbers nothing is rounded, and the answers are the same; with blocks we are as
//! near to those as llama.cpp is.

use std::fs::File;
use std::path::PathBuf;

use aimass_models::Silent;
use aimass_models::llama::{
    CachePool, Encoding, Feed, GenerationOptions, KvCache, LlamaWeights, Message, Role, Wanted,
};
use candle_core::Device;
use candle_core::quantized::gguf_file::{self, Content};
use candle_core::quantized::{GgmlDType, QTensor};
use tempfile::TempDir;

use super::{Written, goldens, load, write};
use crate::cache;

pub(super) fn folder() -> PathBuf {
    cache::store().pull("smollm2", &mut Silent).unwrap()
}

fn smollm2() -> LlamaWeights {
    load(&folder()).unwrap()
}

/// The same weights as plain numbers, in a folder of their own.
pub(super) fn plain() -> TempDir {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let path = paths.find(|path| {
        path.extension()
            .is_some_and(|extension| extension == "gguf")
    });
    let mut file = File::open(path.unwrap()).unwrap();
    let content = Content::read(&mut file).unwrap();
    let tensors = content.tensor_infos.keys().map(|name| {
        let tensor = content.tensor(&mut file, name, &Device::Cpu).unwrap();
        let values = tensor.dequantize(&Device::Cpu).unwrap();
        (
            name.as_str(),
            QTensor::quantize(&values, GgmlDType::F32).unwrap(),
        )
    });
    let tensors: Vec<(&str, QTensor)> = tensors.collect();
    let tensors: Vec<_> = tensors
        .iter()
        .map(|(name, tensor)| (*name, tensor))
        .collect();
    let metadata = content.metadata.iter();
    let metadata: Vec<_> = metadata.map(|(key, value)| (key.as_str(), value)).collect();
    let plain = tempfile::tempdir().unwrap();
    let mut file = File::create(plain.path().join("plain.gguf")).unwrap();
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
    plain
}

/// For each answer of the reference and each of its tokens: whether it is the likeliest for this
/// model too, behind the same beginning.
pub(super) fn likeliest(weights: &LlamaWeights, answers: &[Written]) -> Vec<Vec<bool>> {
    let caches = answers.iter().map(|_| weights.cache(512));
    let mut caches: Vec<KvCache> = caches.collect();
    let mut same: Vec<Vec<bool>> = vec![Vec::new(); answers.len()];
    let longest = answers.iter().map(|answer| answer.tokens.len()).max();
    for place in 0..longest.unwrap_or(0) {
        let mut numbers = Vec::new();
        let mut feeds = Vec::new();
        for ((number, answer), cache) in answers.iter().enumerate().zip(&mut caches) {
            if place >= answer.tokens.len() {
                continue;
            }
            let tokens = match place {
                0 => &answer.prompt[..],
                _ => &answer.tokens[place - 1..place],
            };
            numbers.push(number);
            feeds.push(Feed {
                tokens,
                cache,
                wanted: Wanted::Scores,
            });
        }
        for (number, scores) in numbers
            .into_iter()
            .zip(weights.forward(&mut feeds).unwrap())
        {
            let best =
                (0..scores.len()).max_by(|one, other| scores[*one].total_cmp(&scores[*other]));
            same[number].push(best == Some(answers[number].tokens[place] as usize));
        }
    }
    same
}

fn ask(question: &str) -> [Message; 1] {
    [Message {
        role: Role::User,
        content: question.to_owned(),
    }]
}

#[test]
fn odd_texts_and_conversations_have_the_tokens_of_the_reference() {
    let weights = smollm2();
    let goldens = goldens();
    for (text, expected) in goldens.texts.iter().zip(&goldens.smollm2.tokens) {
        let tokens = weights.vocabulary().encode(text, Encoding::Plain).unwrap();
        assert_eq!(tokens, *expected, "{text:?}");
    }
    for written in &goldens.smollm2.written {
        let tokens = weights.chat_prompt(&ask(&written.question)).unwrap();
        assert_eq!(tokens, written.prompt, "{}", written.question);
    }
}

#[test]
fn with_plain_numbers_every_answer_is_that_of_the_reference() {
    let goldens = goldens().smollm2;
    let plain = load(plain().path()).unwrap();
    let answers = likeliest(&plain, &goldens.written);
    for (answer, written) in answers.iter().zip(&goldens.written) {
        let first = answer.iter().position(|same| !same);
        assert_eq!(first, None, "{}", written.question);
    }
}

#[test]
fn blocks_are_as_near_to_plain_numbers_as_those_of_the_reference() {
    let goldens = goldens().smollm2;
    let answers = likeliest(&smollm2(), &goldens.written);
    let all = answers.iter().flatten().count();
    let same = answers.iter().flatten().filter(|same| **same).count();
    let reference = goldens.agreement_of_blocks;
    println!(
        "of {all} tokens {same} are the same with blocks, and {reference} with those of the reference"
    );
    // Both miss some twenty of a thousand, where two tokens are about as likely: by chance, so
    // their numbers are a few apart.
    assert!(
        same + all / 100 >= reference,
        "{same}, {reference} of {all}"
    );
}

#[test]
fn a_conversation_goes_on_without_being_read_again() {
    let weights = smollm2();
    let options = GenerationOptions {
        max_tokens: 24,
        ..GenerationOptions::default()
    };
    let mut pool = CachePool::new(256 << 20);
    let mut messages = ask("Explain what an actor is in concurrent programming.").to_vec();
    let answer = |messages: &[Message], pool: &mut CachePool| {
        let prompt = weights.chat_prompt(messages).unwrap();
        write(&weights, pool, [(prompt, options.clone())])
            .remove(0)
            .unwrap()
    };
    let first = answer(&messages, &mut pool);
    assert!(first.text.contains("an actor refers to"), "{}", first.text);
    messages.push(Message {
        role: Role::Assistant,
        content: first.text.clone(),
    });
    messages.extend(ask("And a thread?"));
    let warm = answer(&messages, &mut pool);
    let cold = answer(&messages, &mut CachePool::new(0));
    assert!(warm.cached_tokens >= first.prompt_tokens, "{warm:?}");
    assert_eq!((warm.text, cold.cached_tokens), (cold.text, 0));
}
