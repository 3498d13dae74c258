//! Graceful and forced ends of a server.

use std::net::TcpStream;

use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, Injection, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, OK, answer, echo_target};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn finishes_what_is_in_flight_closes_what_is_idle_and_tells_the_counts() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    let mut busy = Client::send_to(addr, GET);
    let stream = driver.expect(EventKind::Request).stream();
    let mut idle = Client::send_to(addr, GET);
    let other = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, other, b"").unwrap();
    driver.run_until(&mut [&mut idle], |_, clients| clients[0].complete() == 1);
    let mut fresh = Client::connect(addr);
    driver.settle();

    assert!(driver.engine.close_server(server));
    driver.run_until(&mut [&mut idle, &mut fresh], |_, clients| {
        clients.iter().all(|client| client.is_over())
    });
    assert!(idle.ended && fresh.ended && !busy.is_over());
    assert!(TcpStream::connect(addr).is_err(), "still listening");
    answer(&mut driver.engine, stream, b"last").unwrap();
    driver.run_until(&mut [&mut busy], |_, clients| clients[0].is_over());
    assert_eq!(
        (busy.answers(&[])[0].text(), busy.answers(&[])[0].keep_alive, busy.ended),
        ("last".into(), false, true)
    );
    drop(busy);
    let closed = driver.expect(EventKind::ServerClosed);
    assert_eq!((closed.stream(), closed.a, closed.b), (server, 1, 0));
    driver.settle();
    let census = driver.engine.census();
    assert_eq!(
        (census.servers, census.connections, census.streams, census.timers),
        (0, 0, 0, 0)
    );
    assert!(!driver.engine.close_server(server));
}

#[test]
fn serves_all_that_waited_in_the_accept_queue() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut clients: Vec<Client> = (0..200).map(|_| Client::send_to(addr, GET)).collect();
    // Not one turn was made: all of them are in the queue.
    driver.engine.close_server(server);
    let mut all: Vec<&mut Client> = clients.iter_mut().collect();
    driver.run_until(&mut all, |_, clients| clients.iter().all(|client| client.is_over()));
    for client in &clients {
        assert_eq!((client.complete(), client.ended), (1, true), "{:?}", client.broken);
    }
    drop(clients);
    assert_eq!(driver.expect(EventKind::ServerClosed).a, 200);
}

#[test]
fn serves_a_request_that_is_in_the_socket_of_an_idle_connection() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut client = Client::send_to(addr, GET);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    driver.settle();
    client.send(GET);
    driver.engine.close_server(server);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!((client.complete(), client.ended), (2, true));
}

#[test]
fn serves_a_request_that_came_while_an_answer_that_said_keep_alive_was_written() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond_head(stream, &OK).unwrap();
    driver.settle();
    driver.engine.close_server(server);
    driver.settle();
    driver.engine.end(stream, b"", false).unwrap();
    client.send(GET);
    driver.on_event(echo_target);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    let answers = client.answers(&[]);
    assert_eq!(
        answers.iter().map(|answer| answer.keep_alive).collect::<Vec<_>>(),
        [true, false]
    );
    assert!(client.ended);
}

#[test]
fn pipelined_requests_in_flight_are_answered_before_the_end() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, GET.repeat(3));
    let streams: Vec<f64> = (0..3).map(|_| driver.expect(EventKind::Request).stream()).collect();
    driver.engine.close_server(server);
    driver.settle();
    for stream in streams {
        answer(&mut driver.engine, stream, b"").unwrap();
        driver.settle();
    }
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    let kept: Vec<bool> = client.answers(&[]).iter().map(|answer| answer.keep_alive).collect();
    assert_eq!((kept, client.ended), (vec![true, true, false], true));
    drop(client);
    assert_eq!(driver.expect(EventKind::ServerClosed).a, 3);
}

#[test]
fn force_cuts_what_is_left_and_counts_it() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions {
        upgrades: true,
        ..Default::default()
    });
    let mut one = Client::send_to(addr, GET);
    driver.expect(EventKind::Request);
    let mut two = Client::send_to(
        addr,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    );
    driver.expect(EventKind::Upgrade);
    driver.engine.close_server(server);
    driver.settle();
    assert_eq!(driver.count(EventKind::ServerClosed), 0);
    assert!(driver.engine.force_server(server));
    let aborted: Vec<_> = (0..2).map(|_| driver.expect(EventKind::Aborted).code()).collect();
    assert_eq!(aborted, [Some(Code::ServerClosed); 2]);
    let closed = driver.expect(EventKind::ServerClosed);
    assert_eq!((closed.a, closed.b), (0, 2));
    driver.run_until(&mut [&mut one, &mut two], |_, clients| {
        clients.iter().all(|client| client.is_over())
    });
    driver.settle();
    assert_eq!(driver.engine.census().connections, 0);
}

#[test]
fn waits_for_injected_exchanges_and_leaves_other_servers_alone() {
    let mut driver = Driver::new();
    let (server, _) = driver.listen(ServerOptions::default());
    let (_, other) = driver.listen(ServerOptions::default());
    let injection = Injection {
        method: b"GET",
        target: b"/",
        block: b"Host\0a\0",
        body: None,
    };
    driver.engine.inject(server, &injection).unwrap();
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.close_server(server);
    driver.settle();
    assert_eq!(driver.count(EventKind::ServerClosed), 0);
    answer(&mut driver.engine, stream, b"in").unwrap();
    driver.run_until(&mut [], |driver, _| {
        driver.count(EventKind::ServerClosed) + driver.count(EventKind::Injected) == 2
    });
    driver.on_event(echo_target);
    let mut client = Client::send_to(other, GET);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
}

#[test]
fn a_long_answer_is_finished_by_a_closing_server() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    let body = vec![b'x'; 4 << 20];
    driver.engine.respond(stream, &OK, Chunk::Bytes(&body), true).unwrap();
    driver.settle();
    driver.engine.close_server(server);
    driver.settle();
    client.reading = true;
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!((client.answers(&[])[0].body.len(), client.ended), (body.len(), true));
}

#[test]
fn dropping_an_engine_closes_everything() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, GET);
    driver.expect(EventKind::Request);
    drop(driver);
    while !client.is_over() {
        client.exchange();
    }
    assert!(TcpStream::connect(addr).is_err());
}
