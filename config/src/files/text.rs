//! The text in a file's bytes.

use std::string::FromUtf8Error;

/// Why bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// They are no UTF-8, from that byte on.
    #[error("expected UTF-8, got another byte at offset {0}")]
    Utf8(usize),
    /// They begin as UTF-16 does, and are none from that byte on.
    #[error("expected UTF-16, as it begins, got something else at offset {0}")]
    Utf16(usize),
}

/// Returns the text: UTF-8, or UTF-16 where the bytes begin with its mark. The mark is no part of the text.
///
/// # Errors
/// [`NotText`], with the first byte that does not fit. Bytes that end within a character do not fit from there on.
pub fn text_of(mut bytes: Vec<u8>) -> Result<String, NotText> {
    match &bytes[..] {
        // Four bytes for each character begin like this as well, and are nothing that is read here.
        [0xff, 0xfe, 0, 0, ..] => return Err(NotText::Utf16(2)),
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    let mark = match bytes.starts_with(b"\xef\xbb\xbf") {
        true => bytes.drain(..3).count(),
        false => 0,
    };
    let wrong = |error: FromUtf8Error| NotText::Utf8(mark + error.utf8_error().valid_up_to());
    String::from_utf8(bytes).map_err(wrong)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, NotText> {
    let (units, half) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    // Behind the mark.
    let mut at = 2;
    for character in char::decode_utf16(units.iter().map(|bytes| unit(*bytes))) {
        let character = character.map_err(|_| NotText::Utf16(at))?;
        at += 2 * character.len_utf16();
        text.push(character);
    }
    match half {
        [] => Ok(text),
        _ => Err(NotText::Utf16(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16_bytes(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(bytes).collect()
    }

    #[test]
    fn a_mark_says_how_a_text_is_written_and_is_no_part_of_it() {
        for text in ["", "Grüße", "你好 🦜\n"] {
            let utf8 = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            for bytes in [
                text.into(),
                utf8,
                utf16_bytes(text, u16::to_le_bytes),
                utf16_bytes(text, u16::to_be_bytes),
            ] {
                assert_eq!(text_of(bytes).as_deref(), Ok(text));
            }
        }
    }

    #[test]
    fn what_is_no_text_is_said_with_its_place() {
        assert_eq!(text_of(b"abc\xff".to_vec()), Err(NotText::Utf8(3)));
        assert_eq!(
            text_of(b"\xef\xbb\xbfab\xe9".to_vec()),
            Err(NotText::Utf8(5))
        );
        assert_eq!(text_of(b"\xff\xfea\0b".to_vec()), Err(NotText::Utf16(4)));
        // A surrogate without the other half of its pair.
        assert_eq!(
            text_of(b"\xfe\xff\0a\xd8\0\0b".to_vec()),
            Err(NotText::Utf16(4))
        );
        assert_eq!(
            text_of(b"\xff\xfe\0\0a\0\0\0".to_vec()),
            Err(NotText::Utf16(2))
        );
    }
}
