//! The tokens of a language model, rebuilt from what its GGUF file says.
//!
//! Byte-level BPE, as GPT-2 has it: Radford et al., "Language Models are Unsupervised Multitask
//! Learners", 2019, section 2.2. How a text is cut before pairs are merged depends on the model
//! (`tokenizer.ggml.pre`).

use std::collections::HashMap;

use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{NormalizerWrapper, Tokenizer};

use super::reader::Reader;
use crate::ModelError;

/// The most tokens that a vocabulary may have.
const MAX_TOKENS: usize = 1 << 19;
/// Kinds of tokens, as `tokenizer.ggml.token_type` numbers them.
const NORMAL: u64 = 1;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
/// Tokens that end what a model writes, whatever the file says beside them.
const ENDS: [&str; 6] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|eom_id|>",
];

/// The pattern by which Qwen2 cuts texts, from its `tokenizer.json`.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The pattern by which Llama 3 cuts texts, from its `tokenizer.json`.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A tokenizer, with the tokens that have a meaning of their own.
#[derive(Debug)]
pub struct Vocabulary {
    tokenizer: Tokenizer,
    names: Vec<String>,
    /// The bytes that each token writes; none of those that are no text.
    bytes: Vec<Box<[u8]>>,
    /// Tokens with a meaning of their own, the longest names first.
    controls: Vec<u32>,
    /// Those among the tokens that users defined, which stand for their names in any text; the
    /// longest first.
    defined: Vec<u32>,
    /// The bytes that the names of either begin with.
    mark_begins: Box<[bool; 256]>,
    begin: Option<u32>,
    ends: Vec<u32>,
    /// Put before each text.
    prefix: Option<u32>,
}

/// What may stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Words. Names of tokens with a meaning of their own are words too.
    Plain,
    /// Words, and tokens with a meaning of their own by their names.
    WithControls,
}

impl Vocabulary {
    pub(super) fn read(reader: &mut Reader) -> Result<Self, ModelError> {
        let model = reader.text("tokenizer.ggml.model").unwrap_or_default();
        if model != "gpt2" {
            let found =
                format!("a tokenizer `{model:.60}`, where `gpt2`, byte-level BPE, is known");
            return Err(reader.refuse(found));
        }
        let names = reader.texts("tokenizer.ggml.tokens")?;
        if names.is_empty() || names.len() > MAX_TOKENS {
            let found = format!("{} tokens, where 1 to {MAX_TOKENS} can be", names.len());
            return Err(reader.refuse(found));
        }
        let merges = merges(reader)?;
        let cut = reader.text("tokenizer.ggml.pre").unwrap_or_default();
        let tokenizer = tokenizer(&names, merges, &cut).map_err(|found| reader.refuse(found))?;
        let kinds = reader.numbers("tokenizer.ggml.token_type");
        let of_kind = |kind: u64| {
            let kinds = kinds.iter().zip(0..names.len() as u32);
            let mut found: Vec<u32> = kinds
                .filter(|(found, id)| **found == kind && !names[*id as usize].is_empty())
                .map(|(_, id)| id)
                .collect();
            found.sort_by_key(|id| std::cmp::Reverse(names[*id as usize].len()));
            found
        };
        let (controls, defined) = (of_kind(CONTROL), of_kind(USER_DEFINED));
        let mut known = |key: &str| {
            let token = reader.token(&format!("tokenizer.ggml.{key}_token_id"));
            token.filter(|id| (*id as usize) < names.len())
        };
        let begin = known("bos");
        let mut ends: Vec<u32> = ["eos", "eot", "eom"]
            .into_iter()
            .filter_map(known)
            .collect();
        let more = controls
            .iter()
            .filter(|id| ENDS.contains(&&*names[**id as usize]));
        ends.extend(more);
        ends.sort_unstable();
        ends.dedup();
        if ends.is_empty() {
            return Err(reader.refuse("no token that ends a text".to_owned()));
        }
        let mut mark_begins = Box::new([false; 256]);
        for id in controls.iter().chain(&defined) {
            let first = names[*id as usize].bytes().next();
            first
                .into_iter()
                .for_each(|byte| mark_begins[byte as usize] = true);
        }
        let adds = reader.flag("tokenizer.ggml.add_bos_token").unwrap_or(false);
        Ok(Self {
            bytes: all_bytes(&names, &kinds),
            tokenizer,
            names,
            controls,
            defined,
            mark_begins,
            prefix: begin.filter(|_| adds),
            begin,
            ends,
        })
    }

    /// How many tokens there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none, which cannot be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The tokens of a whole text, with the one before it that the model wants before each.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the tokenizer refuses it.
    pub fn encode(&self, text: &str, encoding: Encoding) -> Result<Vec<u32>, ModelError> {
        let mut tokens = Vec::new();
        let marks = match encoding {
            Encoding::Plain => [&self.defined[..], &[]],
            Encoding::WithControls => [&self.defined[..], &self.controls[..]],
        };
        let mut rest = text;
        while let Some((place, id)) = self.next_mark(rest, marks) {
            self.encode_words(&rest[..place], &mut tokens)?;
            tokens.push(id);
            rest = &rest[place + self.names[id as usize].len()..];
        }
        self.encode_words(rest, &mut tokens)?;
        if let Some(prefix) = self.prefix.filter(|prefix| tokens.first() != Some(prefix)) {
            tokens.insert(0, prefix);
        }
        Ok(tokens)
    }

    /// The first place of a text at which one of these tokens is named, and the token: of several
    /// the one with the longest name.
    fn next_mark(&self, text: &str, marks: [&[u32]; 2]) -> Option<(usize, u32)> {
        let bytes = text.as_bytes();
        let places = bytes.iter().enumerate();
        let mut places = places.filter(|(_, byte)| self.mark_begins[**byte as usize]);
        places.find_map(|(place, _)| {
            let named =
                |id: &&u32| bytes[place..].starts_with(self.names[**id as usize].as_bytes());
            let mut marks = marks.iter().filter_map(|marks| marks.iter().find(named));
            Some((place, *marks.next()?))
        })
    }

    fn encode_words(&self, text: &str, tokens: &mut Vec<u32>) -> Result<(), ModelError> {
        if text.is_empty() {
            return Ok(());
        }
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding = encoding.map_err(|error| ModelError::Input {
            operation: "read a text",
            expected: "a text that the tokenizer knows".to_owned(),
            found: error.to_string(),
            advice: "use another text".to_owned(),
        })?;
        tokens.extend_from_slice(encoding.get_ids());
        Ok(())
    }

    /// A text in which no token with a meaning of its own is named any more: behind the first
    /// character of each name there comes a space of no width.
    #[must_use]
    pub fn escape_controls(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for id in &self.controls {
            let name = &self.names[*id as usize];
            if text.contains(name.as_str()) {
                let mut characters = name.chars();
                let first = characters.next().map(String::from).unwrap_or_default();
                let harmless = format!("{first}\u{200b}{}", characters.as_str());
                text = text.replace(name.as_str(), &harmless);
            }
        }
        text
    }

    /// The bytes that a token writes; none if it is no text. They need not be whole characters.
    #[must_use]
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], |bytes| bytes)
    }

    /// The name of a token.
    #[must_use]
    pub fn name(&self, token: u32) -> &str {
        self.names.get(token as usize).map_or("", String::as_str)
    }

    /// Whether a token ends what a model writes.
    #[must_use]
    pub fn ends(&self, token: u32) -> bool {
        self.ends.binary_search(&token).is_ok()
    }

    /// The tokens that end what a model writes; there is at least one.
    #[must_use]
    pub fn end_tokens(&self) -> &[u32] {
        &self.ends
    }

    /// The token that begins a text, if there is one.
    #[must_use]
    pub fn begin(&self) -> Option<u32> {
        self.begin
    }
}

fn merges(reader: &mut Reader) -> Result<Merges, ModelError> {
    let merges = reader.texts("tokenizer.ggml.merges")?.into_iter();
    let merges = merges.map(|merge| {
        // A space of its own within a part is spelt otherwise.
        let (one, other) = merge.split_once(' ')?;
        Some((one.to_owned(), other.to_owned()))
    });
    let merges: Option<Merges> = merges.collect();
    merges.ok_or_else(|| reader.refuse("a merge that is no pair".to_owned()))
}

fn tokenizer(names: &[String], merges: Merges, cut: &str) -> Result<Tokenizer, String> {
    let vocab: Vocab = names.iter().cloned().zip(0..).collect();
    let knows_whole_words = matches!(cut, "llama-bpe" | "llama3" | "llama-v3");
    let bpe = BPE::builder()
        .vocab_and_merges(vocab, merges)
        .ignore_merges(knows_whole_words)
        .build()
        .map_err(|error| format!("a vocabulary that does not fit together: {error}"))?;
    let mut tokenizer = Tokenizer::new(bpe);
    let bytes = |cut: bool| PreTokenizerWrapper::from(ByteLevel::new(false, true, cut));
    let split = |pattern: &str| {
        let pattern = SplitPattern::Regex(pattern.to_owned());
        Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
            .map_err(|error| error.to_string())
    };
    let steps: Vec<PreTokenizerWrapper> = match cut {
        "gpt-2" | "gpt2" => vec![bytes(true)],
        "smollm" | "starcoder" => vec![Digits::new(true).into(), bytes(true)],
        "llama-bpe" | "llama3" | "llama-v3" => vec![split(LLAMA3)?.into(), bytes(false)],
        "qwen2" => {
            let composed = tokenizer.with_normalizer(Some(NormalizerWrapper::from(NFC)));
            composed.map_err(|error| error.to_string())?;
            vec![split(QWEN2)?.into(), bytes(false)]
        }
        other => {
            return Err(format!(
                "texts cut as `{other:.60}` does, where `gpt-2`, `smollm`, `llama-bpe` and `qwen2` are known"
            ));
        }
    };
    tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
    Ok(tokenizer)
}

/// The bytes of all tokens. A name spells each byte as one character.
fn all_bytes(names: &[String], kinds: &[u64]) -> Vec<Box<[u8]>> {
    let spelt: HashMap<char, u8> = byte_characters().into_iter().zip(0..=255).collect();
    let bytes = names.iter().enumerate().map(|(id, name)| {
        let kind = kinds.get(id).copied().unwrap_or(NORMAL);
        match kind {
            NORMAL => name
                .chars()
                .map(|character| spelt.get(&character).copied())
                .collect::<Option<Vec<u8>>>()
                .unwrap_or_else(|| name.as_bytes().to_vec())
                .into(),
            USER_DEFINED => name.as_bytes().into(),
            _ => Box::default(),
        }
    });
    bytes.collect()
}

/// The character that stands for each byte: itself where it can be seen in Latin-1, else one behind
/// those, in order.
fn byte_characters() -> [char; 256] {
    let mut hidden = 256..;
    std::array::from_fn(|byte| {
        let seen = matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
        let code = if seen {
            byte as u32
        } else {
            hidden.next().unwrap_or_default()
        };
        char::from_u32(code).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::byte_characters;

    #[test]
    fn bytes_are_spelt_as_gpt2_does() {
        let spelt = byte_characters();
        assert_eq!(spelt[b'a' as usize], 'a');
        assert_eq!(spelt[b' ' as usize], 'Ġ');
        assert_eq!(spelt[b'\n' as usize], 'Ċ');
        assert_eq!(spelt[0xad], 'Ń');
        let distinct: std::collections::BTreeSet<_> = spelt.iter().collect();
        assert_eq!(distinct.len(), 256);
    }
}
