//! A sheet as text: OpenMetrics, or Prometheus' own older form.

use std::{fmt, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::{Registry, Unit},
};

use super::{
    Sheet, Value,
    sheet::{Family, Kind},
};

/// In which form figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// OpenMetrics 1.0, which Prometheus asks for.
    OpenMetrics,
    /// The text format 0.0.4, which everything that reads metrics knows.
    Prometheus,
}

impl Form {
    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

impl Sheet {
    /// The figures as text in this form.
    pub fn print(self, form: Form) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut printed = String::new();
        text::encode(&mut printed, &registry).expect("a string takes all that is written to it");
        match form {
            Form::OpenMetrics => printed,
            Form::Prometheus => older(&printed),
        }
    }
}

impl Collector for Sheet {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in self.families() {
            let (name, unit) = family.name_and_unit();
            let kind = match family.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
                Kind::Info => MetricType::Info,
            };
            let help = family.help;
            let mut own = encoder.encode_descriptor(name, help, unit.as_ref(), kind)?;
            for sample in &family.samples {
                if family.kind == Kind::Info {
                    own.encode_info(&sample.labels)?;
                } else if sample.labels.is_empty() {
                    print(&mut own, family.kind, &sample.value)?;
                } else {
                    let mut labelled = own.encode_family(&sample.labels)?;
                    print(&mut labelled, family.kind, &sample.value)?;
                }
            }
        }
        Ok(())
    }
}

impl Family {
    /// The unit is written apart from the name, and put after it again.
    fn name_and_unit(&self) -> (&'static str, Option<Unit>) {
        let bytes = self
            .name
            .strip_suffix("_bytes")
            .map(|name| (name, Unit::Bytes));
        let seconds = self.name.strip_suffix("_seconds");
        let seconds = seconds.map(|name| (name, Unit::Seconds));
        match bytes.or(seconds) {
            Some((name, unit)) => (name, Some(unit)),
            None => (self.name, None),
        }
    }
}

fn print(to: &mut MetricEncoder<'_>, kind: Kind, value: &Value) -> fmt::Result {
    let none = None::<&Exemplar<Vec<(&str, &str)>, f64>>;
    match (kind, value) {
        (Kind::Counter, Value::Whole(number)) => to.encode_counter(number, none),
        (Kind::Counter, Value::Time(time)) => to.encode_counter(&time.as_secs_f64(), none),
        (_, Value::Whole(number)) => to.encode_gauge(number),
        (_, Value::Time(time)) => to.encode_gauge(&time.as_secs_f64()),
        (_, Value::Distribution(counted)) => {
            let size = |size| {
                if counted.is_time {
                    seconds(size)
                } else {
                    float(size)
                }
            };
            let bounds = counted.bounds.iter().map(|bound| size(*bound));
            let bounds = bounds.chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(counted.counts.iter().copied()).collect();
            let sum = size(counted.sum);
            to.encode_histogram::<NoLabelSet>(sum, counted.count(), &buckets, None)
        }
    }
}

fn seconds(us: u64) -> f64 {
    Duration::from_micros(us).as_secs_f64()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus knows floating-point numbers only"
)]
const fn float(number: u64) -> f64 {
    number as f64
}

/// OpenMetrics as the older form. There a counter is called what its samples are called, nothing has a
/// unit of its own, and what only says something is a gauge.
fn older(printed: &str) -> String {
    let mut older = String::with_capacity(printed.len());
    let mut help = None;
    for line in printed.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                _ => ("", kind),
            };
            let help = help.take().map_or("", |(_, help)| help);
            let name = [name, suffix].concat();
            older.extend([
                "# HELP ",
                &name,
                " ",
                help,
                "\n# TYPE ",
                &name,
                " ",
                kind,
                "\n",
            ]);
        } else if !line.starts_with("# UNIT") && line != "# EOF" {
            older.push_str(line);
            older.push('\n');
        }
    }
    older
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Histogram;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::default();
        sheet
            .counter("a_written_bytes", "What is written.")
            .is(3_u64);
        sheet
            .info("a_build", "What runs.")
            .of(&[("version", "1 \"x\"")], 1_u64);
        let times = Histogram::of_times(&[500, 1_000_000]);
        times.observe(500);
        times.observe(1_500_000);
        let family = sheet.histogram("a_wait_seconds", "How long one waits.");
        family.of(&[("shop", "b")], times.read());
        sheet.gauge("a_room", "What is left.").is(true);
        sheet.gauge("a_silent", "Nobody has any.");
        sheet
    }

    #[test]
    fn figures_are_written_as_openmetrics() {
        let expected = r#"# HELP a_written_bytes What is written.
# TYPE a_written_bytes counter
# UNIT a_written_bytes bytes
a_written_bytes_total 3
# HELP a_build What runs.
# TYPE a_build info
a_build_info{version="1 \"x\""} 1
# HELP a_wait_seconds How long one waits.
# TYPE a_wait_seconds histogram
# UNIT a_wait_seconds seconds
a_wait_seconds_sum{shop="b"} 1.5005
a_wait_seconds_count{shop="b"} 2
a_wait_seconds_bucket{le="0.0005",shop="b"} 1
a_wait_seconds_bucket{le="1.0",shop="b"} 1
a_wait_seconds_bucket{le="+Inf",shop="b"} 2
# HELP a_room What is left.
# TYPE a_room gauge
a_room 1
# EOF
"#;
        assert_eq!(sheet().print(Form::OpenMetrics), expected);
    }

    #[test]
    fn the_older_form_calls_counters_what_their_samples_are_called() {
        let printed = sheet().print(Form::Prometheus);
        for line in [
            "# TYPE a_written_bytes_total counter",
            "# HELP a_build_info What runs.",
            "# TYPE a_build_info gauge",
            "# TYPE a_wait_seconds histogram",
            "a_room 1",
        ] {
            assert!(printed.lines().any(|own| own == line), "{line}\n{printed}");
        }
        assert!(!printed.contains("EOF") && !printed.contains("UNIT"));
    }
}
