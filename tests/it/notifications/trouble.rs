//! A mail server that is busy, refuses, is silent, or is not answered because the program died.

use serde_json::json;
use tempfile::TempDir;

use super::{AT_ONCE, server, texts, told, until};
use crate::support::{
    Client, Process,
    mailbox::{Fate, Mailbox},
    process::verify,
};

const KIM: &str = "kim@example.org";

/// An order of a flower shop that is cancelled, which is two mails: cancelled, and refunded.
fn cancelled(client: &Client) -> u64 {
    let order = json!({"price": 5_000, "phoneNumber": "01012341234", "email": KIM}).to_string();
    let number = client.post("/orders", &order).number();
    client.patch(
        &format!("/orders/{number}"),
        r#"{"status": "OrderCancelled"}"#,
    );
    number
}

/// The numbers of the notifications that are mails.
fn mails(client: &Client) -> Vec<u64> {
    let told = told(client).into_iter();
    let mails = told.filter(|told| told["channel"] == "mail");
    mails.map(|told| told["number"].as_u64().unwrap()).collect()
}

#[test]
fn a_busy_server_is_asked_again_and_what_it_refuses_is_shown_and_sent_again_by_hand() {
    let mailbox = Mailbox::open();
    mailbox.plan(&[Fate::Busy, Fate::Refused, Fate::Taken]);
    let server = server(&[mailbox.settings()]);
    let client = server.client();
    cancelled(&client);
    mailbox.came(3);
    let [first, second] = mails(&client)[..] else {
        panic!("two mails")
    };
    // What stands behind it goes on once it is given up.
    let failed = until(&client, first, "failed");
    assert_eq!(failed["attempts"], 2);
    assert!(
        failed["why"]
            .as_str()
            .unwrap()
            .contains("Mailbox unavailable"),
        "{failed}"
    );
    assert_eq!(until(&client, second, "sent")["attempts"], 1);
    assert_eq!(mailbox.kept(1).len(), 1);

    let resend = |number: u64| {
        client
            .request("POST", &format!("/notifications/{number}/resend"))
            .json("")
    };
    resend(second)
        .expect(409)
        .has("/code", "notification_not_failed");
    resend(first).expect(202);
    until(&client, first, "sent");
    let texts = texts(&mailbox.kept(2), KIM);
    assert!(texts[1].contains("취소되었습니다"), "{texts:?}");
    server.verified();
}

#[test]
fn a_mail_that_may_have_arrived_is_not_sent_twice() {
    let mailbox = Mailbox::open();
    mailbox.plan(&[Fate::TakenSilently]);
    let server = server(&[mailbox.settings()]);
    let client = server.client();
    cancelled(&client);
    let kept = mailbox.kept(2);
    let number = mails(&client)[0];
    let failed = until(&client, number, "failed");
    assert!(
        failed["why"].as_str().unwrap().contains("by hand"),
        "{failed}"
    );
    let texts = texts(&kept, KIM);
    assert!(
        texts[0].contains("취소") && texts[1].contains("환불"),
        "{texts:?}"
    );
    server.verified();
}

#[test]
fn a_mail_on_its_way_when_the_program_was_killed_is_not_sent_twice() {
    let mailbox = Mailbox::open();
    let data = TempDir::new().unwrap();
    let (data, config) = (data.path().join("data"), data.path().join("jumun.toml"));
    let settings = format!("root = \"flowers\"\n{AT_ONCE}{}", mailbox.settings());
    std::fs::write(&config, settings).unwrap();
    let config = ["--config", config.to_str().unwrap()];

    mailbox.plan(&[Fate::Held]);
    let process = Process::serve(&data, &config);
    cancelled(&process.client());
    mailbox.came(1);
    process.kill();
    let process = Process::serve(&data, &config);
    let client = process.client();
    let mails = mails(&client);
    let failed = until(&client, mails[0], "failed");
    assert!(
        failed["why"]
            .as_str()
            .unwrap()
            .contains("the program ended"),
        "{failed}"
    );
    until(&client, mails[1], "sent");
    let texts = texts(&mailbox.kept(2), KIM);
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[1].contains("환불"), "{texts:?}");
    process.kill();
    verify(&data);
}
