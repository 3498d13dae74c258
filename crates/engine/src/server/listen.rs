//! Where a server listens, and the beginning of one.

use crate::engine::{Engine, LISTENER_TOKEN};
use crate::id::Id;
use crate::options::ServerOptions;
use crate::server::gate::Gate;
use crate::server::stats::ServerStats;
use crate::server::{Server, listeners_gauge};
use millrace_error::{Code, Error};
use millrace_net::socket::{self};
use millrace_net::{Interest, ListenTcp};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum ListenOn {
    /// A TCP port.
    Tcp {
        /// Address and port; port 0 lets the system choose.
        addr: SocketAddr,
        /// SO_REUSEPORT.
        reuse_port: bool,
        /// IPV6_V6ONLY.
        ipv6_only: bool,
    },
    /// A Unix socket.
    Unix(PathBuf),
    /// A listening socket that somebody else made; we listen on a copy of the descriptor.
    Inherited(Arc<OwnedFd>),
    /// Nowhere: injected requests only.
    Nowhere,
}

impl<V: Copy> Engine<V> {
    /// Starts a server.
    pub fn listen(&mut self, on: &ListenOn, backlog: i32, options: ServerOptions) -> Result<Id, Error> {
        let mut file = None;
        let mut unix = matches!(on, ListenOn::Unix(_));
        let listener = match on {
            ListenOn::Nowhere => None,
            ListenOn::Inherited(fd) => {
                let seen = socket::inherit(fd.as_fd()).map_err(|error| Error::system("listen", &error))?;
                if !seen.listens {
                    return Err(Code::InvalidArgument.into());
                }
                unix = seen.unix;
                Some(fd.try_clone().map_err(|error| Error::system("fcntl", &error))?)
            }
            ListenOn::Tcp {
                addr,
                reuse_port,
                ipv6_only,
            } => {
                let options = ListenTcp {
                    addr: *addr,
                    backlog,
                    reuse_port: *reuse_port,
                    ipv6_only: *ipv6_only,
                };
                Some(socket::listen_tcp(&options).map_err(|error| Error::system("listen", &error))?)
            }
            ListenOn::Unix(path) => {
                let fd = socket::listen_unix(path, backlog).map_err(|error| Error::system("listen", &error))?;
                file = (!path.as_os_str().as_encoded_bytes().starts_with(b"\0")).then(|| path.clone());
                Some(fd)
            }
        };
        if let (Some(fd), false) = (&listener, unix) {
            socket::tune_listener(fd.as_fd(), &options.socket).map_err(|error| Error::system("setsockopt", &error))?;
        }
        let raw = listener.as_ref().map(AsRawFd::as_raw_fd);
        let server = Server {
            options,
            stats: ServerStats::default(),
            gate: Gate::with_total(options.max_connections),
            tls: None,
            listener,
            reuse_port: matches!(on, ListenOn::Tcp { reuse_port: true, .. }),
            unix,
            file,
            paused_until: 0,
            leaves_at: 0,
            quiet_until: 0,
            crowd: 1,
            accepted_in: self.polls.wrapping_sub(2),
            closing: false,
            farewell_ms: 0,
            finished: 0,
            forced: 0,
        };
        let id = self.servers.insert(server).ok_or(Error::new(Code::ConnectionsLimit))?;
        if let Some(fd) = raw {
            if let Err(error) = self.poller.add(fd, id.as_u64() | LISTENER_TOKEN, Interest::READ) {
                self.servers.remove(id);
                return Err(Error::system("epoll_ctl", &error));
            }
        }
        self.metrics.gauge_add(listeners_gauge(options.kind), 1);
        Ok(id)
    }
}
