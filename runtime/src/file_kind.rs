//! Kinds of files: what a file holds decides the kind of the fact about it, and so which skill reacts to it.

mod media;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aimass_environment::{FactKind, panics};
use aimass_locale::{Text, text};

pub(crate) use media::SNIFFED_BYTES;
pub use media::{audio_type, content_type};

/// What facts about files have before the name of their kind.
const PREFIX: &str = "file.";

/// A recording.
pub const AUDIO: FactKind = FactKind::constant("file.audio", 1);
/// A picture.
pub const IMAGE: FactKind = FactKind::constant("file.image", 1);
/// Rows of values.
pub const TABLE: FactKind = FactKind::constant("file.table", 1);
/// A text.
pub const TEXT: FactKind = FactKind::constant("file.text", 1);
/// Something else.
pub const UNKNOWN: FactKind = FactKind::constant("file.unknown", 1);
/// Moving pictures, with sound or without.
pub const VIDEO: FactKind = FactKind::constant("file.video", 1);

/// A kind of files that an agent adds to those that the kernel tells apart. Facts about such files are of the kind `file.NAME@1`.
#[derive(Clone)]
pub struct FileKind {
    name: Arc<str>,
    noun: Noun,
    matches: Matches,
}

/// Says of a file, by its path and its beginning, whether it is of a kind.
type Matches = Arc<dyn Fn(&Path, &[u8]) -> bool + Send + Sync>;

/// How people call files of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noun {
    /// One of them: `recording`, `录音`.
    pub one: Text,
    /// Several, behind a number: `recordings`, `段录音`.
    pub several: Text,
}

impl FileKind {
    /// The kind `name`. `matches` is given a file's path and its first 8,192 bytes; it is asked before the kernel looks at the file.
    pub fn new(
        name: &str,
        noun: Noun,
        matches: impl Fn(&Path, &[u8]) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            noun,
            matches: Arc::new(matches),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of the facts about such files; none where the name cannot be part of one.
    pub(crate) fn fact_kind(&self) -> Option<FactKind> {
        fact_kind(&self.name)
    }
}

impl fmt::Debug for FileKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}{}", self.name)
    }
}

impl Noun {
    /// Returns so many of them: `1 recording`, `2 段录音`.
    pub fn counted(&self, count: u32) -> Text {
        let english = match count {
            1 => &self.one.english,
            _ => &self.several.english,
        };
        let chinese = &self.several.chinese;
        text!("{count} {english}", "{count} {chinese}")
    }
}

/// The kinds of files that a team tells apart: those that its agents added, and those of the kernel.
#[derive(Debug, Clone, Default)]
pub struct FileKinds {
    /// Each with the agent that added it.
    added: Vec<(String, FileKind)>,
}

impl FileKinds {
    pub(crate) fn add(&mut self, agent: &str, kind: FileKind) {
        self.added.push((agent.to_owned(), kind));
    }

    /// Takes out what an agent has added.
    pub(crate) fn remove(&mut self, agent: &str) {
        self.added.retain(|(of, _)| of != agent);
    }

    fn added(&self) -> impl Iterator<Item = &FileKind> {
        self.added.iter().map(|(_, kind)| kind)
    }

    /// Returns the kind of the fact about a file of that path and beginning.
    pub(crate) fn of(&self, path: &Path, start: &[u8]) -> FactKind {
        // Where an author's code panics, the file is not of its kind.
        let matches =
            |kind: &&FileKind| panics::caught(|| (kind.matches)(path, start)).unwrap_or_default();
        let found = match self.added().find(matches) {
            Some(kind) => kind.fact_kind(),
            None => fact_kind(media::of(path, start)),
        };
        found.unwrap_or(UNKNOWN)
    }

    /// Returns how people call what a fact of that kind is about; none where it is about no file.
    pub fn noun(&self, kind: &FactKind) -> Option<Noun> {
        let name = kind.name().strip_prefix(PREFIX)?;
        let added = self.added().find(|added| &*added.name == name);
        Some(added.map_or_else(|| known_noun(name), |added| added.noun.clone()))
    }

    /// Returns the kind of every fact about a file that there can be.
    pub(crate) fn fact_kinds(&self) -> impl Iterator<Item = FactKind> {
        let known = media::NAMES.into_iter().filter_map(fact_kind);
        known.chain(self.added().filter_map(FileKind::fact_kind))
    }
}

fn fact_kind(name: &str) -> Option<FactKind> {
    FactKind::new(&format!("{PREFIX}{name}"), 1).ok()
}

/// How people call files of the kernel's kinds.
fn known_noun(name: &str) -> Noun {
    let (one, several) = match name {
        "audio" => (text!("recording", "录音"), text!("recordings", "段录音")),
        "text" => (text!("text", "文本"), text!("texts", "份文本")),
        "image" => (text!("image", "图像"), text!("images", "张图像")),
        "video" => (text!("video", "视频"), text!("videos", "段视频")),
        "table" => (text!("table", "表格"), text!("tables", "个表格")),
        _ => (
            text!("file of unknown content", "内容未知的文件"),
            text!("files of unknown content", "个内容未知的文件"),
        ),
    };
    Noun { one, several }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketches() -> FileKinds {
        let noun = Noun {
            one: text!("sketch", "草图"),
            several: text!("sketches", "张草图"),
        };
        let mut kinds = FileKinds::default();
        let is = |path: &Path, start: &[u8]| {
            assert_ne!(path, Path::new("broken"));
            start.starts_with(b"SKETCH")
        };
        kinds.add("gallery", FileKind::new("sketch", noun, is));
        kinds
    }

    #[test]
    fn an_added_kind_comes_before_the_kernels() {
        let kinds = sketches();
        let of = |path: &str, start| kinds.of(Path::new(path), start).to_string();
        assert_eq!(of("a.txt", b"SKETCH of a house"), "file.sketch@1");
        assert_eq!(of("a.txt", b"A letter"), "file.text@1");
        assert_eq!(of("broken", b"SKETCH"), "file.text@1");
    }

    #[test]
    fn files_are_counted_by_their_kinds_names() {
        let kinds = sketches();
        let counted = |kind: &str, count| {
            let noun = kinds.noun(&kind.parse().unwrap())?;
            let Text { english, chinese } = noun.counted(count);
            Some(format!("{english}, {chinese}"))
        };
        assert_eq!(counted("file.sketch@1", 2).unwrap(), "2 sketches, 2 张草图");
        assert_eq!(counted("file.audio@1", 1).unwrap(), "1 recording, 1 段录音");
        let odd = counted("file.odd@1", 2).unwrap();
        assert!(odd.starts_with("2 files of unknown content"), "{odd}");
        assert_eq!(counted("order@1", 2), None);
    }
}
