//! The load generator, against a server of a few lines: benchmarks are only as right as it is.

#![cfg(test)]

#[path = "support/load.rs"]
mod load;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use load::{Until, drive, parse};

/// Answers `GET /N` with the `N`th of `answers`; an empty one closes the connection.
fn server(answers: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || serve(&stream, answers));
        }
    });
    address
}

fn serve(mut stream: &TcpStream, answers: &[&str]) {
    for line in BufReader::new(stream).lines() {
        let Some(path) = line.unwrap().strip_prefix("GET /").map(str::to_owned) else {
            continue;
        };
        let answer = answers[path.split(' ').next().unwrap().parse::<usize>().unwrap()];
        if answer.is_empty() {
            return;
        }
        // In two parts, as a network may deliver it.
        let (first, second) = answer.split_at(answer.len() / 2);
        stream.write_all(first.as_bytes()).unwrap();
        stream.write_all(second.as_bytes()).unwrap();
    }
}

fn get(index: u64, buffer: &mut Vec<u8>) {
    write!(buffer, "GET /{index} HTTP/1.1\r\n\r\n").unwrap();
}

#[test]
fn each_request_is_sent_once_and_its_status_counted() {
    let address = server(&[
        "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ]);
    let report = drive(address, 2, Until::Requests(3), get).unwrap();
    assert_eq!(report.statuses, BTreeMap::from([(201, 2), (204, 1)]));
    assert_eq!((report.responses(), report.broken), (3, 0));
    assert!(report.percentile_us(50) <= report.percentile_us(99));
    assert!(report.percentile_us(99) > 0);
}

#[test]
fn a_connection_that_breaks_is_counted_and_left() {
    let address = server(&["", "SMTP 1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nand more"]);
    let report = drive(address, 3, Until::Requests(3), get).unwrap();
    assert_eq!((report.responses(), report.broken), (0, 3));
    assert_eq!((report.percentile_us(50), report.per_second()), (0, 0));
}

#[test]
fn it_stops_when_the_time_is_over_and_tells_the_rate() {
    let address = server(&["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]);
    let length = Duration::from_millis(50);
    let first = |_, buffer: &mut Vec<u8>| get(0, buffer);
    let report = drive(address, 4, Until::Elapsed(length), first).unwrap();
    assert!(report.elapsed >= length, "{report:?}");
    let seconds_20 = report.responses() * 20;
    assert!(report.per_second() <= seconds_20, "{report:?}");
    assert!(report.per_second() > 0, "{report:?}");
}

#[test]
fn a_response_ends_where_its_head_says() {
    let check = |text: &str, length: Option<usize>| {
        let whole = parse(text.as_bytes()).unwrap();
        assert_eq!(whole.map(|(_, length)| length), length, "{text:?}");
        for part in 0..length.unwrap_or(0) {
            assert_eq!(parse(&text.as_bytes()[..part]).unwrap(), None, "{text:?}");
        }
    };
    check(
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcHTTP",
        Some(41),
    );
    check("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab", None);
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = "A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n";
    let whole = format!("{chunked}{body}");
    check(&whole, Some(whole.len()));
    for wrong in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 2\r\n\r\n"] {
        assert!(parse(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
    let endless = format!("{chunked}FFFFFFFFFFFF\r\n");
    assert!(parse(endless.as_bytes()).is_err());
}
