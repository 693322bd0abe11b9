//! SmolLM2 135M Instruct with its real weights, beside llama.cpp on the same file.
//!
//! The file has four bits a weight (Q4_1), which we round to eight (Q8_0), and the reference rounds inputs in its own way. Scores are off by a little, and a
//! token may differ where two are about as likely. How much is due to which of the two was not taken apart.

use aimass_models::Silent;
use aimass_models::llama::{
    CachePool, Feed, GenerationOptions, KvCache, LlamaWeights, Message, Role, Spelling, Wanted,
};

use super::{goldens, load, write};
use crate::cache;

/// By how much the scores of two tokens may differ for us to take the other one.
const GAP: f32 = 0.5;
/// How much of what the reference wrote is looked at: all of it takes minutes.
const QUESTIONS: usize = 8;
const TOKENS: usize = 24;

fn smollm2() -> LlamaWeights {
    load(&cache::store().pull("smollm2", &mut Silent).unwrap()).unwrap()
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
        let tokens = weights.vocabulary().encode(text, Spelling::Plain).unwrap();
        assert_eq!(tokens, *expected, "{text:?}");
    }
    for written in &goldens.smollm2.written {
        let tokens = weights.conversation(&ask(&written.question)).unwrap();
        assert_eq!(tokens, written.prompt, "{}", written.question);
    }
}

/// Behind each beginning of what the reference wrote, the next token is the same, unless two were about as likely.
#[test]
fn the_next_token_is_that_of_the_reference() {
    let weights = smollm2();
    let (mut same, mut all) = (0, 0);
    for written in goldens().smollm2.written.iter().take(QUESTIONS) {
        let mut cache = KvCache::new(weights.config(), 512);
        let mut next = written.prompt.clone();
        for (token, gap) in written.tokens.iter().zip(&written.gaps).take(TOKENS) {
            let feed = Feed {
                tokens: &next,
                cache: &mut cache,
                wanted: Wanted::Scores,
            };
            let scores = weights.forward(&mut [feed]).unwrap().remove(0);
            let best =
                (0..scores.len()).max_by(|one, other| scores[*one].total_cmp(&scores[*other]));
            let is_same = best == Some(*token as usize);
            assert!(is_same || *gap < GAP, "{}: {gap}", written.question);
            same += usize::from(is_same);
            all += 1;
            next = vec![*token];
        }
    }
    println!("{same} of {all} next tokens are those of the reference");
    // 168 of 177 when this was written; the bound leaves room for another processor's order of sums.
    assert!(same * 100 >= all * 90, "{same} of {all}");
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
        let prompt = weights.conversation(messages).unwrap();
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
