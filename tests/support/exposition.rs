//! A strict reader of what `/metrics` answers, in both forms. It panics at the first thing that the
//! form does not allow, with the line.

use std::collections::{BTreeMap, BTreeSet};

/// One figure with all its samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    pub(crate) help: String,
    pub(crate) kind: String,
    pub(crate) samples: Vec<Sample>,
    unit: Option<String>,
}

/// One line with a number.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// All figures of one look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exposition {
    pub(crate) families: BTreeMap<String, Family>,
}

impl Sample {
    /// What this label says, if it has it.
    pub(crate) fn label(&self, name: &str) -> Option<&String> {
        self.labels.get(name)
    }
}

impl Exposition {
    /// Reads OpenMetrics 1.0.
    pub(crate) fn openmetrics(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        read(body, true)
    }

    /// Reads the text format 0.0.4.
    pub(crate) fn prometheus(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line is whole");
        read(text, false)
    }

    /// The sum of the samples of this name that have all these labels; `None` if there are none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |sample: &&Sample| {
            let has =
                |(own, value): &(&str, &str)| sample.labels.get(*own).is_some_and(|it| it == value);
            sample.name == name && labels.iter().all(has)
        };
        let mut found = self.samples().filter(fits).peekable();
        found.peek()?;
        Some(found.map(|sample| sample.value).sum())
    }

    /// Every line with a number.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.values().flat_map(|family| &family.samples)
    }
}

fn read(text: &str, is_openmetrics: bool) -> Exposition {
    let mut read = Exposition::default();
    let mut current: Option<String> = None;
    for line in text.lines() {
        assert!(
            !line.is_empty() && line.trim() == line,
            "a stray blank: {line:?}"
        );
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (word, name) = (words.next().unwrap(), words.next().expect(line));
            let said = words
                .next()
                .unwrap_or_else(|| panic!("nothing is said: {line}"));
            check_name(name, line);
            if current.as_deref() != Some(name) {
                assert!(
                    !read.families.contains_key(name),
                    "it is not in one piece: {line}"
                );
                read.families.insert(name.to_owned(), Family::default());
                current = Some(name.to_owned());
            }
            let family = read.families.get_mut(name).unwrap();
            assert!(family.samples.is_empty(), "it comes after samples: {line}");
            describe(family, (word, name, said), is_openmetrics, line);
            continue;
        }
        assert!(!line.starts_with('#'), "no such comment: {line}");
        let name = current
            .as_ref()
            .unwrap_or_else(|| panic!("of no family: {line}"));
        let family = read.families.get_mut(name).unwrap();
        let sample = sample(line);
        assert!(!family.kind.is_empty(), "it has no type: {line}");
        let suffix = sample.name.strip_prefix(name.as_str());
        let suffix = suffix.unwrap_or_else(|| panic!("not of {name}: {line}"));
        let suffixes: &[&str] = match (family.kind.as_str(), is_openmetrics) {
            ("counter", true) => &["_total"],
            ("info", true) => &["_info"],
            ("histogram", _) => &["_bucket", "_count", "_sum"],
            ("gauge", _) | ("counter", false) => &[""],
            (kind, _) => panic!("no such type {kind}: {line}"),
        };
        assert!(
            suffixes.contains(&suffix),
            "a {} has no such sample: {line}",
            family.kind
        );
        assert_eq!(
            suffix == "_bucket",
            sample.labels.contains_key("le"),
            "{line}"
        );
        if family.kind != "gauge" {
            assert!(sample.value >= 0.0, "it is below 0: {line}");
        }
        family.samples.push(sample);
    }
    read.families
        .iter()
        .for_each(|(name, family)| check(name, family, is_openmetrics));
    read
}

fn describe(
    family: &mut Family,
    (word, name, said): (&str, &str, &str),
    is_openmetrics: bool,
    line: &str,
) {
    match word {
        "HELP" => {
            assert!(family.help.is_empty() && !said.contains('\\'), "{line}");
            said.clone_into(&mut family.help);
        }
        "TYPE" => {
            assert!(family.kind.is_empty(), "a second type: {line}");
            said.clone_into(&mut family.kind);
        }
        "UNIT" if is_openmetrics => {
            assert!(
                name.ends_with(&format!("_{said}")),
                "the name lacks its unit: {line}"
            );
            family.unit = Some(said.to_owned());
        }
        _ => panic!("no such comment: {line}"),
    }
}

fn check(name: &str, family: &Family, is_openmetrics: bool) {
    assert!(!family.help.is_empty(), "{name} has no help");
    assert!(!family.samples.is_empty(), "{name} has no sample");
    for unit in ["bytes", "seconds"].iter().filter(|_| is_openmetrics) {
        let has = family.unit.as_deref() == Some(*unit);
        assert_eq!(name.ends_with(&format!("_{unit}")), has, "{name}");
    }
    let mut seen = BTreeSet::new();
    let mut label_names = BTreeMap::new();
    for sample in &family.samples {
        assert!(
            seen.insert((&sample.name, &sample.labels)),
            "twice: {sample:?}"
        );
        let names: Vec<&String> = sample.labels.keys().collect();
        let first = label_names
            .entry(&sample.name)
            .or_insert_with(|| names.clone());
        assert_eq!(
            *first, names,
            "its samples have different labels: {sample:?}"
        );
    }
    if family.kind == "histogram" {
        check_histogram(name, family);
    }
}

/// Buckets stand together and in order, only grow, and end with all.
fn check_histogram(name: &str, family: &Family) {
    type Labels = BTreeMap<String, String>;
    let mut buckets: Vec<(Labels, Vec<(f64, f64)>)> = Vec::new();
    for sample in family
        .samples
        .iter()
        .filter(|own| own.name.ends_with("_bucket"))
    {
        let mut labels = sample.labels.clone();
        let bound = number(&labels.remove("le").unwrap());
        match buckets.last_mut() {
            Some((last, own)) if *last == labels => own.push((bound, sample.value)),
            _ => {
                assert!(
                    buckets.iter().all(|(own, _)| *own != labels),
                    "{name} is scattered"
                );
                buckets.push((labels, vec![(bound, sample.value)]));
            }
        }
    }
    let one = |suffix: &str, labels: &Labels| {
        let full = format!("{name}{suffix}");
        let mut all = family.samples.iter();
        let found = all.find(|own| own.name == full && own.labels == *labels);
        found
            .unwrap_or_else(|| panic!("{full} has none of {labels:?}"))
            .value
    };
    for (labels, own) in &buckets {
        for pair in own.windows(2) {
            assert!(
                pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1,
                "{name} {labels:?}: {pair:?}"
            );
        }
        let (bound, all) = own.last().unwrap();
        assert!(bound.is_infinite(), "{name} {labels:?} has no last bucket");
        assert!(
            one("_count", labels).total_cmp(all).is_eq(),
            "{name} {labels:?}"
        );
        assert!(one("_sum", labels) >= 0.0, "{name} {labels:?}");
    }
    let counts = family
        .samples
        .iter()
        .filter(|own| own.name.ends_with("_count"));
    assert_eq!(counts.count(), buckets.len(), "{name}");
}

fn sample(line: &str) -> Sample {
    let end = line
        .find(['{', ' '])
        .unwrap_or_else(|| panic!("without a value: {line}"));
    let (name, rest) = line.split_at(end);
    check_name(name, line);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest, line),
        None => (BTreeMap::new(), rest),
    };
    let value = rest
        .strip_prefix(' ')
        .unwrap_or_else(|| panic!("no space: {line}"));
    Sample {
        name: name.to_owned(),
        labels,
        value: number(value),
    }
}

/// The labels, and what follows their closing brace.
fn labels<'a>(mut rest: &'a str, line: &str) -> (BTreeMap<String, String>, &'a str) {
    let mut labels = BTreeMap::new();
    loop {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        check_name(name, line);
        assert!(
            !name.contains(':') && !name.starts_with("__"),
            "{name}: {line}"
        );
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters
                .next()
                .unwrap_or_else(|| panic!("no end: {line}"))
            {
                (at, '"') => break at + 1,
                (_, '\\') => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    other => panic!("{other:?} is escaped: {line}"),
                },
                (_, other) => value.push(other),
            }
        };
        assert!(
            labels.insert(name.to_owned(), value).is_none(),
            "{name} twice: {line}"
        );
        let after = &after[end..];
        if let Some(done) = after.strip_prefix('}') {
            return (labels, done);
        }
        rest = after.strip_prefix(',').unwrap_or_else(|| panic!("{line}"));
    }
}

fn number(text: &str) -> f64 {
    if text == "+Inf" {
        return f64::INFINITY;
    }
    let is_plain = |c: char| c.is_ascii_digit() || ".e-+".contains(c);
    assert!(text.chars().all(is_plain), "no number: {text}");
    text.parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

fn check_name(name: &str, line: &str) {
    let mut characters = name.chars();
    let first = characters.next();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let begins = first.is_some_and(|c| fits(c) && !c.is_ascii_digit());
    assert!(begins && characters.all(fits), "no name: {line}");
}

#[test]
fn what_the_form_does_not_allow_is_found() {
    let check = |text: &str| {
        let read = std::panic::catch_unwind(|| Exposition::openmetrics(text));
        assert!(read.is_err(), "it was taken: {text}");
    };
    let family = |name: &str| format!("# HELP {name} A.\n# TYPE {name} gauge\n{name} 1\n");
    check(&family("a"));
    check(&[&*family("a"), &family("b"), &family("a"), "# EOF\n"].concat());
    let buckets = |first: u32| {
        format!(
            "# HELP h H.\n# TYPE h histogram\nh_sum 1\nh_count 1\nh_bucket{{le=\"1\"}} {first}\n\
             h_bucket{{le=\"+Inf\"}} 1\n# EOF\n"
        )
    };
    check(&buckets(2));
    assert_eq!(Exposition::openmetrics(&buckets(1)).samples().count(), 4);
}
