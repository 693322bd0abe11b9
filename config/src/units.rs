//! Durations such as `250ms` and sizes such as `256MiB`: reading and writing them.

use std::time::Duration;

/// The units of a duration in nanoseconds, the longest first.
const DURATIONS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// The units of a size in bytes. Those that are written come first, the largest before the smaller ones.
const SIZES: [(&str, u128); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

/// Reads a whole number with its unit, such as `10s`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let nanoseconds = parse(text, &DURATIONS)?;
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).ok()?;
    let rest = u32::try_from(nanoseconds % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, rest))
}

/// Writes a duration so that [`parse_duration`] reads the same value.
pub(crate) fn format_duration(duration: Duration) -> String {
    match duration.as_nanos() {
        0 => "0s".to_owned(),
        nanoseconds => format(nanoseconds, &DURATIONS),
    }
}

/// Reads a whole number of bytes with its unit, such as `256MiB`.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    u64::try_from(parse(text, &SIZES)?).ok()
}

/// Writes a size so that [`parse_size`] reads the same value.
pub(crate) fn format_size(bytes: u64) -> String {
    match bytes {
        0 => "0B".to_owned(),
        bytes => format(u128::from(bytes), &SIZES),
    }
}

fn parse(text: &str, units: &[(&str, u128)]) -> Option<u128> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u128>().ok()?.checked_mul(*factor)
}

fn format(amount: u128, units: &[(&str, u128)]) -> String {
    units
        .iter()
        .find(|(_, factor)| amount.is_multiple_of(*factor))
        .map(|(unit, factor)| format!("{}{unit}", amount / factor))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("0s"), Some(Duration::ZERO));
        assert_eq!(parse_duration("5m"), Some(Duration::from_secs(300)));
        let refused = [
            "", "s", "5", "-5s", "+5s", "1.5s", "5 s", "5S", "5sec", "5s ", "٥s",
        ];
        for text in refused {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_number_beyond_all_bounds_is_refused_without_overflow() {
        for digits in [20, 39, 40, 100_000] {
            let number = "9".repeat(digits);
            assert_eq!(parse_duration(&format!("{number}d")), None);
            assert_eq!(parse_size(&format!("{number}TiB")), None);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for nanoseconds in [0, 1, 999, 1_000, 1_500_000, 90_000_000_000, u64::MAX] {
            let duration = Duration::from_nanos(nanoseconds);
            assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
        }
        for bytes in [0, 1, 1_000, 1_024, 1_536, 1 << 28, u64::MAX] {
            assert_eq!(parse_size(&format_size(bytes)), Some(bytes));
        }
        assert_eq!(format_duration(Duration::from_secs(90)), "90s");
        assert_eq!(format_size(256 << 20), "256MiB");
    }
}
