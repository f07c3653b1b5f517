//! What is shown of two looks at a server.

use std::collections::VecDeque;

use super::{figures::Rate, *};

const BEFORE: &str = r#"# HELP jumun_ready Says.
jumun_ready 1
jumun_build_info{version="1.2.3"} 1
jumun_orders_total{storefront="roses",outcome="placed"} 100
jumun_orders_total{storefront="roses",outcome="cancelled"} 1
jumun_http_requests_total{storefront="roses",method="POST",status="2xx"} 100
jumun_http_requests_total{storefront="roses",method="POST",status="5xx"} 0
jumun_http_request_duration_seconds_bucket{le="0.001",storefront="roses",method="POST"} 50
jumun_http_request_duration_seconds_bucket{le="0.002",storefront="roses",method="POST"} 100
jumun_http_request_duration_seconds_bucket{le="+Inf",storefront="roses",method="POST"} 100
jumun_shard_up{shard="0"} 1
jumun_shard_up{shard="10"} 1
jumun_shard_up{shard="2"} 1
jumun_shard_requests_max 1024
jumun_breaker_state{storefront="roses",state="closed"} 0
jumun_breaker_state{storefront="roses",state="open"} 1
jumun_disk_free_bytes 5.5e+09
process_cpu_seconds_total 10.5
"#;

/// The same two seconds later, with these instead of what begins like them.
fn later(changes: &[&str]) -> Look {
    let mut text = BEFORE.to_owned();
    for change in changes {
        let (name, _) = change.rsplit_once(' ').unwrap();
        let lines = text.lines().filter(|line| !line.starts_with(name));
        let kept: Vec<&str> = lines.chain([*change]).collect();
        text = kept.join("\n");
    }
    Look::read(&text).unwrap()
}

fn figures(changes: &[&str]) -> Figures {
    let before = Look::read(BEFORE).unwrap();
    Figures::of(&later(changes), Some((Duration::from_secs(2), &before)))
}

fn bucket(bound: &str, count: u64) -> String {
    let name = "jumun_http_request_duration_seconds_bucket";
    format!(r#"{name}{{le="{bound}",storefront="roses",method="POST"}} {count}"#)
}

#[test]
fn rates_and_quantiles_are_of_the_time_between_two_looks() {
    let buckets = [
        bucket("0.001", 150),
        bucket("0.002", 300),
        bucket("+Inf", 300),
    ];
    let buckets = buckets.each_ref().map(String::as_str);
    let orders = r#"jumun_orders_total{storefront="roses",outcome="placed"} 1101"#;
    let cpu = "process_cpu_seconds_total 11.5";
    let figures = figures(&[&buckets[..], &[orders, cpu]].concat());
    assert_eq!(figures.orders_per_s, Some(Rate(500_500)));
    assert_eq!(figures.errors_per_s, Some(Rate(0)));
    assert_eq!(figures.machine.cpu, Some(Rate(500)));
    // 100 within a millisecond, and 100 between one and two.
    assert_eq!(figures.commands, Some([1_000, 1_800, 1_980]));
    assert_eq!(figures.reads, None);
    let names: Vec<&str> = figures.shards.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(names, ["0", "2", "10"]);
    assert_eq!(figures.shops[0].breaker, "open");
    assert_eq!(figures.machine.disk_free, 5_500_000_000);
}

#[test]
fn a_server_that_began_again_counts_from_nothing() {
    let orders = r#"jumun_orders_total{storefront="roses",outcome="placed"} 3"#;
    assert_eq!(figures(&[orders]).orders_per_s, Some(Rate(0)));
    assert!(
        Look::read("go_threads 3\n").is_none(),
        "it is another program's"
    );
}

#[test]
fn everything_stands_on_the_screen_and_a_small_one_shows_what_fits() {
    let orders = r#"jumun_orders_total{storefront="roses",outcome="placed"} 24700"#;
    let quarantined = r#"jumun_quarantined{storefront="roses",kind="order"} 2"#;
    let figures = figures(&[orders, quarantined]);
    let history: VecDeque<u64> = [0, 100, 5_000, 12_300].into();
    let mut shown = Shown {
        server: "http://shop:8080",
        figures: Some(&figures),
        trouble: None,
        orders: &history,
    };
    let text = as_text(&shown, 100, 40);
    for expected in [
        "jumun 1.2.3  http://shop:8080  ready",
        " 12,300 orders/s · 0 requests/s ",
        "5.1 GiB free",
        "0 of 1,024",
        "24,700",
        "open",
        "2 in quarantine: /ops/quarantine",
        "█",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    for (columns, lines) in [(1, 1), (20, 5), (80, 24), (300, 100)] {
        as_text(&shown, columns, lines);
    }
    shown.trouble = Some("it does not answer");
    assert!(as_text(&shown, 100, 40).contains("it does not answer"));
}

#[test]
fn numbers_are_written_for_people() {
    use super::words::{age, bytes, microseconds, number, rate};
    let rate = |thousandths| rate(Some(Rate(thousandths)));
    for (written, expected) in [
        (number(0), "0"),
        (number(999), "999"),
        (number(1_234_567), "1,234,567"),
        (rate(1_449), "1.4"),
        (rate(9_990), "10.0"),
        (rate(46_393_400), "46,393"),
        (bytes(1_023), "1023 B"),
        (bytes(1_536), "1.5 KiB"),
        (bytes(200 << 30), "200 GiB"),
        (microseconds(999), "999 µs"),
        (microseconds(1_285), "1.2 ms"),
        (microseconds(2_500_000), "2.5 s"),
        (age(Duration::from_secs(119)), "119 s"),
        (age(Duration::from_hours(2)), "2 h"),
    ] {
        assert_eq!(written, expected);
    }
}
