//! Definition files as their author meets them: checked, listed, changed between starts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use tempfile::TempDir;

use crate::support::{ORDER, Process, process::run};

const FLOWERS: &str = include_str!("../../storefronts/flowers.toml");

/// The flower shop under another name.
fn tulips() -> String {
    changed(FLOWERS, "name = \"flowers\"", "name = \"tulips\"")
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

fn text_of(output: &Output) -> (Option<i32>, String) {
    let all = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8(all).unwrap())
}

fn check(files: &[&Path]) -> (Option<i32>, String) {
    let files = files.iter().map(|file| file.to_str().unwrap());
    let arguments: Vec<&str> = ["storefronts", "check"].into_iter().chain(files).collect();
    text_of(&run(&arguments))
}

fn has_all(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn every_mistake_of_every_file_is_told_with_its_place_and_line() {
    let dir = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let both = changed(&tulips(), "\"KRW\"", "\"won\"");
    let both = changed(&both, "do   = \"pay\"", "do   = \"pey\"");
    let (bad, taken) = (file("bad.toml", &both), file("taken.toml", FLOWERS));
    let (good, missing) = (
        file("good.toml", &tulips()),
        dir.path().join("missing.toml"),
    );
    let place = |path: &Path, text: &str, from: &str| {
        let before = &text[..text.find(from).unwrap()];
        let (lines, line) = (
            before.split('\n').count(),
            before.rsplit('\n').next().unwrap(),
        );
        format!("{}:{lines}:{}: ", path.display(), line.len() + 1)
    };
    let expected = [
        &format!("{}`won` is not a currency", place(&bad, &both, "\"won\"")),
        "| currency = \"won\"\n    |            ^\n",
        &format!("{}a flow has no step `pey`", place(&bad, &both, "\"pey\"")),
        &format!(
            "{}a storefront `flowers` is embedded",
            place(&taken, FLOWERS, "\"flowers\"")
        ),
    ];

    let (code, said) = check(&[&bad, &taken, &missing, &good]);
    assert_eq!(code, Some(1), "{said}");
    has_all(&said, &expected);
    has_all(
        &said,
        &[
            "missing.toml cannot be read",
            "3 of 4 files",
            "good.toml is fine",
        ],
    );

    let data = dir.path().join("data");
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
    ];
    let shops = ["--storefronts", dir.path().to_str().unwrap()];
    let (code, said) = text_of(&run(&[&arguments[..], &shops[..]].concat()));
    assert_eq!(code, Some(1), "{said}");
    has_all(&said, &expected);
    assert!(!data.exists(), "nothing was begun");
}

#[test]
fn a_file_without_mistakes_is_summed_up_and_can_be_served_as_it_says() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tulips.toml");
    fs::write(&path, tulips()).unwrap();
    let (code, said) = check(&[&path]);
    assert_eq!(code, Some(0), "{said}");
    let serve = format!("--storefronts {} --root tulips", dir.path().display());
    has_all(
        &said,
        &[
            "tulips.toml is fine",
            "Flower subscription / 꽃 구독, in KRW",
            "/tulips/orders: phoneNumber, address",
            "/tulips/orderDetails",
            "1. pay (sync), then the order is confirmed",
            "2. deliver (command)",
            "PATCH /tulips/orders/{id} with status = \"OrderCancelled\"  order.cancel",
            "PATCH /tulips/orders/{id}                                 order.amend",
            &format!("jumun serve {serve}"),
        ],
    );
    assert!(!said.contains("note"), "{said}");

    let shops = dir.path().to_str().unwrap();
    for help in [
        &["storefronts", "--help"][..],
        &["storefronts", "check", "-h"],
    ] {
        has_all(
            &text_of(&run(help)).1,
            &["cp storefronts/", "--root laundry"],
        );
    }
    let (_, listed) = text_of(&run(&["storefronts", "list", "--storefronts", shops]));
    has_all(
        &listed,
        &["flowers        Flower", "tulips         Flower", "(yours)"],
    );

    fs::write(&path, tulips().replace("\"myPages\"", "\"flowers\"")).unwrap();
    let (_, said) = check(&[&path]);
    has_all(&said, &["/flowers is the storefront `flowers`"]);
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let arguments: Vec<&str> = ["serve", "--listen", "127.0.0.1:0", "--data", data]
        .into_iter()
        .chain(serve.split(' '))
        .collect();
    let (code, said) = text_of(&run(&arguments));
    assert_eq!(code, Some(1), "{said}");
    has_all(&said, &["`tulips` cannot be at the root", "rename one"]);
}

/// A data directory with the user's own shop.
struct Shop {
    dir: TempDir,
}

impl Shop {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("shops")).unwrap();
        Self { dir }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn shops(&self) -> String {
        self.dir.path().join("shops").display().to_string()
    }

    fn kept(&self) -> String {
        fs::read_to_string(self.data().join("storefronts/tulips.toml")).unwrap()
    }

    fn define(&self, text: &str) {
        fs::write(self.dir.path().join("shops/tulips.toml"), text).unwrap();
    }

    fn serve(&self) -> Process {
        Process::serve(
            &self.data(),
            &["--storefronts", &self.shops(), "--root", "tulips"],
        )
    }

    /// No command that needs the definitions goes on, and the directory stays as it was.
    fn is_refused(&self, words: &[&str]) {
        let before = files(&self.data());
        for command in ["serve", "verify", "rebuild-views"] {
            let data = self.data().display().to_string();
            let shops = self.shops();
            let mut arguments = vec![command, "--data", &data, "--storefronts", &shops];
            if command == "serve" {
                arguments.extend(["--listen", "127.0.0.1:0"]);
            }
            let (code, said) = text_of(&run(&arguments));
            assert_eq!(code, Some(1), "{command}: {said}");
            has_all(&said, words);
        }
        assert!(files(&self.data()) == before, "the directory was changed");
    }
}

/// Every file of a directory with what is in it, by path.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

fn stop(process: Process) {
    process.terminate();
    let (status, log) = process.wait();
    assert!(status.success(), "{log}");
}

#[test]
fn a_definition_may_change_between_starts_as_far_as_what_is_stored_fits_it() {
    let shop = Shop::new();
    let first = tulips();
    // As long as nothing was ordered, anything may change.
    for text in [&changed(&first, "\"KRW\"", "\"EUR\""), &first] {
        shop.define(text);
        stop(shop.serve());
        assert_eq!(shop.kept(), *text);
    }
    let process = shop.serve();
    process.client().post("/orders", ORDER);
    process.kill();

    let word = changed(&first, "\"PaymentConfirmed\"", "\"Paid\"");
    let word = changed(&word, "\"PaymentConfirmed\"", "\"Paid\"");
    shop.define(&word);
    let process = shop.serve();
    process.client().get("/orders/1").has("/status", "Paid");
    process.client().get("/myPages/1").has("/status", "Paid");
    stop(process);
    assert_eq!(shop.kept(), word);

    let euro = changed(&word, "\"KRW\"", "\"EUR\"");
    shop.define(&changed(
        &euro,
        "[\"Delivered\"]",
        "[\"Sent\", \"Delivered\"]",
    ));
    shop.is_refused(&[
        "`tulips` does not fit",
        "the currency was KRW and is EUR",
        "write steps = [\"Delivered\"] again",
        "storefronts/tulips.toml",
    ]);
    shop.define(&word);
    let process = shop.serve();
    process.client().get("/orders/1").has("/status", "Paid");
    stop(process);

    // What an older version kept, and this one does not read.
    let path = shop.data().join("storefronts/tulips.toml");
    fs::write(&path, changed(&word, "topic =", "tropic =")).unwrap();
    shop.is_refused(&[
        "storefronts/tulips.toml:",
        "has no key `tropic`",
        "with the version",
    ]);
}
