//! Descriptors: none is left behind, none is inherited, and running out of them is survived.
//!
//! A test binary of its own with one test per process, for both count what the whole process holds.

use std::fs::{self, File};
use std::io::Read;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::Duration;

use millrace_net::socket::{accept, listen_tcp, listen_unix, local_addr, socket_pair};
use millrace_net::{AcceptError, Interest, ListenTcp, NestedEpoll, Poller, Spare};

/// Tells a copy of this program which part to play.
const PART: &str = "MILLRACE_DESCRIPTORS_TEST";

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("procfs").count()
}

fn listener() -> (OwnedFd, std::net::SocketAddr) {
    let addr = "127.0.0.1:0".parse().expect("an address");
    let options = ListenTcp {
        addr,
        backlog: 64,
        reuse_port: false,
        ipv6_only: false,
    };
    let listener = listen_tcp(&options).expect("a loopback listener");
    let addr = local_addr(listener.as_raw_fd())
        .expect("a name")
        .addr()
        .expect("an address");
    (listener, addr)
}

fn use_everything_once(round: usize) {
    let (listener, addr) = listener();
    let _client = TcpStream::connect(addr).expect("connects");
    let accepted = loop {
        match accept(listener.as_raw_fd()) {
            Ok(accepted) => break accepted,
            Err(AcceptError::WouldBlock) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    };
    let mut poller = NestedEpoll::new().expect("an epoll descriptor");
    poller
        .add(accepted.fd.as_raw_fd(), 1, Interest::READ)
        .expect("a socket");
    let (_one, _two) = socket_pair().expect("a pair");
    let name = format!("\0millrace-{}-descriptors-{round}", std::process::id());
    let _unix = listen_unix(&name, 1).expect("a listener");
    assert!(listen_unix(&name, 1).is_err());
    assert!(!Spare::new().refuse_one(listener.as_raw_fd(), b""));
    if round == 0 {
        every_socket_and_poller_is_close_on_exec();
    }
}

/// What a child process would inherit: no socket and no epoll descriptor.
fn every_socket_and_poller_is_close_on_exec() {
    let mut seen = 0;
    for entry in fs::read_dir("/proc/self/fd").expect("procfs") {
        let fd = entry.expect("an entry").file_name().into_string().expect("digits");
        // The descriptor of the folder itself is gone when it is looked at.
        let Ok(target) = fs::read_link(format!("/proc/self/fd/{fd}")) else {
            continue;
        };
        let target = target.to_string_lossy().into_owned();
        // Standard input and output belong to whoever started the test and may be sockets.
        if fd.len() == 1 && fd.as_str() <= "2" || !(target.starts_with("socket:") || target.contains("eventpoll")) {
            continue;
        }
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).expect("procfs");
        let flags = info
            .lines()
            .find_map(|line| line.strip_prefix("flags:"))
            .expect("flags");
        let flags = i32::from_str_radix(flags.trim(), 8).expect("octal");
        assert!(flags & libc::O_CLOEXEC != 0, "{fd} is {target}");
        seen += 1;
    }
    assert!(seen >= 6, "{seen} descriptors were looked at");
}

/// With the limit of descriptors reached: says so, refuses by the spare, and goes on when there are some again.
fn run_out_of_descriptors() {
    let (listener, addr) = listener();
    let fd = listener.as_raw_fd();
    let mut spare = Spare::new();
    let mut clients: Vec<_> = (0..3).map(|_| TcpStream::connect(addr).expect("connects")).collect();
    let mut hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(matches!(accept(fd), Err(AcceptError::Exhausted(_))));
    assert!(spare.refuse_one(fd, b"busy") && spare.refuse_one(fd, b"") && spare.is_held());
    for (client, told) in clients.drain(..2).zip(["busy", ""]) {
        client.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
        let mut answer = String::new();
        (&client).read_to_string(&mut answer).expect("the end");
        assert_eq!(answer, told);
        // What closing it frees is hoarded, or there would be descriptors again.
        drop(client);
        hoard.extend(File::open("/dev/null"));
    }
    assert!(matches!(accept(fd), Err(AcceptError::Exhausted(_))));
    hoard.clear();
    accept(fd).expect("the third was not refused");
}

#[test]
fn no_descriptor_is_left_or_inherited_and_running_out_of_them_is_survived() {
    if std::env::var_os(PART).is_some() {
        return run_out_of_descriptors();
    }
    let before = open_descriptors();
    (0..20).for_each(use_everything_once);
    assert_eq!(open_descriptors(), before);

    let program = std::env::current_exe().expect("a path");
    let output = Command::new("sh")
        .args(["-c", r#"ulimit -n 40 && exec "$0" --nocapture"#])
        .arg(program)
        .env(PART, "1")
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
