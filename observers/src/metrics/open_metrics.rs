//! Metrics as text, for Prometheus: the form of OpenMetrics 1.0, which has exemplars.
//!
//! Source: OpenMetrics, <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::fmt::Write;

use super::described::{Kind, Label};
use super::series::{Exemplar, Families, Family, Histogram, Point, Value};

/// The page.
pub(super) fn text(families: Families) -> String {
    let mut page = String::new();
    for family in families.into_filled() {
        write_family(&mut page, &family);
    }
    page.push_str("# EOF\n");
    page
}

// Writing to a String cannot fail, so what `write!` gives is left out here.
fn write_family(page: &mut String, family: &Family) {
    let Family { described, points } = family;
    let name = described.prometheus();
    let _ = writeln!(page, "# TYPE {name} {}", described.kind.word());
    if let Some(unit) = described.prometheus_unit() {
        let _ = writeln!(page, "# UNIT {name} {unit}");
    }
    let _ = writeln!(page, "# HELP {name} {}.", described.about);
    for point in points {
        match &point.value {
            Value::Spread(histogram) => write_histogram(page, &name, point, histogram),
            Value::Number(number) => {
                let total = if described.kind == Kind::Counter {
                    "_total"
                } else {
                    ""
                };
                let labels = labels(point, None);
                let _ = writeln!(page, "{name}{total}{labels} {number}");
            }
        }
    }
}

fn write_histogram(page: &mut String, name: &str, point: &Point, histogram: &Histogram) {
    let mut below = 0;
    let counts = histogram.counts.iter().zip(&histogram.exemplars);
    for (at, (count, exemplar)) in counts.enumerate() {
        below += count;
        let bound = histogram.bounds.get(at);
        let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| format!("{bound:?}"));
        let labels = labels(point, Some(&bound));
        let _ = write!(page, "{name}_bucket{labels} {below}");
        if let Some(Exemplar { value, seen }) = exemplar {
            let (trace, span) = (seen.trace, seen.span);
            let (seconds, nanos) = (seen.at_ns / 1_000_000_000, seen.at_ns % 1_000_000_000);
            let _ = write!(
                page,
                " # {{trace_id=\"{trace}\",span_id=\"{span}\"}} {value:?} {seconds}.{nanos:09}"
            );
        }
        page.push('\n');
    }
    let labels = labels(point, None);
    let _ = writeln!(page, "{name}_sum{labels} {:?}", histogram.sum);
    let _ = writeln!(page, "{name}_count{labels} {below}");
}

/// In braces; nothing when there are none.
fn labels(point: &Point, bound: Option<&str>) -> String {
    let own = point.labels.iter();
    let own = own.map(|(label, value)| (Label::name(*label), value.as_str()));
    let all: Vec<String> = own
        .chain(bound.map(|bound| ("le", bound)))
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    if all.is_empty() {
        return String::new();
    }
    format!("{{{}}}", all.join(","))
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use aimass_runtime::SpanId;

    use super::*;
    use crate::metrics::described::{self, Label};
    use crate::metrics::series::Seen;

    #[test]
    fn a_page_is_written_as_the_specification_says() {
        let mut families = Families::new();
        let agent = vec![(Label::Agent, "a \"quoted\\\nname".to_owned())];
        families.number(described::DEAD_LETTERS, agent, 3);
        families.number(described::DROPPED_SPANS, Vec::new(), 0);
        let mut histogram = Histogram::new(&[0.5, 1.0]);
        let seen = Seen {
            trace: "0af7651916cd43dd8448eb211c80319c".parse().unwrap(),
            span: SpanId::from_u64(7),
            at_ns: 1_520_879_607_000_000_789,
        };
        histogram.observe(0.75, Some(seen));
        histogram.observe(3.0, None);
        let skill = [(Label::Skill, "text.embed".to_owned())];
        families.spread(described::QUEUE_DURATION, &skill, &histogram);
        let expected = r##"# TYPE aimass_task_queue_duration_seconds histogram
# UNIT aimass_task_queue_duration_seconds seconds
# HELP aimass_task_queue_duration_seconds From acceptance to the beginning of the last run.
aimass_task_queue_duration_seconds_bucket{skill="text.embed",le="0.5"} 0
aimass_task_queue_duration_seconds_bucket{skill="text.embed",le="1.0"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="0000000000000007"} 0.75 1520879607.000000789
aimass_task_queue_duration_seconds_bucket{skill="text.embed",le="+Inf"} 2
aimass_task_queue_duration_seconds_sum{skill="text.embed"} 3.75
aimass_task_queue_duration_seconds_count{skill="text.embed"} 2
# TYPE aimass_dead_letters counter
# HELP aimass_dead_letters Tasks that were given up and kept.
aimass_dead_letters_total{agent="a \"quoted\\\nname"} 3
# TYPE aimass_dropped_spans counter
# HELP aimass_dropped_spans Spans that did not reach the collector.
aimass_dropped_spans_total 0
# EOF
"##;
        assert_eq!(text(families), expected);
    }
}
