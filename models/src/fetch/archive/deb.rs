//! Debian packages: an `ar` archive with a tar archive in it, packed by gzip, xz or zstd.

use std::fs::File;
use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

use super::{Members, read_up_to, tar};
use crate::ModelError;

pub(super) const MAGIC: &[u8] = b"!<arch>\n";
/// Members before the one with the files: the format has two.
const MAX_MEMBERS: usize = 16;
/// KiB of memory that unpacking may take. Debian's packages need 64 MiB.
const MEMORY_KIB: u32 = 256 << 10;

pub(super) fn take(archive: File, wanted: &mut Members) -> Result<(), ModelError> {
    let mut archive = BufReader::new(archive);
    let data = data(&mut archive).map_err(|error| wanted.unreadable(error))?;
    let Some((name, size)) = data else {
        return Err(wanted.malformed("no `data.tar` in it"));
    };
    let packed = archive.take(size);
    match name.as_str() {
        "data.tar" => tar::take(packed, wanted),
        "data.tar.gz" => tar::take(wanted.bounded(MultiGzDecoder::new(packed))?, wanted),
        "data.tar.xz" => {
            let unpacked = XzReader::new_mem_limit(packed, true, MEMORY_KIB);
            tar::take(wanted.bounded(unpacked)?, wanted)
        }
        "data.tar.zst" => {
            let unpacked = StreamingDecoder::new(packed);
            let unpacked = unpacked.map_err(|error| wanted.malformed(&error.to_string()))?;
            tar::take(wanted.bounded(unpacked)?, wanted)
        }
        other => Err(wanted.malformed(&format!(
            "`{other}`, where gzip, xz and zstd can be unpacked"
        ))),
    }
}

/// Goes to the member with the files; gives its name and size.
fn data(archive: &mut impl Read) -> io::Result<Option<(String, u64)>> {
    archive.read_exact(&mut [0; MAGIC.len()])?;
    for _ in 0..MAX_MEMBERS {
        let mut header = [0; 60];
        if read_up_to(archive, &mut header)? < header.len() {
            return Ok(None);
        }
        let field = |bytes| {
            String::from_utf8_lossy(bytes)
                .trim_end_matches([' ', '/'])
                .to_owned()
        };
        let (name, size) = (field(&header[..16]), field(&header[48..58]));
        let size: u64 = size
            .parse()
            .map_err(|_| io::Error::other("a member without a size"))?;
        if header[58..] != *b"`\n" {
            return Err(io::Error::other("a member without a header"));
        }
        if name.starts_with("data.tar") {
            return Ok(Some((name, size)));
        }
        // Members begin at even places.
        let whole = size.saturating_add(size % 2);
        io::copy(&mut archive.by_ref().take(whole), &mut io::sink())?;
    }
    Ok(None)
}
