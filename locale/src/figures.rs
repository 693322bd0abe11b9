//! Figures as people read them.

/// Returns a size: `1.2 kB`.
///
/// ```
/// use aimass_locale::size;
///
/// assert_eq!(size(999), "999 B");
/// assert_eq!(size(1234), "1.2 kB");
/// assert_eq!(size(5_000_000), "5.0 MB");
/// ```
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Returns a time within a recording.
///
/// ```
/// use aimass_locale::clock;
///
/// assert_eq!(clock(7.9), "0:07");
/// assert_eq!(clock(3723.0), "1:02:03");
/// ```
#[must_use]
pub fn clock(seconds: f64) -> String {
    let all = seconds.max(0.0) as u64;
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Returns a time within a recording with that many digits of its seconds' parts, and the point before them.
///
/// ```
/// use aimass_locale::timecode;
///
/// assert_eq!(timecode(62.349, '.', 2), "00:01:02.35");
/// assert_eq!(timecode(3723.4564, ',', 3), "01:02:03,456");
/// ```
#[must_use]
pub fn timecode(seconds: f64, point: char, digits: u32) -> String {
    let second = 10_u64.pow(digits);
    let all = (seconds * second as f64).round().max(0.0) as u64;
    let (rest, parts) = (all / second, all % second);
    let (hours, minutes, seconds) = (rest / 3600, rest / 60 % 60, rest % 60);
    let digits = digits as usize;
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{parts:0digits$}")
}
