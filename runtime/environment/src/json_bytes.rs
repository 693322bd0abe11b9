//! How large a value is, before it is written anywhere.

use std::io;

use serde::Serialize;

/// How many bytes `value` takes as JSON: the measure by which queues are bounded, unless a skill knows better.
pub fn json_bytes<T: Serialize>(value: &T) -> u64 {
    struct Count(u64);

    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_json_text() {
        assert_eq!(json_bytes(&"ab"), 4);
        assert_eq!(json_bytes(&vec![1, 22]), 6);
    }
}
