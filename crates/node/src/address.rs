//! Addresses as JavaScript writes them.

use std::ffi::CString;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// An address literal with a port; none where it is no such literal. An IPv6 address may have a zone (RFC 4007 §11), the
/// name or the number of an interface; one that the system does not know is zone 0, which it refuses where it needs one.
pub fn socket_addr(text: &str, port: u16) -> Option<SocketAddr> {
    let Some((address, zone)) = text.split_once('%') else {
        return Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, port));
    };
    let ip: Ipv6Addr = address.parse().ok()?;
    Some(SocketAddrV6::new(ip, port, 0, zone_number(zone)).into())
}

fn zone_number(zone: &str) -> u32 {
    if let Ok(number) = zone.parse() {
        return number;
    }
    // SAFETY: the name is a C string that lives through the call.
    CString::new(zone).map_or(0, |name| unsafe { libc::if_nametoindex(name.as_ptr()) })
}
