//! Files that facts are about: within the page or, where they are large, beside it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The content of a file that becomes a part of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its media type, such as `audio/flac`.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Media {
    /// The address of a file: its content, where the page has it, else its place on this machine.
    pub(crate) fn address(content: Option<&Self>, path: &str) -> String {
        match content {
            Some(Self { media_type, bytes }) => {
                format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
            }
            None => file_address(path),
        }
    }
}

/// The address of a file on this machine.
fn file_address(path: &str) -> String {
    let mut address = String::from("file://");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                address.push(char::from(byte));
            }
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_nothing_that_ends_it() {
        assert_eq!(
            file_address("/a b/\"><é.wav"),
            "file:///a%20b/%22%3E%3C%C3%A9.wav"
        );
    }
}
