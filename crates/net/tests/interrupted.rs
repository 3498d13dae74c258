//! Every call that this crate makes, each made to fail with EINTR at every other time by strace.
//!
//! Signals alone show little here: the calls do not block, so the kernel has no reason to interrupt them. strace puts the
//! error in the place of the call, which makes the wrapper repeat it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{IoSlice, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;

use millrace_net::socket::{
    accept, listen_tcp, local_addr, peer_addr, recv, send, send_before_more, send_file, send_vectored, set_linger_zero,
    set_nodelay, shutdown_write, take_error,
};
use millrace_net::{Interest, ListenTcp, NestedEpoll, Poller};

/// Where a run under strace says which descriptors it closed.
const REPORT: &str = "MILLRACE_INTERRUPTED_REPORT";
const CALLS: [&str; 10] = [
    "accept4",
    "recvfrom",
    "sendto",
    "sendmsg",
    "sendfile",
    "shutdown",
    "getsockopt",
    "getsockname",
    "getpeername",
    "epoll_ctl",
];
/// The first of them is that of `listen_tcp`, by another crate that does not repeat it: setting an option waits for
/// nothing that a signal could interrupt.
const OPTIONS: &str = "setsockopt";
/// What the C library makes of `epoll_wait` differs between architectures.
const WAITS: [&str; 2] = ["epoll_wait", "epoll_pwait"];

/// How many connections a run makes, and from which close on they are interrupted: those of the loader, which ends the
/// program when one fails, come before.
const ROUNDS: usize = 16;
const FIRST_CLOSE: &str = "16+";

/// Uses each wrapper over real connections; answers with the descriptors of the last four of them and the listener's,
/// which are closed by then.
fn use_every_call() -> Vec<i32> {
    let options = ListenTcp {
        addr: ([127, 0, 0, 1], 0).into(),
        backlog: 16,
        reuse_port: false,
        ipv6_only: false,
    };
    let listener = listen_tcp(&options).expect("a listener");
    let addr = local_addr(listener.as_raw_fd())
        .expect("a name")
        .addr()
        .expect("an address");
    let mut poller = NestedEpoll::new().expect("a poller");
    poller
        .add(listener.as_raw_fd(), 1, Interest::READ)
        .expect("it can be watched");
    let file = File::open("/proc/self/exe").expect("our own program");
    let mut closed = Vec::new();
    for round in 0..ROUNDS {
        let mut client = TcpStream::connect(addr).expect("somebody listens");
        let mut ready = Vec::new();
        while ready.is_empty() {
            poller.poll(&mut ready).expect("a poller");
        }
        let accepted = accept(listener.as_raw_fd()).expect("one waits");
        let fd = accepted.fd.as_raw_fd();
        set_nodelay(fd, true).expect("a TCP socket");
        assert_eq!(peer_addr(fd).expect("a peer"), accepted.peer);
        assert!(take_error(fd).expect("a socket").is_none());
        assert_eq!(send(fd, b"one").expect("room"), 3);
        assert_eq!(
            send_vectored(fd, &[IoSlice::new(b"two"), IoSlice::new(b"!")]).expect("room"),
            4
        );
        assert_eq!(send_before_more(fd, &[IoSlice::new(b"three")]).expect("room"), 5);
        assert_eq!(send_file(fd, file.as_raw_fd(), 0, 4).expect("room"), 4);
        client.write_all(b"x").expect("the other end");
        let mut buffer = [0; 8];
        while recv(fd, &mut buffer).is_err() {}
        shutdown_write(fd).expect("it is connected");
        set_linger_zero(fd).expect("a socket");
        if round >= ROUNDS - 4 {
            closed.push(fd);
        }
    }
    closed.push(listener.as_raw_fd());
    closed
}

#[test]
fn an_interrupted_call_is_made_again_and_a_close_never_is() {
    if let Some(report) = std::env::var_os(REPORT) {
        let closed = use_every_call();
        let text: Vec<String> = closed.iter().map(i32::to_string).collect();
        fs::write(report, text.join(" ")).expect("the report can be written");
        return;
    }
    let folder = std::env::temp_dir().join(format!("millrace-interrupted-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    under_strace(&folder);
    fs::remove_dir_all(&folder).expect("our own folder");
}

fn under_strace(folder: &Path) {
    let (log, report) = (folder.join("log"), folder.join("report"));
    let inject = |calls: &[&str], when: &str| format!("inject={}:error=EINTR:when={when}", calls.join(","));
    let run = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        // Every other call of each.
        .args([
            "-e",
            &inject(&CALLS, "1+2"),
            "-e",
            &inject(&["?epoll_wait", "epoll_pwait"], "1+2"),
        ])
        .args(["-e", &inject(&[OPTIONS], "2+2")])
        // Each of them: a close that is interrupted has happened or not, and the number may be another thread's by now.
        .args(["-e", &inject(&["close"], FIRST_CLOSE)])
        .arg(std::env::current_exe().expect("this test"))
        .args([
            "--exact",
            "an_interrupted_call_is_made_again_and_a_close_never_is",
            "--test-threads",
            "1",
        ])
        .env(REPORT, &report)
        // Under AddressSanitizer: its search for leaks cannot be traced.
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .output();
    let output = match run {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: strace cannot be started: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("PTRACE") || said.contains("Operation not permitted") {
        return eprintln!("skipped: strace may not trace here: {said}");
    }
    assert!(
        output.status.success(),
        "{}\n{said}",
        String::from_utf8_lossy(&output.stdout)
    );

    let log = fs::read_to_string(log).expect("strace wrote it");
    let injected = |call: &str| {
        log.lines()
            .filter(|line| line.contains(&format!(" {call}(")) && line.ends_with("(INJECTED)"))
            .count()
    };
    for call in CALLS.into_iter().chain([OPTIONS]) {
        assert!(injected(call) > 0, "{call} was never interrupted:\n{log}");
    }
    assert!(WAITS.iter().any(|call| injected(call) > 0), "{log}");

    // An injected close did not happen, so from the first of them on no number was used twice.
    let mut closes: HashMap<&str, usize> = HashMap::new();
    let calls = log.lines().filter_map(|line| line.split_once(" close("));
    for (_, call) in calls.skip_while(|(_, call)| !call.ends_with("(INJECTED)")) {
        *closes.entry(call.split(')').next().unwrap_or_default()).or_default() += 1;
    }
    let report = fs::read_to_string(report).expect("the run wrote it");
    for number in report.split(' ') {
        assert_eq!(closes.get(number), Some(&1), "close({number}):\n{log}");
    }
}
