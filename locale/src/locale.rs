//! Locales: the languages in which the program speaks to people.

use std::ffi::OsString;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::language_code;

/// A language in which the program speaks to people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Locale {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese, in simplified characters.
    #[serde(rename = "zh")]
    Chinese,
}

impl Locale {
    /// Its code: `en` or `zh`.
    pub fn code(self) -> &'static str {
        self.choose("en", "zh")
    }

    /// Returns what belongs to this language, of what there is in each.
    pub fn choose<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// Returns the locale that the variables of POSIX ask for; English where they ask for another one, or for none.
    ///
    /// `LC_ALL` comes before `LC_MESSAGES`, which comes before `LANG`.
    pub fn of_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut values = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter();
        let asked = values.find_map(|name| variable(name).filter(|value| !value.is_empty()));
        match asked {
            Some(value) if value.to_string_lossy().starts_with("zh") => Self::Chinese,
            _ => Self::English,
        }
    }
}

impl FromStr for Locale {
    type Err = String;

    /// Reads `en` and `zh`, longer forms such as `zh-CN` and `zh_CN.UTF-8`, and names such as `English` and `中文`.
    fn from_str(text: &str) -> Result<Self, String> {
        match language_code(text) {
            Some("en") => Ok(Self::English),
            Some("zh") => Ok(Self::Chinese),
            _ => {
                let found: String = text.chars().take(20).collect();
                Err(format!("expected `en` or `zh`, got `{found}`"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Locale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::StrDeserializer;

    use super::*;

    fn of(variables: &[(&str, &str)]) -> Locale {
        Locale::of_variables(|name| {
            let found = variables.iter().find(|(named, _)| *named == name)?;
            Some(OsString::from(found.1))
        })
    }

    #[test]
    fn the_variables_are_asked_in_the_order_of_posix() {
        assert_eq!(of(&[]), Locale::English);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8")]), Locale::Chinese);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), Locale::English);
        let both = [("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C.UTF-8")];
        assert_eq!(of(&both), Locale::English);
        let empty = [("LANG", "zh_TW"), ("LC_ALL", "")];
        assert_eq!(of(&empty), Locale::Chinese);
    }

    #[test]
    fn a_locale_is_read_in_its_usual_forms_and_another_is_refused() {
        assert_eq!("zh-CN".parse(), Ok(Locale::Chinese));
        assert_eq!("en_GB.UTF-8".parse(), Ok(Locale::English));
        for (named, locale) in [
            ("ZH", Locale::Chinese),
            ("chinese", Locale::Chinese),
            ("中文", Locale::Chinese),
            ("English", Locale::English),
        ] {
            assert_eq!(named.parse(), Ok(locale));
            let read: StrDeserializer<'_, serde::de::value::Error> = named.into_deserializer();
            assert_eq!(Locale::deserialize(read).unwrap(), locale);
        }
        let refused = "tlh".parse::<Locale>();
        assert_eq!(refused, Err("expected `en` or `zh`, got `tlh`".to_owned()));
    }
}
