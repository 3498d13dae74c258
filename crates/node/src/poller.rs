//! `UvPoll`: one `uv_poll_t` per socket, for systems where a poller nested in libuv's is not to be trusted.
//!
//! The callbacks only note readiness; the wake runs in `uv_check_t`, so batching is the same as with `NestedEpoll`.
//! libuv reports an unread socket on every turn, so each socket is noted once until it is taken.

use crate::uv::{DISCONNECT, Handle, Kind, Loop, PRIORITIZED, READABLE, Uv, WRITABLE};
use millrace_engine::net::{Interest, Poller, Ready, ReadyFlags};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_int;
use std::io;
use std::os::fd::RawFd;
use std::rc::Rc;

/// A function to call when all handles are closed, with its argument.
type Done = (unsafe fn(*mut std::ffi::c_void), *mut std::ffi::c_void);

/// What the callbacks note, and how many handles are closing.
#[derive(Default)]
pub struct Noted {
    ready: RefCell<Vec<Ready>>,
    /// The handles of those, which are looked at again when they are taken; one that is removed leaves the list.
    handles: RefCell<Vec<Handle>>,
    /// Handles whose close callback has not run; the environment waits for them.
    pub open: Cell<usize>,
    /// Called when the last handle is closed, once the environment closes.
    pub on_closed: Cell<Option<Done>>,
}

impl Noted {
    /// Whether any socket waits to be looked at.
    pub fn any(&self) -> bool {
        !self.ready.borrow().is_empty()
    }
}

struct Socket {
    fd: RawFd,
    /// The peer has sent urgent data: to be watched for those, and so for errors alone, would be told for ever.
    urgent: Cell<bool>,
    token: Cell<u64>,
    queued: Cell<bool>,
    interest: Cell<Interest>,
    /// libuv has stopped the handle because of an error on the socket.
    stopped: Cell<bool>,
    noted: Rc<Noted>,
}

/// See the module.
pub struct UvPoll {
    uv: Rc<Uv>,
    event_loop: Loop,
    noted: Rc<Noted>,
    sockets: HashMap<RawFd, Handle>,
}

impl UvPoll {
    pub fn new(uv: Rc<Uv>, event_loop: Loop, noted: Rc<Noted>) -> Self {
        Self {
            uv,
            event_loop,
            noted,
            sockets: HashMap::new(),
        }
    }

    fn socket(&self, handle: Handle) -> &Socket {
        // SAFETY: every handle in the table carries a `Socket` that lives until its close callback.
        unsafe { &*(self.uv.handle_get_data)(handle).cast::<Socket>() }
    }

    fn start(&self, handle: Handle, interest: Interest) -> io::Result<()> {
        let mut events = 0;
        if interest.contains(Interest::READ) {
            events |= READABLE;
        }
        if interest.contains(Interest::WRITE) {
            events |= WRITABLE;
        }
        if interest.contains(Interest::HANGUP) {
            events |= DISCONNECT;
        }
        // Without events libuv reports nothing, not even errors. Linux tells errors and that both directions are shut
        // whatever is asked of it, and with urgent data nothing else is: so much is heard of a socket that nobody reads.
        if cfg!(target_os = "linux") && events == 0 && !self.socket(handle).urgent.get() {
            events = PRIORITIZED;
        }
        // SAFETY: the handle is initialised and not closing.
        let status = unsafe {
            if events == 0 {
                (self.uv.poll_stop)(handle)
            } else {
                (self.uv.poll_start)(handle, events, on_ready)
            }
        };
        if status < 0 {
            Err(io::Error::from_raw_os_error(-status))
        } else {
            Ok(())
        }
    }
}

impl Poller for UvPoll {
    fn add(&mut self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        let handle = self.uv.allocate(Kind::Poll);
        // SAFETY: fresh memory of the size that libuv asked for; the descriptor is open.
        let status = unsafe { (self.uv.poll_init)(self.event_loop, handle, fd) };
        if status < 0 {
            // SAFETY: it was not initialised.
            unsafe { Uv::free(handle) };
            return Err(io::Error::from_raw_os_error(-status));
        }
        let socket = Box::new(Socket {
            fd,
            urgent: Cell::new(false),
            token: Cell::new(token),
            queued: Cell::new(false),
            interest: Cell::new(interest),
            stopped: Cell::new(false),
            noted: Rc::clone(&self.noted),
        });
        // SAFETY: the handle is initialised; the box is taken back in the close callback.
        unsafe {
            (self.uv.handle_set_data)(handle, Box::into_raw(socket).cast());
            (self.uv.unref)(handle);
        }
        self.noted.open.set(self.noted.open.get() + 1);
        self.sockets.insert(fd, handle);
        self.start(handle, interest).inspect_err(|_| self.remove(fd, token))
    }

    fn modify(&mut self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        let Some(handle) = self.sockets.get(&fd).copied() else {
            return Err(io::Error::from_raw_os_error(libc::ENOENT));
        };
        let socket = self.socket(handle);
        socket.token.set(token);
        socket.interest.set(interest);
        socket.stopped.set(false);
        self.start(handle, interest)
    }

    fn remove(&mut self, fd: RawFd, _token: u64) {
        let Some(handle) = self.sockets.remove(&fd) else { return };
        self.noted.handles.borrow_mut().retain(|noted| *noted != handle);
        // SAFETY: stopped before the descriptor is closed, then closed once: it has left the table.
        unsafe {
            (self.uv.poll_stop)(handle);
            CLOSING_GET_DATA.with(|get| get.set(Some(self.uv.handle_get_data)));
            (self.uv.close)(handle, Some(on_closed));
        }
    }

    fn poll(&mut self, ready: &mut Vec<Ready>) -> io::Result<()> {
        for handle in self.noted.handles.borrow_mut().drain(..) {
            let socket = self.socket(handle);
            socket.queued.set(false);
            // Level-triggered: an error that is not dealt with is reported again.
            if socket.stopped.replace(false) {
                let _restarted = self.start(handle, socket.interest.get());
            }
        }
        ready.append(&mut self.noted.ready.borrow_mut());
        Ok(())
    }

    fn descriptor(&self) -> Option<RawFd> {
        None
    }
}

thread_local! {
    /// `uv_handle_get_data` for the close callback, which gets the handle alone. The same function for every
    /// environment of the process, so it does not matter which one set it.
    static CLOSING_GET_DATA: Cell<Option<unsafe extern "C" fn(Handle) -> *mut std::ffi::c_void>> = const { Cell::new(None) };
}

unsafe extern "C" fn on_ready(handle: Handle, status: c_int, events: c_int) {
    let Some(get_data) = CLOSING_GET_DATA.with(Cell::get).or_else(get_data_symbol) else {
        return;
    };
    // SAFETY: the handle carries a `Socket` until its close callback.
    let socket = unsafe { &*get_data(handle).cast::<Socket>() };
    if events & PRIORITIZED != 0 && status >= 0 && !is_over(socket.fd) {
        socket.urgent.set(true);
        if let Ok(uv) = Uv::load() {
            // SAFETY: the handle is open; it is started again when another interest is set.
            unsafe { (uv.poll_stop)(handle) };
        }
        return;
    }
    // An error is told once: libuv has stopped the handle, so it must not be taken for one that is noted already.
    if socket.queued.replace(true) && status >= 0 {
        return;
    }
    let mut flags = ReadyFlags::NONE;
    if status < 0 {
        socket.stopped.set(true);
        flags = flags | ReadyFlags::CLOSED | ReadyFlags::READABLE;
    }
    if events & READABLE != 0 {
        flags = flags | ReadyFlags::READABLE;
    }
    if events & WRITABLE != 0 {
        flags = flags | ReadyFlags::WRITABLE;
    }
    if events & PRIORITIZED != 0 {
        flags = flags | ReadyFlags::CLOSED;
    }
    if events & DISCONNECT != 0 {
        flags = flags | ReadyFlags::HANGUP;
    }
    if let Ok(mut handles) = socket.noted.handles.try_borrow_mut() {
        handles.push(handle);
    }
    if let Ok(mut ready) = socket.noted.ready.try_borrow_mut() {
        ready.push(Ready {
            token: socket.token.get(),
            flags,
        });
    }
}

/// Whether the system says of a socket that it has failed, or that both of its directions are shut.
fn is_over(fd: RawFd) -> bool {
    let mut poll = libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    };
    // SAFETY: one entry, which outlives the call; it does not wait.
    let found = unsafe { libc::poll(&mut poll, 1, 0) };
    found > 0 && poll.revents & (libc::POLLERR | libc::POLLHUP) != 0
}

fn get_data_symbol() -> Option<unsafe extern "C" fn(Handle) -> *mut std::ffi::c_void> {
    let found = Uv::load().ok().map(|uv| uv.handle_get_data);
    CLOSING_GET_DATA.with(|get| get.set(found));
    found
}

unsafe extern "C" fn on_closed(handle: Handle) {
    let Some(get_data) = CLOSING_GET_DATA.with(Cell::get).or_else(get_data_symbol) else {
        return;
    };
    // SAFETY: the box was put there when the handle was made; this is the only callback that takes it back.
    let socket = unsafe { Box::from_raw(get_data(handle).cast::<Socket>()) };
    // SAFETY: closed, so libuv is done with the memory.
    unsafe { Uv::free(handle) };
    let noted = Rc::clone(&socket.noted);
    drop(socket);
    noted.open.set(noted.open.get() - 1);
    if noted.open.get() == 0 {
        if let Some((done, argument)) = noted.on_closed.take() {
            // SAFETY: set by the environment's teardown, which waits for this.
            unsafe { done(argument) };
        }
    }
}
