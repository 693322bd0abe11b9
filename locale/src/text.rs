//! Texts in each language. What one of them lacks does not compile.

use serde::{Deserialize, Serialize};

use crate::Locale;

/// One thing to say to people, in each language. Made by [`text!`](crate::text), or of a text that there is in one language only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// In English.
    #[serde(rename = "en")]
    pub english: String,
    /// In Chinese.
    #[serde(rename = "zh")]
    pub chinese: String,
}

/// Makes a [`Text`] of two formats, English and Chinese. Both are checked by the compiler, and both name their values.
///
/// ```
/// use aimass_locale::{Locale, text};
///
/// let path = "page.html";
/// let written = text!("wrote {path}", "已写入 {path}");
/// assert_eq!(written.in_locale(Locale::English), "wrote page.html");
/// assert_eq!(written.in_locale(Locale::Chinese), "已写入 page.html");
/// ```
#[macro_export]
macro_rules! text {
    ($english:literal, $chinese:literal $(,)?) => {
        $crate::Text {
            english: ::std::format!($english),
            chinese: ::std::format!($chinese),
        }
    };
}

impl Text {
    /// Returns the text in that language.
    pub fn in_locale(&self, locale: Locale) -> &str {
        locale.choose(&self.english, &self.chinese)
    }

    /// Returns whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.english.is_empty()
    }

    /// Returns this text with another one behind it.
    #[must_use]
    pub fn then(mut self, next: &Self) -> Self {
        self.english += &next.english;
        self.chinese += &next.chinese;
        self
    }
}

/// A text of the system or of a library, which is in English whoever reads it.
impl From<String> for Text {
    fn from(text: String) -> Self {
        Self {
            chinese: text.clone(),
            english: text,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}
