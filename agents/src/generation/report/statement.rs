//! Statements: what a sentence says, in no language, and how it is said in each. A statement that is said in one language only does not
//! compile.

use aimass_locale::{Locale, clock, size};
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
    /// How many inputs.
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
        match (self, locale) {
            (Self::Overview, Locale::English) => "Overview".to_owned(),
            (Self::Overview, Locale::Chinese) => "概览".to_owned(),
            (Self::Input { name }, _) => name.clone(),
        }
    }
}

/// The title of a report on that many inputs.
pub(super) fn title(inputs: u32, locale: Locale) -> String {
    match locale {
        Locale::English => format!("Report on {}", counted(inputs, "input", "inputs")),
        Locale::Chinese => format!("关于 {inputs} 份输入的报告"),
    }
}

impl Statement {
    /// The statement as a sentence.
    pub fn write(&self, locale: Locale) -> String {
        match locale {
            Locale::English => self.in_english(),
            Locale::Chinese => self.in_chinese(),
        }
    }

    fn in_english(&self) -> String {
        let name_of = |code: &str| language_name(code, Locale::English);
        match self {
            Self::Inputs {
                recordings,
                texts,
                others,
            } => {
                let kinds = [
                    (*recordings, "recording", "recordings"),
                    (*texts, "text", "texts"),
                    (*others, "other input", "other inputs"),
                ];
                let kinds = kinds.into_iter().filter(|(count, ..)| *count > 0);
                let kinds: Vec<String> = kinds
                    .map(|(count, one, many)| counted(count, one, many))
                    .collect();
                let verb = if recordings + texts + others == 1 {
                    "was"
                } else {
                    "were"
                };
                let mut said = listed(&kinds, ", ", " and ");
                said.push_str(&format!(" {verb} given."));
                said
            }
            Self::Languages { languages } => {
                let each = |count: &LanguageCount| {
                    let language = name_of(&count.language);
                    format!("{} in {language}", count.inputs)
                };
                let each: Vec<String> = languages.iter().map(each).collect();
                format!(
                    "Of those whose language is known, {}.",
                    is_or_are(languages, &each)
                )
            }
            Self::Closest {
                one,
                other,
                similarity,
            } => format!(
                "The closest in meaning are {one} and {other} (similarity {similarity:.2})."
            ),
            Self::Recording {
                name,
                seconds,
                language,
            } => {
                let language = language.as_deref().map(name_of);
                let language = language.map_or_else(String::new, |name| format!(" in {name}"));
                format!("{name} is a recording of {}{language}.", clock(*seconds))
            }
            Self::Silent { name, seconds } => {
                format!(
                    "{name} is a recording of {} in which nobody speaks.",
                    clock(*seconds)
                )
            }
            Self::Text {
                name,
                bytes,
                language,
                confidence,
            } => {
                let maybe = if *confidence < SURE { "probably " } else { "" };
                let language = language.as_deref().map(name_of);
                let language =
                    language.map_or_else(String::new, |name| format!(", {maybe}in {name}"));
                format!("{name} is a text of {}{language}.", size(*bytes))
            }
            Self::Unread { name } => format!("Nothing was found out about {name}."),
            Self::Begins { quote } => format!("It begins: “{quote}”"),
            Self::Said { start, quote } => format!("At {} it says: “{quote}”", clock(*start)),
            Self::MoreSaid { passages } => {
                let verb = if *passages == 1 { "follows" } else { "follow" };
                format!("{} more {verb}.", counted(*passages, "passage", "passages"))
            }
            Self::Nearest { other, similarity } => {
                format!("The closest to it in meaning is {other} (similarity {similarity:.2}).")
            }
            Self::Compared { inputs } => {
                format!("Only the first {inputs} inputs were compared with each other.")
            }
            Self::Asked {
                inputs,
                left_out,
                first,
            } => {
                let verb = if *left_out == 1 { "is" } else { "are" };
                format!(
                    "A model was asked about the first {inputs} texts and recordings only; {left_out} more {verb} left out, from {first} on."
                )
            }
            Self::Beginnings { inputs, bytes } => {
                let their = if *inputs == 1 { "its" } else { "their" };
                let inputs = counted(*inputs, "input", "inputs");
                format!("What the model says of {inputs} rests on {their} first {bytes} bytes.")
            }
        }
    }

    fn in_chinese(&self) -> String {
        let name_of = |code: &str| language_name(code, Locale::Chinese);
        match self {
            Self::Inputs {
                recordings,
                texts,
                others,
            } => {
                let kinds = [
                    (*recordings, "段录音"),
                    (*texts, "份文本"),
                    (*others, "份其他输入"),
                ];
                let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
                let kinds: Vec<String> = kinds
                    .map(|(count, kind)| format!("{count} {kind}"))
                    .collect();
                format!("共收到 {}。", listed(&kinds, "、", "和 "))
            }
            Self::Languages { languages } => {
                let each = languages
                    .iter()
                    .map(|count| format!("{} {} 份", name_of(&count.language), count.inputs));
                let each: Vec<String> = each.collect();
                format!("已识别语言的输入：{}。", each.join("，"))
            }
            Self::Closest {
                one,
                other,
                similarity,
            } => format!("含义最接近的是 {one} 和 {other}（相似度 {similarity:.2}）。"),
            Self::Recording {
                name,
                seconds,
                language,
            } => {
                let language = language.as_deref().map(name_of);
                let language = language.map_or_else(String::new, |name| format!("，语言为{name}"));
                format!("{name} 是一段时长 {} 的录音{language}。", clock(*seconds))
            }
            Self::Silent { name, seconds } => {
                format!(
                    "{name} 是一段时长 {} 的录音，其中无人说话。",
                    clock(*seconds)
                )
            }
            Self::Text {
                name,
                bytes,
                language,
                confidence,
            } => {
                let maybe = if *confidence < SURE { "可能" } else { "" };
                let language = language.as_deref().map(name_of);
                let language =
                    language.map_or_else(String::new, |name| format!("，语言{maybe}为{name}"));
                format!("{name} 是一份 {} 的文本{language}。", size(*bytes))
            }
            Self::Unread { name } => format!("关于 {name}，没有任何发现。"),
            Self::Begins { quote } => format!("开头写道：“{quote}”"),
            Self::Said { start, quote } => format!("{} 处说道：“{quote}”", clock(*start)),
            Self::MoreSaid { passages } => format!("其后还有 {passages} 段。"),
            Self::Nearest { other, similarity } => {
                format!("与它含义最接近的是 {other}（相似度 {similarity:.2}）。")
            }
            Self::Compared { inputs } => format!("仅对前 {inputs} 份输入作了相互比较。"),
            Self::Asked {
                inputs,
                left_out,
                first,
            } => format!(
                "仅就前 {inputs} 份文本和录音询问了模型；其余 {left_out} 份未询问，从 {first} 起。"
            ),
            Self::Beginnings { inputs, bytes } => {
                format!("模型对其中 {inputs} 份输入的描述仅依据其开头 {bytes} 字节。")
            }
        }
    }
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
