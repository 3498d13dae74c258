//! The nested epoll poller over socket pairs.

use std::os::fd::{AsRawFd, OwnedFd};

use millrace_net::socket::{recv, send, set_linger_zero, shutdown_write, socket_pair};
use millrace_net::{Interest, NestedEpoll, Poller, Ready, ReadyFlags};

fn poller() -> NestedEpoll {
    NestedEpoll::new().expect("an epoll descriptor")
}

fn pair() -> (OwnedFd, OwnedFd) {
    socket_pair().expect("a pair")
}

fn ready(poller: &mut impl Poller) -> Vec<Ready> {
    let mut ready = Vec::new();
    poller.poll(&mut ready).expect("it can be polled");
    ready.sort_by_key(|ready| ready.token);
    ready
}

const fn one(token: u64, flags: ReadyFlags) -> [Ready; 1] {
    [Ready { token, flags }]
}

#[test]
fn yields_the_token_of_what_can_be_read_until_it_was_read() {
    let (mut poller, (near, far)) = (poller(), pair());
    poller
        .add(near.as_raw_fd(), u64::MAX, Interest::READ)
        .expect("a socket");
    assert_eq!(ready(&mut poller), []);
    send(far.as_raw_fd(), b"x").expect("room");
    assert_eq!(ready(&mut poller), one(u64::MAX, ReadyFlags::READABLE));
    assert_eq!(ready(&mut poller), one(u64::MAX, ReadyFlags::READABLE));
    recv(near.as_raw_fd(), &mut [0; 8]).expect("bytes");
    assert_eq!(ready(&mut poller), []);
}

#[test]
fn appends_to_what_is_there() {
    let (mut poller, (near, _far)) = (poller(), pair());
    poller.add(near.as_raw_fd(), 2, Interest::WRITE).expect("a socket");
    let mut both = one(1, ReadyFlags::CLOSED).to_vec();
    poller.poll(&mut both).expect("it can be polled");
    assert_eq!(
        both,
        [one(1, ReadyFlags::CLOSED), one(2, ReadyFlags::WRITABLE)].concat()
    );
}

#[test]
fn modify_replaces_token_and_interest() {
    let (mut poller, (near, far)) = (poller(), pair());
    send(far.as_raw_fd(), b"x").expect("room");
    poller.add(near.as_raw_fd(), 1, Interest::NONE).expect("a socket");
    assert_eq!(ready(&mut poller), []);
    poller
        .modify(near.as_raw_fd(), 2, Interest::READ | Interest::WRITE)
        .expect("watched");
    assert_eq!(ready(&mut poller), one(2, ReadyFlags::READABLE | ReadyFlags::WRITABLE));
}

#[test]
fn a_paused_connection_still_shows_that_the_peer_left() {
    let (mut poller, (near, far)) = (poller(), pair());
    send(far.as_raw_fd(), b"unread").expect("room");
    poller.add(near.as_raw_fd(), 1, Interest::HANGUP).expect("a socket");
    assert_eq!(ready(&mut poller), []);
    shutdown_write(far.as_raw_fd()).expect("connected");
    assert_eq!(ready(&mut poller), one(1, ReadyFlags::HANGUP));
    poller.modify(near.as_raw_fd(), 1, Interest::NONE).expect("watched");
    assert_eq!(ready(&mut poller), []);
}

#[test]
fn a_closed_peer_is_reported_whatever_was_asked_for() {
    let (mut poller, (near, far)) = (poller(), pair());
    poller.add(near.as_raw_fd(), 1, Interest::NONE).expect("a socket");
    set_linger_zero(far.as_raw_fd()).expect("a socket");
    drop(far);
    assert!(matches!(ready(&mut poller)[..], [Ready { token: 1, flags }] if flags.is_closed()));
}

#[test]
fn a_removed_descriptor_is_silent_and_removing_twice_is_no_error() {
    let (mut poller, (near, far)) = (poller(), pair());
    send(far.as_raw_fd(), b"x").expect("room");
    poller.add(near.as_raw_fd(), 1, Interest::READ).expect("a socket");
    poller.remove(near.as_raw_fd(), 1);
    poller.remove(near.as_raw_fd(), 1);
    assert_eq!(ready(&mut poller), []);
    poller
        .add(near.as_raw_fd(), 1, Interest::READ)
        .expect("it can be added again");
}

#[test]
fn watching_twice_or_changing_what_is_not_watched_is_an_error() {
    let (mut poller, (near, far)) = (poller(), pair());
    poller.add(near.as_raw_fd(), 1, Interest::READ).expect("a socket");
    assert!(poller.add(near.as_raw_fd(), 2, Interest::READ).is_err());
    assert!(poller.modify(far.as_raw_fd(), 1, Interest::READ).is_err());
    assert!(poller.add(-1, 1, Interest::READ).is_err());
}

#[test]
fn many_ready_descriptors_come_in_bounded_batches_and_none_is_forgotten() {
    let mut poller = poller();
    let pairs: Vec<_> = (0..150).map(|_| pair()).collect();
    for (token, fd) in pairs.iter().flat_map(|(one, two)| [one, two]).enumerate() {
        poller
            .add(fd.as_raw_fd(), token as u64, Interest::WRITE)
            .expect("a socket");
    }
    let mut all = ready(&mut poller);
    assert_eq!(all.len(), 256);
    // Level-triggered: the kernel puts what it reported behind the rest.
    all.extend(ready(&mut poller));
    all.sort_by_key(|ready| ready.token);
    all.dedup();
    assert_eq!(all.len(), 300);
}

#[test]
fn its_own_descriptor_is_readable_while_something_is_ready() {
    let (mut outer, mut inner, (near, far)) = (poller(), poller(), pair());
    inner.add(near.as_raw_fd(), 1, Interest::READ).expect("a socket");
    let descriptor = inner.descriptor().expect("it can be watched");
    outer
        .add(descriptor, 7, Interest::READ)
        .expect("a poller can be watched");
    assert_eq!(ready(&mut outer), []);
    send(far.as_raw_fd(), b"x").expect("room");
    assert_eq!(ready(&mut outer), one(7, ReadyFlags::READABLE));
    recv(near.as_raw_fd(), &mut [0; 8]).expect("bytes");
    assert_eq!(ready(&mut outer), []);
}
