//! What facts say to people, in each language. A message that one language lacks does not compile.

mod failures;

use aimass::generation::language_name;
use aimass_locale::{Locale, size};

pub(crate) use failures::{input_failure, model_missing, task_error};

/// What a fact says, or who says it.
#[derive(Debug, Clone)]
pub(crate) enum Message<'a> {
    /// Who gave the inputs.
    You,
    /// A file was given: its medium, and its size in bytes.
    File { medium: Medium, bytes: u64 },
    /// The language of a text, by its code, with how sure that is.
    Language { code: &'a str, confidence: f64 },
    /// A text whose language cannot be told.
    NoLanguage,
    /// An embedding of so many numbers.
    Embedding { numbers: usize },
    /// A transcript: how long the recording is, in which language, and how it begins.
    Transcript {
        duration: &'a str,
        code: Option<&'a str>,
        begins: &'a str,
    },
    /// A recording in which nobody speaks.
    Silence { duration: &'a str },
    /// A report.
    Report { sentences: usize, facts: usize },
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    Recording,
    Text,
    Image,
    Video,
    Table,
    Unknown,
}

impl Medium {
    /// The medium of a fact of that kind; none of a fact that is not about a file.
    pub(crate) fn of(kind: &str) -> Option<Self> {
        Some(match kind.strip_prefix("file.")? {
            "audio" => Self::Recording,
            "text" => Self::Text,
            "image" => Self::Image,
            "video" => Self::Video,
            "table" => Self::Table,
            _ => Self::Unknown,
        })
    }

    pub(crate) fn name(self, locale: Locale) -> &'static str {
        match (self, locale) {
            (Self::Recording, Locale::English) => "recording",
            (Self::Recording, Locale::Chinese) => "录音",
            (Self::Text, Locale::English) => "text",
            (Self::Text, Locale::Chinese) => "文本",
            (Self::Image, Locale::English) => "image",
            (Self::Image, Locale::Chinese) => "图像",
            (Self::Video, Locale::English) => "video",
            (Self::Video, Locale::Chinese) => "视频",
            (Self::Table, Locale::English) => "table",
            (Self::Table, Locale::Chinese) => "表格",
            (Self::Unknown, Locale::English) => "file of unknown content",
            (Self::Unknown, Locale::Chinese) => "内容未知的文件",
        }
    }
}

impl Message<'_> {
    /// The message in a language.
    pub(crate) fn write(&self, locale: Locale) -> String {
        match locale {
            Locale::English => self.in_english(),
            Locale::Chinese => self.in_chinese(),
        }
    }

    fn in_english(&self) -> String {
        let language = |code: &str| language_name(code, Locale::English);
        match self {
            Self::You => "you".to_owned(),
            Self::File { medium, bytes } => {
                format!("{}, {}", medium.name(Locale::English), size(*bytes))
            }
            Self::Language { code, confidence } => {
                format!("{} (confidence {confidence:.2})", language(code))
            }
            Self::NoLanguage => "no language found".to_owned(),
            Self::Embedding { numbers } => format!("embedding of {numbers} numbers"),
            Self::Transcript {
                duration,
                code,
                begins,
            } => {
                let spoken =
                    code.map_or_else(String::new, |code| format!(" of {}", language(code)));
                format!("{duration}{spoken}: “{begins}”")
            }
            Self::Silence { duration } => format!("{duration} in which nobody speaks"),
            Self::Report { sentences, facts } => {
                format!("report of {sentences} sentences on {facts} facts")
            }
        }
    }

    fn in_chinese(&self) -> String {
        let language = |code: &str| language_name(code, Locale::Chinese);
        match self {
            Self::You => "用户".to_owned(),
            Self::File { medium, bytes } => {
                format!("{}，{}", medium.name(Locale::Chinese), size(*bytes))
            }
            Self::Language { code, confidence } => {
                format!("{}（置信度 {confidence:.2}）", language(code))
            }
            Self::NoLanguage => "未能识别语言".to_owned(),
            Self::Embedding { numbers } => format!("{numbers} 维向量"),
            Self::Transcript {
                duration,
                code,
                begins,
            } => {
                let spoken = code.map_or_else(String::new, |code| format!("，{}", language(code)));
                format!("{duration}{spoken}：“{begins}”")
            }
            Self::Silence { duration } => format!("{duration}，无人说话"),
            Self::Report { sentences, facts } => {
                format!("报告：{sentences} 句，依据 {facts} 条事实")
            }
        }
    }
}
