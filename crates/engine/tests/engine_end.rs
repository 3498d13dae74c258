//! The end of an engine: the poller is told to let go of every descriptor, whoever began its connection.

use millrace_engine::net::{Interest, NestedEpoll, Poller, Ready};
use millrace_engine::{Engine, EventKind, ServerKind, ServerOptions};
use millrace_testkit::driver::{Driver, dial_to};
use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::RawFd;
use std::rc::Rc;

/// An epoll that keeps a list of what it watches.
struct Listed {
    epoll: NestedEpoll,
    watched: Rc<RefCell<HashSet<RawFd>>>,
}

impl Poller for Listed {
    fn add(&mut self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        self.watched.borrow_mut().insert(fd);
        self.epoll.add(fd, token, interest)
    }

    fn modify(&mut self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        self.epoll.modify(fd, token, interest)
    }

    fn remove(&mut self, fd: RawFd, token: u64) {
        self.watched.borrow_mut().remove(&fd);
        self.epoll.remove(fd, token);
    }

    fn poll(&mut self, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.epoll.poll(ready)
    }

    fn descriptor(&self) -> Option<RawFd> {
        self.epoll.descriptor()
    }
}

#[test]
fn an_engine_that_ends_has_the_poller_let_go_of_connections_that_it_began_and_accepted() {
    let watched: Rc<RefCell<HashSet<RawFd>>> = Rc::default();
    let mut driver = Driver::of(Engine::new(Box::new(Listed {
        epoll: NestedEpoll::new().expect("a descriptor"),
        watched: Rc::clone(&watched),
    })));
    let peer = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let dial = dial_to(&[peer.local_addr().expect("bound")]);
    driver.engine.dial(&dial).expect("begun");
    driver.expect(EventKind::Dialled);
    let (_, addr) = driver.listen(ServerOptions {
        kind: ServerKind::Raw,
        ..Default::default()
    });
    let _client = TcpStream::connect(addr).expect("it listens");
    driver.expect(EventKind::Accepted);
    // And one whose dial is not over.
    driver.engine.dial(&dial).expect("begun");
    assert_eq!(watched.borrow().len(), 4);
    drop(driver);
    assert_eq!(*watched.borrow(), HashSet::new());
}
