//! Dates, as far as the program shows them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Milliseconds since the Unix epoch as `2026-05-04 03:02:01 UTC`.
pub(crate) fn utc(unix_ms: u64) -> String {
    timestamp(unix_ms).strftime("%F %T UTC").to_string()
}

/// The same where the clock on the wall is that of the time zone: `2026-05-04 05:02:01 +02:00`.
pub(crate) fn local(unix_ms: u64, zone: TimeZone) -> String {
    let local = timestamp(unix_ms).to_zoned_datetime(zone);
    local.strftime("%F %T %:z").to_string()
}

/// What is beyond the calendar is its last moment.
fn timestamp(unix_ms: u64) -> Timestamp {
    let found = i64::try_from(unix_ms).ok();
    let found = found.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    found.unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, date) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(seconds * 1000), date);
        }
        assert!(utc(u64::MAX).starts_with("9999-12-30"));
    }

    #[test]
    fn a_local_time_names_its_distance_from_utc() {
        let zone = |spec| TimeZone::posix(spec).unwrap();
        let summer = 1_782_864_000_000;
        assert_eq!(local(summer, TimeZone::UTC), "2026-07-01 00:00:00 +00:00");
        assert_eq!(
            local(summer, zone("CET-1CEST,M3.5.0,M10.5.0/3")),
            "2026-07-01 02:00:00 +02:00"
        );
        assert_eq!(local(summer, zone("NST3:30")), "2026-06-30 20:30:00 -03:30");
    }
}
