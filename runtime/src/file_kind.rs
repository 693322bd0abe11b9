//! The kinds of facts about files: what a file holds, as its content says it.

use aimass_environment::FactKind;

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

/// All of them.
pub const ALL: [FactKind; 6] = [AUDIO, IMAGE, TABLE, TEXT, UNKNOWN, VIDEO];

/// The kind of a file that holds this: `audio`.
pub(crate) fn of(media: &str) -> FactKind {
    let known = ALL.into_iter();
    let mut known = known.filter(|kind| kind.name().strip_prefix("file.") == Some(media));
    known.next().unwrap_or(UNKNOWN)
}
