//! One environment: its engine, its libuv handles, its life and its end.
//!
//! An environment is Live, Closing or Dead; every trampoline looks first. The end comes through the raw asynchronous
//! cleanup hook: sockets are closed, libuv handles closed, and in the last close callback the hook is removed and the
//! memory freed. (The synchronous hook crashes when a worker is terminated: Node unloads the addon before the close
//! callbacks run.)

use crate::context::Context;
use crate::host::NodeHost;
use crate::js::{Env, Value, call};
use crate::outbox::Outbox;
use crate::poller::{Noted, UvPoll};
use crate::ring::{MOST_CALLS, Ring};
use crate::uv::{Callback, Handle, Kind, Loop, READABLE, Uv};
use millrace_engine::net::{NestedEpoll, Poller};
use millrace_engine::{Engine, Event};
use napi_sys as sys;
use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::rc::Rc;

/// How far an environment has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Live,
    Closing,
}

/// Everything of one environment, at an address of its own for as long as a callback may come.
pub struct State {
    pub env: Env,
    pub life: Cell<Life>,
    pub engine: RefCell<Option<Engine<Value>>>,
    pub host: RefCell<NodeHost>,
    pub ring: Ring,
    /// Answers that JavaScript gathers while it handles a batch.
    pub outbox: Outbox,
    pub context: Context,
    /// A wake is running: commands need not schedule one.
    pub awake: Cell<bool>,
    /// How many events one scope takes now: 32, fewer where handlers are slow.
    pub budget: Cell<usize>,
    /// When the timer fires, in ms; `u64::MAX`: it is not armed.
    pub armed: Cell<u64>,
    scheduled: Cell<bool>,
    spinning: Cell<bool>,
    /// What keeps the process alive: listeners, sockets, pending operations.
    held: Cell<i64>,
    /// Events on their way to JavaScript, kept for their allocation.
    pub batch: RefCell<Vec<Event<Value>>>,
    /// A body on its way in, kept for its allocation.
    pub scratch: RefCell<Vec<u8>>,
    /// A head's fields and reason on their way in, kept for their allocation.
    pub texts: RefCell<(Vec<u8>, Vec<u8>)>,
    /// TLS contexts and certificates by number.
    pub tls: RefCell<crate::tls::TlsRegistry>,
    pub uv: Rc<Uv>,
    pub noted: Rc<Noted>,
    handles: RefCell<Vec<Handle>>,
    timer: Cell<Handle>,
    prepare: Cell<Handle>,
    idle: Cell<Handle>,
    keeper: Cell<Handle>,
    closing: Cell<usize>,
    hook: Cell<sys::napi_async_cleanup_hook_handle>,
}

impl State {
    /// Sets an environment up; what failed otherwise.
    pub fn create(env: sys::napi_env) -> Result<*mut Self, String> {
        let uv = Rc::new(Uv::load().map_err(|name| format!("the host process lacks {}", name.trim_end_matches('\0')))?);
        let mut event_loop: *mut sys::uv_loop_s = ptr::null_mut();
        call!(napi_get_uv_event_loop(env, &mut event_loop));
        if event_loop.is_null() {
            return Err("the host has no libuv loop".into());
        }
        let event_loop: Loop = event_loop.cast();
        let noted = Rc::new(Noted::default());
        let poller: Box<dyn Poller> = match std::env::var("MILLRACE_POLLER").as_deref() {
            Ok("uv") => Box::new(UvPoll::new(Rc::clone(&uv), event_loop, Rc::clone(&noted))),
            Ok("nested") | Err(_) => Box::new(NestedEpoll::new().map_err(|error| format!("epoll: {error}"))?),
            Ok(other) => return Err(format!("MILLRACE_POLLER must be 'nested' or 'uv', got '{other}'")),
        };
        let engine = Engine::new(poller);
        let descriptor = engine.descriptor();
        let state = Box::into_raw(Box::new(Self {
            env: Env(env),
            life: Cell::new(Life::Live),
            engine: RefCell::new(Some(engine)),
            host: RefCell::new(NodeHost::new(Env(env))),
            ring: Ring::new(),
            outbox: Outbox::new(),
            context: Context::new(Env(env)),
            awake: Cell::new(false),
            budget: Cell::new(MOST_CALLS),
            armed: Cell::new(u64::MAX),
            scheduled: Cell::new(false),
            spinning: Cell::new(false),
            held: Cell::new(0),
            batch: RefCell::new(Vec::new()),
            scratch: RefCell::new(Vec::new()),
            texts: RefCell::new((Vec::new(), Vec::new())),
            tls: RefCell::default(),
            uv,
            noted,
            handles: RefCell::new(Vec::new()),
            timer: Cell::new(ptr::null_mut()),
            prepare: Cell::new(ptr::null_mut()),
            idle: Cell::new(ptr::null_mut()),
            keeper: Cell::new(ptr::null_mut()),
            closing: Cell::new(0),
            hook: Cell::new(ptr::null_mut()),
        }));
        // SAFETY: just made; freed in the last close callback.
        let this = unsafe { &*state };
        this.open_handles(event_loop, descriptor);
        let mut hook = ptr::null_mut();
        call!(napi_add_async_cleanup_hook(
            env,
            Some(on_cleanup),
            state.cast(),
            &mut hook
        ));
        this.hook.set(hook);
        Ok(state)
    }

    fn open_handles(&self, event_loop: Loop, descriptor: Option<c_int>) {
        let uv = &self.uv;
        let (timer, prepare) = (uv.allocate(Kind::Timer), uv.allocate(Kind::Prepare));
        let (idle, keeper) = (uv.allocate(Kind::Idle), uv.allocate(Kind::Async));
        let mut all = vec![timer, prepare, idle, keeper];
        // SAFETY: fresh handles of the right sizes on the loop of this thread; the state outlives them.
        unsafe {
            (uv.timer_init)(event_loop, timer);
            (uv.prepare_init)(event_loop, prepare);
            (uv.idle_init)(event_loop, idle);
            (uv.async_init)(event_loop, keeper, None);
            match descriptor {
                Some(descriptor) => {
                    let poll = uv.allocate(Kind::Poll);
                    (uv.poll_init)(event_loop, poll, descriptor);
                    all.push(poll);
                }
                None => {
                    let check = uv.allocate(Kind::Check);
                    (uv.check_init)(event_loop, check);
                    all.push(check);
                }
            }
            let own: *const Self = self;
            for handle in &all {
                (uv.handle_set_data)(*handle, own.cast_mut().cast());
                (uv.unref)(*handle);
            }
            // Starting keeps the reference as it is.
            match descriptor {
                Some(_) => (uv.poll_start)(all[4], READABLE, on_poll),
                None => (uv.check_start)(all[4], on_check),
            };
        }
        self.timer.set(timer);
        self.prepare.set(prepare);
        self.idle.set(idle);
        self.keeper.set(keeper);
        *self.handles.borrow_mut() = all;
    }

    /// Adds to what keeps the process alive.
    pub fn hold(&self, change: i64) {
        let before = self.held.get();
        let now = before + change;
        self.held.set(now);
        let keeper = self.keeper.get();
        if self.life.get() != Life::Live {
            return;
        }
        // SAFETY: the handle lives until the environment closes.
        unsafe {
            if before <= 0 && now > 0 {
                (self.uv.r#ref)(keeper);
            } else if before > 0 && now <= 0 {
                (self.uv.unref)(keeper);
            }
        }
    }

    /// After a command outside a wake: has the loop look at us before it blocks.
    pub fn schedule(&self) {
        if self.awake.get() || self.scheduled.get() || self.life.get() != Life::Live {
            return;
        }
        self.scheduled.set(true);
        // SAFETY: the handle lives until the environment closes.
        unsafe { (self.uv.prepare_start)(self.prepare.get(), on_prepare) };
    }

    /// At the end of a wake: goes on soon where work is left, else rests until readiness or the deadline.
    pub fn rest(&self, work_left: bool, deadline: Option<u64>, now_ms: u64) {
        if self.life.get() != Life::Live {
            return;
        }
        // SAFETY: the handles live until the environment closes.
        unsafe {
            if work_left {
                self.schedule_now();
                if !self.spinning.replace(true) {
                    (self.uv.idle_start)(self.idle.get(), on_idle);
                }
            } else {
                if self.spinning.replace(false) {
                    (self.uv.idle_stop)(self.idle.get());
                }
                if self.scheduled.replace(false) {
                    (self.uv.prepare_stop)(self.prepare.get());
                }
            }
            if let Some(deadline) = deadline.filter(|deadline| *deadline < self.armed.get()) {
                self.armed.set(deadline);
                // One more: libuv's clock is that of the turn's start, and firing early is a turn for nothing.
                (self.uv.timer_start)(self.timer.get(), on_timer, deadline.saturating_sub(now_ms) + 1, 0);
            }
        }
    }

    fn schedule_now(&self) {
        if !self.scheduled.replace(true) {
            // SAFETY: the handle lives until the environment closes.
            unsafe { (self.uv.prepare_start)(self.prepare.get(), on_prepare) };
        }
    }

    /// Closes every socket and handle; the last close callback frees the state.
    fn shut(&self) {
        self.life.set(Life::Closing);
        // With the engine go its sockets, and with UvPoll their handles.
        if let Ok(mut engine) = self.engine.try_borrow_mut() {
            drop(engine.take());
        }
        let handles = std::mem::take(&mut *self.handles.borrow_mut());
        self.closing.set(handles.len());
        for handle in handles {
            // SAFETY: open until now, closed once.
            unsafe { (self.uv.close)(handle, Some(on_closed as Callback)) };
        }
    }

    fn finish(&self) {
        if self.closing.get() > 0 || self.noted.open.get() > 0 {
            return;
        }
        let hook = self.hook.get();
        let own: *const Self = self;
        // SAFETY: no handle is open, so no callback comes any more; the box was made by `create`.
        drop(unsafe { Box::from_raw(own.cast_mut()) });
        call!(napi_remove_async_cleanup_hook(hook));
    }
}

unsafe extern "C" fn on_cleanup(_hook: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: the hook was added with the state, which lives until the hook is removed.
    let state = unsafe { &*data.cast::<State>() };
    state.noted.on_closed.set(Some((finish_after_sockets, data)));
    state.shut();
}

unsafe fn finish_after_sockets(data: *mut c_void) {
    // SAFETY: called while the state still waits for these handles.
    unsafe { &*data.cast::<State>() }.finish();
}

fn state_of<'a>(handle: Handle) -> &'a State {
    // One lookup for all environments: the symbol is the same for the whole process.
    static GET: std::sync::OnceLock<unsafe extern "C" fn(Handle) -> *mut c_void> = std::sync::OnceLock::new();
    let get = GET.get_or_init(|| match Uv::load() {
        Ok(uv) => uv.handle_get_data,
        Err(name) => unreachable!("{name} was there when the handle was made"),
    });
    // SAFETY: our handles carry the state, which outlives them.
    unsafe { &*get(handle).cast::<State>() }
}

unsafe extern "C" fn on_closed(handle: Handle) {
    let state = state_of(handle);
    // SAFETY: closed, so libuv is done with the memory.
    unsafe { Uv::free(handle) };
    state.closing.set(state.closing.get() - 1);
    state.finish();
}

unsafe extern "C" fn on_poll(handle: Handle, _status: c_int, _events: c_int) {
    crate::wake::wake(state_of(handle));
}

unsafe extern "C" fn on_check(handle: Handle) {
    let state = state_of(handle);
    if state.noted.any() {
        crate::wake::wake(state);
    }
}

unsafe extern "C" fn on_timer(handle: Handle) {
    let state = state_of(handle);
    state.armed.set(u64::MAX);
    crate::wake::wake(state);
}

unsafe extern "C" fn on_prepare(handle: Handle) {
    crate::wake::wake(state_of(handle));
}

unsafe extern "C" fn on_idle(_handle: Handle) {}
