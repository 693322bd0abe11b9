//! The bytes of a pickle, no more of them than are allowed.

use std::io::{BufRead, Read};

/// Bytes of the name of a module or of what is in it.
const MAX_LINE: u64 = 1024;

pub(super) struct Reader<'a, R> {
    from: &'a mut R,
    left: u64,
}

impl<'a, R: BufRead> Reader<'a, R> {
    pub(super) fn new(from: &'a mut R, most: u64) -> Self {
        Self { from, left: most }
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.spend(N as u64)?;
        let mut bytes = [0; N];
        let read = self.from.read_exact(&mut bytes);
        read.map(|()| bytes).map_err(|error| error.to_string())
    }

    /// As many bytes as a length says, taken from what is there and not allocated before.
    pub(super) fn bytes(&mut self, length: u64) -> Result<Vec<u8>, String> {
        self.spend(length)?;
        let mut bytes = Vec::new();
        let read = self.from.by_ref().take(length).read_to_end(&mut bytes);
        read.map_err(|error| error.to_string())?;
        match bytes.len() as u64 == length {
            true => Ok(bytes),
            false => Err("an end in the middle of a text".to_owned()),
        }
    }

    pub(super) fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        let read = self
            .from
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut line);
        read.map_err(|error| error.to_string())?;
        self.spend(line.len() as u64)?;
        if line.pop() != Some(b'\n') {
            return Err("a name without an end".to_owned());
        }
        String::from_utf8(line).map_err(|_| "a name that is not UTF-8".to_owned())
    }

    fn spend(&mut self, bytes: u64) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or_else(|| "a pickle that is too long".to_owned())?;
        Ok(())
    }
}
