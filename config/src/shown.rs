//! Texts from outside, as people may be shown them.

/// Whether a character does something to what stands around it instead of being shown: it moves a cursor, as ESC can, or turns the direction in which
/// everything up to the end of a line is written, so that a name reads as another.
#[must_use]
pub fn is_unruly(character: char) -> bool {
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    turns || character.is_control()
}
