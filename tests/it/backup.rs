//! The real binary, backed up under load: the backup is the journal at its position, and goes on
//! from there; one that is not whole is refused.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use jumun::store::journal::{self, Source};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    ORDER, Process, Recorded,
    load::{Acknowledged, Load},
    process::{run, verify},
};

/// Acknowledged orders before the backup is asked for.
const ORDERS: usize = 200;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a command that must go well, and gives back what it said.
fn must(arguments: &[&str]) -> String {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must be refused in a sentence with these words.
fn refused(arguments: &[&str], words: &[&str]) {
    let Output { status, stderr, .. } = run(arguments);
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(1), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

/// A directory under load, and where backups and what is restored go.
struct Scene {
    dir: TempDir,
    data: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        Self { dir, data }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Restores the backup, and compares what came of it with the source, byte for byte.
    fn restored(&self, backup: &Path, name: &str) -> (PathBuf, Recorded) {
        let data = self.path(name);
        let said = must(&["restore", "--from", text(backup), "--data", text(&data)]);
        assert!(said.contains("All of it holds."), "{said}");
        assert!(must(&["verify", "--backup", text(backup)]).contains("All of it holds."));
        let sources = [&self.data, &data].map(|data| journal::Files::new(data.join("journal")));
        let [source, copy] = &sources;
        for segment in copy.segments().unwrap() {
            let [bytes, own] = [source, copy].map(|of| of.read(segment, 0, usize::MAX).unwrap());
            assert!(bytes.starts_with(&own), "the frames are the same");
        }
        let recorded = Recorded::read(&data);
        (data, recorded)
    }
}

#[test]
fn a_backup_made_under_load_is_the_journal_at_its_position_and_goes_on() {
    let scene = Scene::new();
    let process = Process::serve(&scene.data, &["--root", "flowers"]);
    let load = Load::start(process.address(), 0);
    load.wait_for(ORDERS);
    let over_http = scene.path("http.tar");
    let body = format!("{{\"to\": \"{}\"}}", text(&over_http));
    let reply = process.client().post("/ops/backup", &body);
    let position = reply.json()["position"].as_u64().unwrap();
    let beside = scene.path("beside.tar");
    must(&["backup", "--data", text(&scene.data), "--to", text(&beside)]);
    load.wait_for(ORDERS);
    process.kill();
    load.join(&mut Acknowledged::default());

    let (data, recorded) = scene.restored(&over_http, "over-http");
    assert_eq!(recorded.0.len() as u64, position);
    assert!(recorded.count("order.placed") >= ORDERS, "all acknowledged");
    let (_, beside) = scene.restored(&beside, "beside");
    assert!(
        beside
            .0
            .starts_with(&recorded.0[..beside.0.len().min(recorded.0.len())])
    );

    let process = Process::serve(&data, &["--root", "flowers"]);
    process.client().post("/orders", ORDER);
    process.terminate();
    assert!(process.wait().0.success());
    verify(&data);
    let more = Recorded::read(&data);
    assert!(more.0.starts_with(&recorded.0) && more.0.len() > recorded.0.len());
}

#[test]
fn a_directory_at_rest_is_backed_up_to_its_end() {
    let scene = Scene::new();
    let process = Process::serve(&scene.data, &["--root", "flowers"]);
    process.client().pause("flowers/delivery");
    process.client().post("/orders", ORDER);
    process.kill();
    let backup = scene.path("backup.tar");
    let arguments = ["backup", "--data", text(&scene.data), "--to", text(&backup)];
    must(&arguments);
    let (data, recorded) = scene.restored(&backup, "restored");
    assert_eq!(recorded, Recorded::read(&scene.data));
    let [paused, restored] =
        [&scene.data, &data].map(|data| fs::read(data.join("components.json")).unwrap());
    assert_eq!(paused, restored, "what is paused stays paused");

    refused(&arguments, &["is there already"]);
    let restore = |from: &Path, data: &Path, words: &[&str]| {
        refused(
            &["restore", "--from", text(from), "--data", text(data)],
            words,
        );
    };
    restore(&backup, &data, &["is not empty"]);
    let missing = scene.path("nowhere");
    let arguments = ["backup", "--data", text(&missing), "--to", "x.tar"];
    refused(&arguments, &["is not a data directory"]);
    assert!(!missing.exists(), "nothing is made of a mistyped name");

    // Half of it, and one with a byte of the journal that is another.
    let whole = fs::read(&backup).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let broken = scene.path("broken.tar");
    let vacant = scene.path("vacant");
    for bytes in [&whole[..whole.len() / 2], &flipped] {
        fs::write(&broken, bytes).unwrap();
        restore(&broken, &vacant, &["damaged or cut off"]);
        refused(
            &["verify", "--backup", text(&broken)],
            &["damaged or cut off"],
        );
    }
    fs::write(&broken, b"PK\x03\x04").unwrap();
    restore(&broken, &vacant, &["broken.tar"]);
    assert!(!vacant.join("FORMAT").exists());
    scene.restored(&backup, "vacant");
}

#[test]
fn a_backup_over_http_is_for_operators_of_this_machine() {
    let scene = Scene::new();
    let process = Process::serve(&scene.data, &[]);
    let client = process.client();
    let ask = |body: &str| client.request("POST", "/ops/backup").json(body);
    let to = scene.path("backup.tar");
    let body = format!("{{\"to\": \"{}\"}}", text(&to));
    let from_a_page = ask(&body).header("origin", "http://elsewhere").expect(403);
    assert_eq!(from_a_page.at("/code"), "local_only");
    ask("{\"to\": \"backup.tar\"}")
        .expect(400)
        .has("/code", "field_invalid");
    ask("{}").expect(400).has("/code", "field_required");
    assert!(!to.exists());
    client.get("/ops/backup").has("/last", Value::Null);
    ask(&body).expect(201);
    client.get("/ops/backup").has("/last/to", text(&to));
    ask(&body).expect(409).has("/code", "file_exists");
    let nowhere = format!("{{\"to\": \"{}/x/y.tar\"}}", text(scene.dir.path()));
    ask(&nowhere).expect(500).has("/code", "backup_failed");
}
