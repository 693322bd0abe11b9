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
