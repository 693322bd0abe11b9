//! What a search did not look at, and why: no limit leaves anything out without a word.

use std::path::{Path, PathBuf};

use crate::listed::{MAX_COUNTED, MAX_DEPTH, MAX_FILES};
#[cfg(feature = "text")]
use crate::text_input::{MAX_FILE_BYTES, Unread};

/// Names that are told for each reason.
const NAMES: usize = 5;

/// Why a file or a folder was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SkipReason {
    #[cfg(feature = "text")]
    NotText,
    #[cfg(feature = "image")]
    NotPicture,
    #[cfg(feature = "text")]
    TooLarge,
    Unreadable,
    Link,
    Special,
    TooDeep,
    TooMany,
}

#[cfg(feature = "text")]
impl From<&Unread> for SkipReason {
    fn from(unread: &Unread) -> Self {
        match unread {
            Unread::Refused(_) => Self::Unreadable,
            Unread::Special(_) => Self::Special,
            Unread::TooLarge(_) => Self::TooLarge,
            Unread::NotText(_) => Self::NotText,
        }
    }
}

impl SkipReason {
    fn in_words(self) -> String {
        match self {
            #[cfg(feature = "text")]
            Self::NotText => "no text in UTF-8 or UTF-16".to_owned(),
            #[cfg(feature = "image")]
            Self::NotPicture => "no picture that can be decoded".to_owned(),
            #[cfg(feature = "text")]
            Self::TooLarge => format!("larger than {} MiB", MAX_FILE_BYTES >> 20),
            Self::Unreadable => "not to be read".to_owned(),
            Self::Link => "a link".to_owned(),
            Self::Special => "a device, a pipe or a socket".to_owned(),
            Self::TooDeep => format!("a folder below {MAX_DEPTH} others"),
            Self::TooMany => format!("beyond the first {MAX_FILES} files"),
        }
    }
}

/// What was left out of a folder.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    folder: PathBuf,
    reasons: Vec<Reason>,
}

#[derive(Debug)]
struct Reason {
    why: SkipReason,
    count: usize,
    names: Vec<String>,
}

impl Skipped {
    /// Nothing of that folder yet.
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            reasons: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, why: SkipReason, path: &Path) {
        let known = self.reasons.iter().position(|reason| reason.why == why);
        let at = known.unwrap_or_else(|| {
            self.reasons.push(Reason {
                why,
                count: 0,
                names: Vec::new(),
            });
            self.reasons.len() - 1
        });
        let Some(reason) = self.reasons.get_mut(at) else {
            return;
        };
        reason.count += 1;
        if reason.names.len() < NAMES {
            let below = path.strip_prefix(&self.folder).ok();
            let below = below.filter(|below| !below.as_os_str().is_empty());
            let name = below.unwrap_or(path).display().to_string();
            reason.names.push(name);
        }
    }

    pub(crate) fn count(&self, why: SkipReason) -> usize {
        let reasons = self.reasons.iter().filter(|reason| reason.why == why);
        reasons.map(|reason| reason.count).sum()
    }

    /// All of it in a line; none where nothing was left out.
    pub(crate) fn in_words(&self) -> Option<String> {
        let all: usize = self.reasons.iter().map(|reason| reason.count).sum();
        let reasons: Vec<String> = self.reasons.iter().map(Reason::in_words).collect();
        (all > 0).then(|| format!("left out: {}", reasons.join("; ")))
    }
}

impl Reason {
    fn in_words(&self) -> String {
        let names = self.names.join(", ");
        let or_more = match self.why {
            SkipReason::TooMany if self.count >= MAX_COUNTED => " or more",
            _ => "",
        };
        let more = match self.count - self.names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (count, why) = (self.count, self.why.in_words());
        format!("{count}{or_more} ({why}): {names}{more}")
    }
}

#[cfg(all(test, feature = "text"))]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_told_with_its_number_its_reason_and_names() {
        let mut skipped = Skipped::of(Path::new("/letters"));
        assert_eq!(skipped.in_words(), None);
        for number in 0..7 {
            let path = PathBuf::from(format!("/letters/below/{number}.txt"));
            skipped.note(SkipReason::NotText, &path);
        }
        skipped.note(SkipReason::TooLarge, Path::new("/letters"));
        assert_eq!(
            skipped.in_words().unwrap(),
            "left out: 7 (no text in UTF-8 or UTF-16): below/0.txt, below/1.txt, below/2.txt, below/3.txt, below/4.txt \
             and 2 more; 1 (larger than 64 MiB): /letters"
        );
    }
}
