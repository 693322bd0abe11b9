//! What is told: a row for each comparison, a line for each check.

/// One network, held against the processor.
pub(crate) struct Compared<'a> {
    pub(crate) network: &'a str,
    pub(crate) dtype: &'a str,
    pub(crate) tolerance: f32,
    /// The largest difference as a share of the largest number, and the seconds on the processor and on the device; or what went wrong.
    pub(crate) outcome: Result<(f32, f64, f64), String>,
}

/// What became of a check.
pub(crate) enum Verdict {
    /// It is as it must be; what was seen.
    Passed(String),
    /// It is not; what was seen.
    Failed(String),
    /// It can be done on other devices only.
    LeftOut(String),
}

/// Tells on standard output, and counts.
pub(crate) struct Report {
    device: String,
    failed: usize,
}

impl Report {
    /// Begins with the table's head.
    pub(crate) fn begin(device: &str) -> Self {
        println!(
            "| network | dtype | largest difference | tolerance | processor | {device} | verdict |"
        );
        println!("|---|---|---|---|---|---|---|");
        Self {
            device: device.to_owned(),
            failed: 0,
        }
    }

    /// Whether the device is the processor itself.
    pub(crate) fn is_of_processor(&self) -> bool {
        self.device == "cpu"
    }

    /// A row of the table.
    pub(crate) fn compared(&mut self, row: Compared<'_>) {
        let begin = format!("| {} | {}", row.network, row.dtype);
        match row.outcome {
            Ok((difference, processor, device)) => {
                let is_close = difference <= row.tolerance;
                self.failed += usize::from(!is_close);
                println!(
                    "{begin} | {difference:.1e} | {:.0e} | {:.1} ms | {:.1} ms | {} |",
                    row.tolerance,
                    processor * 1e3,
                    device * 1e3,
                    word(is_close)
                );
            }
            Err(error) => {
                self.failed += 1;
                let error = error.replace(['|', '\n'], " ");
                println!("{begin} | {error} | {:.0e} | | | FAILED |", row.tolerance);
            }
        }
    }

    /// A line of its own.
    pub(crate) fn checked(&mut self, what: &str, verdict: Verdict) {
        let (word, seen) = match verdict {
            Verdict::Passed(seen) => (word(true), seen),
            Verdict::Failed(seen) => {
                self.failed += 1;
                (word(false), seen)
            }
            Verdict::LeftOut(why) => ("left out", why),
        };
        println!("- {what}: {word}; {seen}");
    }

    /// How many comparisons and checks have failed.
    pub(crate) fn failed(&self) -> usize {
        self.failed
    }
}

fn word(is_passed: bool) -> &'static str {
    match is_passed {
        true => "passed",
        false => "FAILED",
    }
}
