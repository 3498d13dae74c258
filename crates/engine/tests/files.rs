//! Bodies that are parts of files: whole, in order among others, and cut where the file is.

use millrace_engine::{Chunk, EventKind, ServerOptions};
use millrace_error::Code;
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, OK, answer};
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes none of which are mistaken for their neighbours.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8 ^ (i / 251) as u8).collect()
}

/// A file with this content, open for reading and writing, that nobody else can open.
fn file(content: &[u8]) -> File {
    static MADE: AtomicU32 = AtomicU32::new(0);
    named_file(&format!("body-{}", MADE.fetch_add(1, Ordering::Relaxed)), content)
}

fn named_file(name: &str, content: &[u8]) -> File {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file
}

fn part(content: &[u8], offset: u64, len: usize) -> Chunk<'static> {
    Chunk::File {
        file: file(content),
        offset,
        len,
    }
}

/// Whether some descriptor of this process still is that file.
fn is_open(name: &str) -> bool {
    let links = std::fs::read_dir("/proc/self/fd").unwrap();
    links
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .any(|link| link.to_string_lossy().contains(name))
}

#[test]
fn a_part_of_a_file_arrives_byte_for_byte() {
    let content = pattern(5_000_000);
    for (offset, len) in [(0, 5_000_000), (1, 1), (4_999_999, 1), (77, 3_000_001), (5, 0)] {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions::default());
        let mut client = Client::send_to(addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let stream = driver.expect(EventKind::Request).stream();
        driver
            .engine
            .respond(stream, &OK, part(&content, offset, len), true)
            .unwrap();
        driver.expect_with(EventKind::Finished, &mut [&mut client]);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
        let answers = client.answers(&[]);
        assert_eq!(answers[0].field("content-length"), Some(len.to_string()));
        let from = offset as usize;
        assert!(answers[0].body == content[from..from + len], "{offset} {len}");
    }
}

#[test]
fn files_keep_their_turn_among_pipelined_answers() {
    let content = pattern(300_000);
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(4));
    let streams: Vec<f64> = (0..4).map(|_| driver.expect(EventKind::Request).stream()).collect();
    driver
        .engine
        .respond(streams[3], &OK, part(&content, 2, 9), false)
        .unwrap();
    driver
        .engine
        .respond(streams[1], &OK, part(&content, 0, 300_000), false)
        .unwrap();
    answer(&mut driver.engine, streams[2], b"between").unwrap();
    answer(&mut driver.engine, streams[0], b"first").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 4);
    let answers = client.answers(&[]);
    assert_eq!(answers[0].text(), "first");
    assert!(answers[1].body == content);
    assert_eq!(answers[2].text(), "between");
    assert_eq!(answers[3].body, &content[2..11]);
}

#[test]
fn a_file_that_became_shorter_cuts_the_answer_and_never_completes_it() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    let file = file(&pattern(100_000));
    file.set_len(60_000).unwrap();
    let body = Chunk::File {
        file,
        offset: 0,
        len: 100_000,
    };
    driver.engine.respond(stream, &OK, body, true).unwrap();
    let aborted = driver.expect_with(EventKind::Aborted, &mut [&mut client]);
    assert_eq!(aborted.code(), Some(Code::FileTruncated));
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!(client.complete(), 0);
}

#[test]
fn a_reader_that_stops_and_one_that_leaves_cost_no_descriptor() {
    let content = pattern(8_000_000);
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    for leaves in [false, true] {
        let mut client = Client::connect_narrow(addr, 4096);
        client.reading = false;
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let stream = driver.expect(EventKind::Request).stream();
        let body = Chunk::File {
            file: named_file("kept-or-left", &content),
            offset: 0,
            len: content.len(),
        };
        driver.engine.respond(stream, &OK, body, true).unwrap();
        driver.settle();
        assert!(is_open("kept-or-left"));
        assert_eq!(driver.count(EventKind::Finished), 0);
        if leaves {
            client.reset();
            driver.expect(EventKind::Aborted);
        } else {
            client.reading = true;
            driver.expect_with(EventKind::Finished, &mut [&mut client]);
            driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
            assert!(client.answers(&[])[0].body == content);
        }
        assert!(!is_open("kept-or-left"), "leaves: {leaves}");
    }
}

#[test]
fn a_large_file_to_a_fast_reader_lets_others_in_between() {
    let content = pattern(40_000_000);
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut large = Client::send_to(addr, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver
        .engine
        .respond(stream, &OK, part(&content, 0, 40_000_000), true)
        .unwrap();
    let mut small = Client::send_to(addr, "GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
    driver.on_event(|engine, _, event| {
        if event.kind == EventKind::Request {
            answer(engine, event.stream(), b"small").unwrap();
        }
    });
    driver.run_until(&mut [&mut large, &mut small], |_, clients| clients[1].complete() == 1);
    assert_eq!(large.complete(), 0, "the small answer waited for the large one");
    driver.run_until(&mut [&mut large], |_, clients| clients[0].complete() == 1);
    assert!(large.answers(&[])[0].body == content);
}

#[test]
fn head_requests_and_chunked_bodies_take_files_too() {
    let content = pattern(70_000);
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver
        .engine
        .respond(stream, &OK, part(&content, 0, 70_000), false)
        .unwrap();
    driver.run_until(&mut [&mut client], |_, clients| !clients[0].answers(&[0]).is_empty());
    assert_eq!(client.answers(&[0])[0].field("content-length"), Some("70000".into()));

    let mut client = Client::send_to(addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond_head(stream, &OK).unwrap();
    driver.engine.write(stream, Chunk::Bytes(b"before ")).unwrap();
    driver.engine.write(stream, part(&content, 0, 70_000)).unwrap();
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    let body = &client.answers(&[])[0].body;
    assert!(body.starts_with(b"before ") && body[7..] == content);
}
