//! Statements: what a sentence says, in no language, and how it is said in each. A statement that
//! is said in one language only does not compile.

use aimass_locale::{Locale, Text, clock, size, text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::language_name;

/// What a sentence says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "statement", rename_all = "snake_case")]
pub enum Statement {
    /// What was given.
    Inputs {
        /// Recordings.
        recordings: u32,
        /// Texts.
        texts: u32,
        /// Whatever else.
        others: u32,
    },
    /// Which languages the inputs are in, the most frequent one first.
    Languages {
        /// Each language.
        languages: Vec<LanguageCount>,
    },
    /// Which two inputs mean the most similar things.
    Closest {
        /// One of them.
        one: String,
        /// The other one.
        other: String,
        /// The cosine of the angle between their embeddings.
        similarity: f32,
    },
    /// What a recording is.
    Recording {
        /// The recording.
        name: String,
        /// How long it is, in seconds.
        seconds: f64,
        /// The code of its language.
        language: Option<String>,
    },
    /// Nothing is said in a recording.
    Silent {
        /// The recording.
        name: String,
        /// How long it is, in seconds.
        seconds: f64,
    },
    /// What a text is.
    Text {
        /// The text.
        name: String,
        /// Its size.
        bytes: u64,
        /// The code of its language, when it was found out.
        language: Option<String>,
        /// How sure that is, from 0 to 1.
        confidence: f64,
    },
    /// An input about which nothing was found out.
    Unread {
        /// The input.
        name: String,
    },
    /// How a text begins.
    Begins {
        /// Word for word.
        quote: String,
    },
    /// What is said in a recording.
    Said {
        /// When, in seconds.
        start: f64,
        /// Word for word.
        quote: String,
    },
    /// How much more is said.
    MoreSaid {
        /// Passages that are not quoted.
        passages: u32,
    },
    /// Which other input means the most similar thing.
    Nearest {
        /// The other one.
        other: String,
        /// The cosine of the angle between the embeddings.
        similarity: f32,
    },
    /// That not all inputs were compared with each other.
    Compared {
        /// How many were, the first ones.
        inputs: u32,
    },
    /// That a model was not asked about all inputs.
    Asked {
        /// About how many it was, the first ones.
        inputs: u32,
        /// About how many more it could have been.
        left_out: u32,
        /// The first of those.
        first: String,
    },
    /// That sentences of a model rest on the beginnings of inputs.
    Beginnings {
        /// Of how many.
        inputs: u32,
        /// How long a beginning is at most.
        bytes: u32,
    },
}

/// How many inputs are in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LanguageCount {
    /// The code of the language.
    pub language: String,
    /// Number of inputs.
    pub inputs: u32,
}

/// What a section is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "heading", rename_all = "snake_case")]
pub enum Heading {
    /// All inputs together.
    Overview,
    /// One input.
    Input {
        /// Its name.
        name: String,
    },
}

/// From this confidence on a language is said without doubt.
const SURE: f64 = 0.8;

impl Heading {
    /// The heading in a language.
    pub fn write(&self, locale: Locale) -> String {
        match self {
            Self::Overview => locale.choose("Overview", "概览").to_owned(),
            Self::Input { name } => name.clone(),
        }
    }
}

/// The title of a report on that many inputs.
pub(super) fn title(inputs: u32, locale: Locale) -> String {
    let counted = counted(inputs, "input", "inputs");
    let title = text!("Report on {counted}", "关于 {inputs} 份输入的报告");
    title.in_locale(locale).to_owned()
}

impl Statement {
    /// The statement as a sentence.
    pub fn write(&self, locale: Locale) -> String {
        self.said().in_locale(locale).to_owned()
    }

    fn said(&self) -> Text {
        match self {
            Self::Inputs {
                recordings,
                texts,
                others,
            } => inputs(*recordings, *texts, *others),
            Self::Languages { languages } => spoken(languages),
            Self::Closest {
                one,
                other,
                similarity,
            } => text!(
                "The closest in meaning are {one} and {other} (similarity {similarity:.2}).",
                "含义最接近的是 {one} 和 {other}（相似度 {similarity:.2}）。"
            ),
            Self::Recording {
                name,
                seconds,
                language,
            } => {
                let clock = clock(*seconds);
                let Text { english, chinese } = with_name(language.as_deref(), |name| {
                    let Text { english, chinese } = name;
                    text!(" in {english}", "，语言为{chinese}")
                });
                text!(
                    "{name} is a recording of {clock}{english}.",
                    "{name} 是一段时长 {clock} 的录音{chinese}。"
                )
            }
            Self::Silent { name, seconds } => {
                let clock = clock(*seconds);
                text!(
                    "{name} is a recording of {clock} in which nobody speaks.",
                    "{name} 是一段时长 {clock} 的录音，其中无人说话。"
                )
            }
            Self::Text {
                name,
                bytes,
                language,
                confidence,
            } => {
                let size = size(*bytes);
                let Text { english, chinese } = with_name(language.as_deref(), |name| {
                    let Text { english, chinese } = name;
                    match *confidence < SURE {
                        true => text!(", probably in {english}", "，语言可能为{chinese}"),
                        false => text!(", in {english}", "，语言为{chinese}"),
                    }
                });
                text!(
                    "{name} is a text of {size}{english}.",
                    "{name} 是一份 {size} 的文本{chinese}。"
                )
            }
            Self::Unread { name } => text!(
                "Nothing was found out about {name}.",
                "关于 {name}，没有任何发现。"
            ),
            Self::Begins { quote } => text!("It begins: “{quote}”", "开头写道：“{quote}”"),
            Self::Said { start, quote } => {
                let start = clock(*start);
                text!("At {start} it says: “{quote}”", "{start} 处说道：“{quote}”")
            }
            Self::MoreSaid { passages } => {
                let counted = counted(*passages, "passage", "passages");
                let verb = if *passages == 1 { "follows" } else { "follow" };
                text!("{counted} more {verb}.", "其后还有 {passages} 段。")
            }
            Self::Nearest { other, similarity } => text!(
                "The closest to it in meaning is {other} (similarity {similarity:.2}).",
                "与它含义最接近的是 {other}（相似度 {similarity:.2}）。"
            ),
            Self::Compared { inputs } => text!(
                "Only the first {inputs} inputs were compared with each other.",
                "仅对前 {inputs} 份输入作了相互比较。"
            ),
            Self::Asked {
                inputs,
                left_out,
                first,
            } => {
                let verb = if *left_out == 1 { "is" } else { "are" };
                text!(
                    "A model was asked about the first {inputs} texts and recordings only; {left_out} more {verb} left out, from {first} on.",
                    "仅就前 {inputs} 份文本和录音询问了模型；其余 {left_out} 份未询问，从 {first} 起。"
                )
            }
            Self::Beginnings { inputs, bytes } => {
                let counted = counted(*inputs, "input", "inputs");
                let their = if *inputs == 1 { "its" } else { "their" };
                text!(
                    "What the model says of {counted} rests on {their} first {bytes} bytes.",
                    "模型对其中 {inputs} 份输入的描述仅依据其开头 {bytes} 字节。"
                )
            }
        }
    }
}

/// What was given.
fn inputs(recordings: u32, texts: u32, others: u32) -> Text {
    let kinds = [
        (recordings, "recording", "recordings", "段录音"),
        (texts, "text", "texts", "份文本"),
        (others, "other input", "other inputs", "份其他输入"),
    ];
    let kinds = kinds.into_iter().filter(|(count, ..)| *count > 0);
    let (english, chinese): (Vec<_>, Vec<_>) = kinds
        .map(|(count, one, many, kind)| (counted(count, one, many), format!("{count} {kind}")))
        .unzip();
    let (english, chinese) = (
        listed(&english, ", ", " and "),
        listed(&chinese, "、", "和 "),
    );
    let one = recordings + texts + others == 1;
    let verb = if one { "was" } else { "were" };
    text!("{english} {verb} given.", "共收到 {chinese}。")
}

/// Which languages the inputs are in.
fn spoken(languages: &[LanguageCount]) -> Text {
    let each = languages.iter().map(|count| {
        let Text { english, chinese } = language_name(&count.language);
        let inputs = count.inputs;
        (
            format!("{inputs} in {english}"),
            format!("{chinese} {inputs} 份"),
        )
    });
    let (english, chinese): (Vec<_>, Vec<_>) = each.unzip();
    let (english, chinese) = (is_or_are(languages, &english), chinese.join("，"));
    text!(
        "Of those whose language is known, {english}.",
        "已识别语言的输入：{chinese}。"
    )
}

/// What is said of a language by its name; nothing where it is not known.
fn with_name(code: Option<&str>, said: impl Fn(Text) -> Text) -> Text {
    code.map(language_name).map(said).unwrap_or_default()
}

fn counted(count: u32, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{count} {noun}")
}

/// `a, b and c`
fn listed(all: &[String], between: &str, before_last: &str) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{}{before_last}{last}", first.join(between)),
    }
}

/// The verb goes with the first number.
fn is_or_are(languages: &[LanguageCount], each: &[String]) -> String {
    let one = languages.first().is_some_and(|first| first.inputs == 1);
    let verb = if one { "is" } else { "are" };
    let said = listed(each, ", ", " and ");
    said.replacen(" in ", &format!(" {verb} in "), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn languages(counts: &[(&str, u32)]) -> Statement {
        let each = counts.iter().map(|(language, inputs)| LanguageCount {
            language: (*language).to_owned(),
            inputs: *inputs,
        });
        Statement::Languages {
            languages: each.collect(),
        }
    }

    #[test]
    fn statements_are_said_in_both_languages() {
        let inputs = Statement::Inputs {
            recordings: 1,
            texts: 2,
            others: 0,
        };
        let recording = Statement::Recording {
            name: "a.wav".to_owned(),
            seconds: 3661.9,
            language: Some("en".to_owned()),
        };
        for (statement, english, chinese) in [
            (
                &inputs,
                "1 recording and 2 texts were given.",
                "共收到 1 段录音和 2 份文本。",
            ),
            (
                &languages(&[("de", 2), ("xx", 1)]),
                "Of those whose language is known, 2 are in German and 1 in xx.",
                "已识别语言的输入：德语 2 份，xx 1 份。",
            ),
            (
                &recording,
                "a.wav is a recording of 1:01:01 in English.",
                "a.wav 是一段时长 1:01:01 的录音，语言为英语。",
            ),
            (
                &Statement::MoreSaid { passages: 1 },
                "1 passage more follows.",
                "其后还有 1 段。",
            ),
            (
                &Statement::Compared { inputs: 1000 },
                "Only the first 1000 inputs were compared with each other.",
                "仅对前 1000 份输入作了相互比较。",
            ),
            (
                &Statement::Asked {
                    inputs: 64,
                    left_out: 2,
                    first: "b.txt".to_owned(),
                },
                "A model was asked about the first 64 texts and recordings only; 2 more are left out, from b.txt on.",
                "仅就前 64 份文本和录音询问了模型；其余 2 份未询问，从 b.txt 起。",
            ),
            (
                &Statement::Beginnings {
                    inputs: 1,
                    bytes: 2000,
                },
                "What the model says of 1 input rests on its first 2000 bytes.",
                "模型对其中 1 份输入的描述仅依据其开头 2000 字节。",
            ),
        ] {
            assert_eq!(statement.write(Locale::English), english);
            assert_eq!(statement.write(Locale::Chinese), chinese);
        }
    }

    #[test]
    fn an_unsure_language_is_said_with_doubt() {
        let text = |confidence| Statement::Text {
            name: "a.txt".to_owned(),
            bytes: 1234,
            language: Some("fr".to_owned()),
            confidence,
        };
        let said = text(0.3).write(Locale::English);
        assert_eq!(said, "a.txt is a text of 1.2 kB, probably in French.");
        let said = text(0.9).write(Locale::English);
        assert_eq!(said, "a.txt is a text of 1.2 kB, in French.");
    }
}
