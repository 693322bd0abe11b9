//! Counts within the tables of mp4 files and the pages of ogg files that say what is not so: what
//! is there is heard.

use super::bad_files::golden;
use super::hear;
use super::wrong_lengths::{check, count_at, place, put};

/// The stream ends with its first page of sound: the head says so.
fn of_one_page(name: &str) -> (Vec<u8>, usize) {
    let whole = golden(name);
    let starts = (0..whole.len() - 4).filter(|at| whole[*at..].starts_with(b"OggS"));
    let pages: Vec<usize> = starts.collect();
    // Pages of heads count no samples.
    let sound = pages.iter().position(|page| whole[page + 6] != 0);
    let sound = sound.unwrap();
    let end = pages.get(sound + 1).copied().unwrap_or(whole.len());
    let mut one = whole[..end].to_vec();
    one[pages[sound] + 5] |= 4;
    (one, pages[sound])
}

#[test]
fn an_ogg_of_one_page_whose_count_lies_is_heard_whole() {
    for name in [
        "vorbis_44k_stereo.ogg",
        "vorbis_16k.ogg",
        "opus_48k_stereo.opus",
        "opus_speech_48k.ogg",
    ] {
        let (mut bytes, page) = of_one_page(name);
        let end = bytes.len();
        let mut heard_of = |count: i64| {
            count_at(&mut bytes, page, count as u64, end);
            let (heard, file) = hear(bytes.clone());
            assert!(!file.truncated(), "{name}, {count}: a false alarm");
            heard.len()
        };
        // So many that nothing is padding.
        let expected = heard_of(1 << 40);
        assert!(expected > 500, "{name}: {expected}");
        for count in [
            -1,
            -48_000,
            i64::MIN,
            i64::MIN + 1,
            1 << 62,
            (1 << 62) + 1,
            i64::MAX,
        ] {
            assert_eq!(heard_of(count), expected, "{name}, {count}");
        }
    }
}

/// The tables that say where packets lie: the name of each, where its number of entries lies behind
/// that name, and where the first entry does.
const TABLES: [(&[u8; 4], usize, usize); 7] = [
    (b"stsd", 8, 12),
    (b"stts", 8, 12),
    (b"stsz", 12, 16),
    (b"stsc", 8, 12),
    (b"stco", 8, 12),
    (b"elst", 8, 12),
    (b"ctts", 8, 12),
];

#[test]
fn an_m4a_whose_tables_count_too_much_is_heard_as_far_as_it_goes() {
    for name in ["aac_44k_stereo.m4a", "alac_48k.m4a"] {
        let whole = golden(name);
        for (table, count, first) in TABLES {
            let found = whole.windows(4).position(|here| here == table);
            let Some(at) = found else {
                assert!(matches!(table, b"ctts" | b"elst"), "{name}: {table:?}");
                continue;
            };
            let said = u32::from_be_bytes(whole[at + count..at + count + 4].try_into().unwrap());
            for more in [said + 1, 1 << 16, 1 << 31, u32::MAX] {
                check(
                    name,
                    &format!("{table:?}, {more} entries"),
                    3_000,
                    |bytes| {
                        put(bytes, at + count, &more.to_be_bytes());
                    },
                );
            }
            if !matches!(table, b"stts" | b"stsc") {
                continue;
            }
            // The counts of the entries themselves, of which some files have one and some two.
            let (width, inside) = match table {
                b"stts" => (8, 0),
                _ => (12, 4),
            };
            for entry in 0..said.min(3) as usize {
                for more in [1_u32 << 16, 1 << 31, u32::MAX - 1, u32::MAX] {
                    let what = format!("{table:?}, {more} in entry {entry}");
                    check(name, &what, 3_000, |bytes| {
                        let at = at + first + entry * width + inside;
                        put(bytes, at, &more.to_be_bytes());
                    });
                }
            }
        }
    }
}

/// A second run is what makes the first one's count matter.
#[test]
fn an_m4a_with_two_runs_of_packets_is_heard_as_far_as_it_goes() {
    let name = "aac_44k_stereo.m4a";
    let whole = golden(name);
    let at = place(&whole, b"stts");
    let entry = whole[at + 12..at + 20].to_vec();
    let packets = u32::from_be_bytes(entry[..4].try_into().unwrap());
    // In the place of the table of synchronisation, or of what is free, there is none: the second
    // run lies behind the first in a longer box.
    let two = |first: u32, second: u32| {
        let mut bytes = whole.clone();
        let more: Vec<u8> = [&second.to_be_bytes()[..], &entry[4..]].concat();
        put(&mut bytes, at + 8, &2_u32.to_be_bytes());
        put(&mut bytes, at + 12, &first.to_be_bytes());
        bytes.splice(at + 20..at + 20, more);
        for outer in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"] {
            let at = place(&bytes, outer) - 4;
            let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            put(&mut bytes, at, &(size + 8).to_be_bytes());
        }
        // What lies behind the index lies further back now.
        let table = place(&bytes, b"stco");
        let chunks = u32::from_be_bytes(bytes[table + 8..table + 12].try_into().unwrap());
        for chunk in 0..chunks as usize {
            let at = table + 12 + 4 * chunk;
            let offset = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            let moved = if offset as usize > table {
                offset + 8
            } else {
                offset
            };
            put(&mut bytes, at, &moved.to_be_bytes());
        }
        bytes
    };
    let (expected, _) = hear(two(packets - 2, 2));
    assert_eq!(expected.len(), hear(whole.clone()).0.len());
    for (first, second) in [
        (u32::MAX, 2),
        (packets - 2, u32::MAX),
        (u32::MAX, u32::MAX),
        (packets, 1),
        (1 << 31, 1 << 31),
    ] {
        let (heard, file) = hear(two(first, second));
        assert_eq!(heard.len(), expected.len(), "{first}, {second}");
        assert!(!file.truncated(), "{first}, {second}");
    }
}
