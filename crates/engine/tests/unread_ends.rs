//! The end of a peer whose tunnel nobody reads.

use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind};
use millrace_testkit::driver::Driver;

#[test]
fn an_end_with_nothing_before_it_is_told_although_nobody_reads() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    client.finish();
    assert_eq!(driver.expect(EventKind::BodyEnd).stream(), stream);
    // Our side is not over, and whoever reads late gets no second end.
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    assert_eq!(driver.events.len(), 0);
    driver.engine.write(stream, Chunk::Bytes(b"bye")).unwrap();
    driver.engine.end(stream, b"", true).unwrap();
    driver.expect(EventKind::Finished);
    driver.assert_no_connection_left();
}

#[test]
fn a_connection_whose_sides_have_both_ended_closes_although_nobody_reads() {
    for ours_first in [true, false] {
        let (mut driver, mut client, stream) = Driver::with_tunnel();
        if ours_first {
            driver.engine.end(stream, b"", true).unwrap();
            driver.expect(EventKind::Finished);
            client.finish();
            driver.expect(EventKind::BodyEnd);
        } else {
            client.finish();
            driver.expect(EventKind::BodyEnd);
            driver.engine.end(stream, b"", true).unwrap();
            driver.expect(EventKind::Finished);
        }
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        assert_eq!(driver.count(EventKind::Aborted), 0);
        driver.assert_no_connection_left();
    }
}

#[test]
fn an_end_behind_bytes_waits_until_they_are_read_and_none_is_lost() {
    for granted in [3.0, 1_000.0] {
        let (mut driver, mut client, stream) = Driver::with_tunnel();
        client.send("unread");
        client.finish();
        driver.quiet(&mut [&mut client]);
        assert_eq!(driver.events.len(), 0);
        driver.engine.grant(stream, granted).unwrap();
        let mut had = driver.expect(EventKind::Body).value;
        driver.engine.grant(stream, 1_000.0).unwrap();
        driver.expect(EventKind::BodyEnd);
        had.extend(driver.events.drain(..).flat_map(|event| event.value));
        assert_eq!(had, b"unread");
        driver.engine.destroy(stream);
        driver.assert_no_connection_left();
    }
}

#[test]
fn an_end_is_told_to_a_reader_that_has_stopped() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    driver.engine.grant(stream, 4.0).unwrap();
    client.send("read");
    assert_eq!(driver.expect(EventKind::Body).value, b"read");
    driver.settle();
    client.finish();
    driver.expect(EventKind::BodyEnd);
    driver.engine.destroy(stream);
    driver.assert_no_connection_left();
}

#[test]
fn a_reset_is_told_although_nobody_reads_also_behind_bytes() {
    for said in [&b""[..], b"unread"] {
        let (mut driver, mut client, stream) = Driver::with_tunnel();
        client.send(said);
        driver.quiet(&mut [&mut client]);
        client.reset();
        let aborted = driver.expect(EventKind::Aborted);
        assert_eq!(
            (aborted.stream(), aborted.code()),
            (stream, Some(Code::ConnectionReset))
        );
        driver.assert_no_connection_left();
    }
}
