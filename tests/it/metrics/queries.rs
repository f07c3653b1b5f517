//! The dashboard and the alerts ask only for what is measured: every figure, every label and every
//! value of a label that they name is in what a running server answers.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::{
    busy,
    exposition::{Exposition, Family, Sample},
    scrape,
};

/// What Prometheus itself adds to what it has from us.
const TARGET_LABELS: [&str; 2] = ["instance", "job"];

/// The figure that Prometheus makes of a scrape itself.
const OF_PROMETHEUS: &str = "up";

/// What may stand before a list of labels.
const GROUPINGS: [&str; 4] = ["by", "without", "on", "ignoring"];

/// A figure that is asked for, with what its labels are compared to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    name: String,
    labels: Vec<(String, String, String)>,
}

/// What a query asks for, and the labels that it groups by.
#[derive(Debug, Default)]
struct Query {
    asked: Vec<Asked>,
    grouped: BTreeSet<String>,
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// As much of a query as says what it asks for.
fn read(query: &str) -> Query {
    let mut read = Query::default();
    let mut rest = query;
    while let Some(at) = rest.find(|c: char| is_word(c) && !c.is_ascii_digit()) {
        // Words in quotation marks or behind a dollar are no figures.
        if let Some(quoted) = rest[..at].find('"') {
            let after = &rest[quoted + 1..];
            rest = &after[after.find('"').expect(query) + 1..];
            continue;
        }
        let is_variable =
            rest[..at].ends_with('$') || rest[..at].ends_with(|c: char| c.is_ascii_digit());
        let word = &rest[at..];
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        rest = after;
        if is_variable {
            continue;
        }
        let list = after.trim_start().strip_prefix('(');
        if let Some(list) = list.filter(|_| GROUPINGS.contains(&word)) {
            let (labels, after) = list.split_once(')').expect(query);
            let labels = labels.split(',').map(|label| label.trim().to_owned());
            read.grouped.extend(labels);
            rest = after;
        } else if word.contains('_') && list.is_none() || word == OF_PROMETHEUS {
            let mut asked = Asked {
                name: word.to_owned(),
                ..Asked::default()
            };
            if let Some((labels, after)) =
                after.strip_prefix('{').and_then(|own| own.split_once('}'))
            {
                asked.labels = labels
                    .split(',')
                    .map(|label| compared(label, query))
                    .collect();
                rest = after;
            }
            read.asked.push(asked);
        }
    }
    read
}

/// `name="value"` in its parts.
fn compared(label: &str, query: &str) -> (String, String, String) {
    let at = label.find(|c| !is_word(c)).expect(query);
    let (name, rest) = label.split_at(at);
    let (how, value) = rest.split_once('"').expect(query);
    let value = value.strip_suffix('"').expect(query);
    (name.to_owned(), how.to_owned(), value.to_owned())
}

/// What is asked for, but is not there.
fn missing(query: &str, scraped: &Exposition) -> Vec<String> {
    let read = read(query);
    let mut missing = Vec::new();
    let mut labels_known = BTreeSet::from(TARGET_LABELS.map(str::to_owned));
    for Asked { name, labels } in &read.asked {
        if name == OF_PROMETHEUS {
            continue;
        }
        let samples: Vec<_> = scraped.samples().filter(|own| own.name == *name).collect();
        let Some(first) = samples.first() else {
            missing.push(format!("{name} is not measured"));
            continue;
        };
        labels_known.extend(first.labels.keys().cloned());
        for (label, how, value) in labels {
            if TARGET_LABELS.contains(&label.as_str()) {
                continue;
            }
            let has = |own: &&Sample| own.label(label) == Some(value);
            if !first.labels.contains_key(label) {
                missing.push(format!("{name} has no label {label}"));
            } else if how == "=" && !samples.iter().any(has) {
                missing.push(format!("no {name} has {label}=\"{value}\""));
            }
        }
    }
    if read.asked.is_empty() {
        missing.push("nothing is asked for".to_owned());
    }
    let unknown = read.grouped.difference(&labels_known);
    missing.extend(unknown.map(|label| format!("nothing has a label {label}")));
    missing
}

/// The queries of the dashboard, those of its variables too.
fn queries_of_dashboard(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("expr", Value::String(query)) => found.push(query.clone()),
                    ("definition", Value::String(query)) => {
                        let inner = query.strip_prefix("label_values(");
                        let inner = inner
                            .and_then(|inner| inner.strip_suffix(')'))
                            .expect(query);
                        let (name, label) = inner.split_once(", ").expect(query);
                        found.push(format!("sum by ({label}) ({name})"));
                    }
                    _ => queries_of_dashboard(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| queries_of_dashboard(one, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The queries of the alerts, each on a line of its own.
fn queries_of_alerts(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "));
    let quoted = lines.map(|own| {
        own.strip_prefix('\'')
            .and_then(|own| own.strip_suffix('\''))
    });
    quoted
        .map(|own| own.expect("a query in '…'").replace("''", "'"))
        .collect()
}

#[test]
fn dashboard_and_alerts_ask_only_for_what_is_measured() {
    let (_data, process) = busy();
    let scraped = scrape(&process.client());
    let text = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let dashboard = serde_json::from_str(&text("deploy/grafana/jumun.json")).unwrap();
    let mut queries = queries_of_alerts(&text("deploy/prometheus/jumun.rules.yml"));
    assert!(queries.len() > 20, "{queries:?}");
    queries_of_dashboard(&dashboard, &mut queries);
    assert!(queries.len() > 70, "{queries:?}");
    let mut faults = Vec::new();
    for query in &queries {
        let missing = missing(query, &scraped);
        faults.extend(missing.into_iter().map(|what| format!("{what}: {query}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_not_measured_is_found_in_a_query() {
    let known = "# HELP a_b A.\n# TYPE a_b gauge\na_b{c=\"d\"} 1\n# EOF\n";
    let known = Exposition::openmetrics(known);
    let check = |query: &str, expected: &[&str]| assert_eq!(missing(query, &known), expected);
    check(
        "sum by (c, job) (rate(a_b{c=\"d\",instance=~\"$x_y\"}[5m])) > 0.5e3",
        &[],
    );
    check("a_b / a_c", &["a_c is not measured"]);
    check("a_b{e=\"d\"}", &["a_b has no label e"]);
    check("a_b{c=\"e\"}", &["no a_b has c=\"e\""]);
    check("sum by (e) (a_b)", &["nothing has a label e"]);
    check("vector(1)", &["nothing is asked for"]);
}

#[test]
fn every_figure_is_explained_in_the_documentation() {
    let (_data, process) = busy();
    let scraped = scrape(&process.client());
    let text = fs::read_to_string(repository().join("docs/monitoring.md")).unwrap();
    let named: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next())
        .filter(|name| name.starts_with("jumun_") || name.starts_with("process_"))
        .collect();
    let shown = |(name, family): (&String, &Family)| match family.kind.as_str() {
        "counter" => format!("{name}_total"),
        "info" => format!("{name}_info"),
        _ => name.clone(),
    };
    let measured: BTreeSet<String> = scraped.families.iter().map(shown).collect();
    let measured: BTreeSet<&str> = measured.iter().map(String::as_str).collect();
    assert_eq!(
        measured, named,
        "measured, and in the tables of docs/monitoring.md"
    );
}
