//! The tables of an mp4 file, which say where each packet of a track lies (ISO/IEC 14496-12, 8.6 to 8.7).
//!
//! Each begins with the number of its entries, and some entries are counts themselves. symphonia 0.6 refuses a file one of whose tables counts more than it
//! holds, and adds the counts up in 32 bits. So numbers that the rest of the file speaks against are read as what it bears out.

use std::io::{Read, Seek, SeekFrom};

use super::corrections::Corrections;
use super::edits::{Boxes, number};
use super::source::STEP_BYTES;

/// Corrects the tables of all tracks. What is no mp4 file, or cannot be made out, stays as it is. The source is then at its start.
pub(super) fn correct(source: &mut (impl Read + Seek), corrections: &mut Corrections) {
    // A track that cannot be made out ends the search: symphonia cannot make it out either.
    let _ = correct_tracks(source, corrections);
    // Whoever reads on seeks first, and is told of an error then.
    let _ = source.seek(SeekFrom::Start(0));
}

fn correct_tracks(source: &mut (impl Read + Seek), corrections: &mut Corrections) -> Option<()> {
    let length = source.seek(SeekFrom::End(0)).ok()?;
    let mut boxes = Boxes::default();
    let (first, ..) = boxes.header(source, 0, length)?;
    if &first != b"ftyp" {
        return None;
    }
    let (start, end) = boxes.find(source, 0, length, b"moov")?;
    let mut at = start;
    while let Some((track, track_end)) = boxes.find(source, at, end, b"trak") {
        at = track_end;
        let mut tables = Tables {
            source,
            boxes: &mut boxes,
            corrections,
            length,
        };
        tables.correct_edits(track, track_end);
        tables.correct_samples(track, track_end);
    }
    Some(())
}

/// The tables of one track.
struct Tables<'a, S> {
    source: &'a mut S,
    boxes: &'a mut Boxes,
    corrections: &'a mut Corrections,
    /// The length of the file.
    length: u64,
}

/// A table: where its number of entries and its first entry lie, and how many it has.
#[derive(Debug, Clone, Copy)]
struct Table {
    counted_at: u64,
    first: u64,
    entries: u32,
}

impl<S: Read + Seek> Tables<'_, S> {
    fn number(&mut self, at: u64, size: u64) -> Option<u64> {
        number(self.source, at, self.length, size)
    }

    fn put(&mut self, at: u64, number: u32) {
        self.corrections.put(at, &number.to_be_bytes());
    }

    /// The contents of the innermost of boxes within each other.
    fn find(&mut self, start: u64, end: u64, names: &[&[u8; 4]]) -> Option<(u64, u64)> {
        names.iter().try_fold((start, end), |(start, end), name| {
            self.boxes.find(self.source, start, end, name)
        })
    }

    /// A table whose number of entries lies so many bytes behind its beginning. Entries that do not fit into it are none.
    fn table(&mut self, (start, end): (u64, u64), head: u64, width: u64) -> Option<Table> {
        let counted_at = start + head;
        let claimed = self.number(counted_at, 4)?;
        let first = counted_at + 4;
        let entries = claimed.min(end.checked_sub(first)? / width);
        if entries < claimed {
            self.put(counted_at, entries as u32);
        }
        Some(Table {
            counted_at,
            first,
            entries: entries as u32,
        })
    }

    fn correct_edits(&mut self, start: u64, end: u64) -> Option<()> {
        let list = self.find(start, end, &[b"edts", b"elst"])?;
        let width = match self.number(list.0, 1)? {
            0 => 12,
            _ => 20,
        };
        self.table(list, 4, width).map(drop)
    }

    fn correct_samples(&mut self, start: u64, end: u64) -> Option<()> {
        let (start, end) = self.find(start, end, &[b"mdia", b"minf", b"stbl"])?;
        self.correct_descriptions(start, end);
        let chunks = [(b"stco", 4), (b"co64", 8)];
        let chunks = chunks.into_iter().find_map(|(name, width)| {
            let list = self.find(start, end, &[name])?;
            self.table(list, 4, width)
        });
        let samples = self.samples(start, end)?;
        // The packets of a file in fragments are counted there.
        if samples == 0 {
            return None;
        }
        self.correct_times(start, end, samples);
        self.correct_chunks(start, end, samples, chunks?.entries)
    }

    /// There is one description of the packets, or there are several, which nobody here can read.
    fn correct_descriptions(&mut self, start: u64, end: u64) -> Option<()> {
        let (list, list_end) = self.find(start, end, &[b"stsd"])?;
        let claimed = self.number(list + 4, 4)?;
        let (_, _, next) = self.boxes.header(self.source, list + 8, list_end)?;
        if claimed != 1 && next == list_end {
            self.put(list + 4, 1);
        }
        Some(())
    }

    /// How many packets there are.
    fn samples(&mut self, start: u64, end: u64) -> Option<u32> {
        let list = self.find(start, end, &[b"stsz"])?;
        let size = self.number(list.0 + 4, 4)?;
        if size == 0 {
            return Some(self.table(list, 8, 4)?.entries);
        }
        let claimed = self.number(list.0 + 8, 4)?;
        let there = claimed.min(self.length / size) as u32;
        if u64::from(there) < claimed {
            self.put(list.0 + 8, there);
        }
        Some(there)
    }

    /// Runs of packets of the same duration hold all packets together.
    fn correct_times(&mut self, start: u64, end: u64, samples: u32) -> Option<()> {
        let list = self.find(start, end, &[b"stts"])?;
        let table = self.table(list, 4, 8)?;
        let bytes = self.bytes(table, 8)?;
        let mut left = samples;
        for (index, entry) in (0..).zip(bytes.as_chunks::<8>().0) {
            let [a, b, c, d, ..] = *entry;
            let count = u32::from_be_bytes([a, b, c, d]);
            let is_last = index + 1 == table.entries;
            let kept = if is_last { left } else { count.min(left) };
            if kept != count {
                self.put(table.first + 8 * u64::from(index), kept);
            }
            left -= kept;
            if left == 0 && !is_last {
                self.put(table.counted_at, index + 1);
                break;
            }
        }
        Some(())
    }

    /// Runs of chunks of the same number of packets begin at the first chunk, go up, and hold no more than all packets.
    fn correct_chunks(&mut self, start: u64, end: u64, samples: u32, chunks: u32) -> Option<()> {
        let list = self.find(start, end, &[b"stsc"])?;
        let table = self.table(list, 4, 12)?;
        let bytes = self.bytes(table, 12)?;
        // The run before: its first chunk, its packets in each, and all packets before it.
        let mut before: Option<(u32, u32, u64)> = None;
        for (index, entry) in (0..).zip(bytes.as_chunks::<12>().0) {
            let [a, b, c, d, e, f, g, h, ..] = *entry;
            let chunk = u32::from_be_bytes([a, b, c, d]);
            let in_each = u32::from_be_bytes([e, f, g, h]);
            let Some((last, each, first_sample)) = before else {
                let at = table.first;
                if chunk != 1 {
                    self.put(at, 1);
                }
                let bounded = in_each.min(samples);
                let bounded = if bounded == 0 { samples } else { bounded };
                if bounded != in_each {
                    self.put(at + 4, bounded);
                }
                before = Some((1, bounded, 0));
                continue;
            };
            let run = u64::from(chunk.saturating_sub(last)) * u64::from(each);
            let first_sample = first_sample + run;
            let is_sound = (last..=chunks).contains(&chunk) && in_each > 0;
            if !is_sound || first_sample > u64::from(samples) {
                self.put(table.counted_at, index);
                break;
            }
            before = Some((chunk, in_each, first_sample));
        }
        Some(())
    }

    /// The entries of a table, if they are no more than a reader would hold in memory.
    fn bytes(&mut self, table: Table, width: u64) -> Option<Vec<u8>> {
        let length = u64::from(table.entries) * width;
        if length > STEP_BYTES {
            return None;
        }
        let mut bytes = Vec::new();
        self.source.seek(SeekFrom::Start(table.first)).ok()?;
        let mut entries = (&mut *self.source).take(length);
        entries.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}
