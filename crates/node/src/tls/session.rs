//! One session: the certificate that is chosen for it, and what is known of it.

use super::evidence;
use crate::exchange::with;
use crate::js::Arguments;
use crate::state::State;
use napi_sys as sys;
use std::ptr;

/// `chooseCertificate(connection, identity)`; 0: the server's first. 1 when the handshake waited for it.
pub unsafe extern "C" fn choose_certificate(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let chosen = with(&arguments, false, |state: &State, engine| {
        let number = arguments.number(1) as u32;
        let identity = state.tls.borrow().identities.get(&number).cloned();
        engine.choose_certificate(arguments.number(0), identity)
    });
    arguments.env.double(f64::from(u8::from(chosen)))
}

/// `tlsFacts(stream)`: version, cipher, protocol (empty: none), server name (empty: none), resumed, early data, what is
/// wrong with a certificate that was let pass (its code, and what was seen), and what the evidence with the certificate
/// comes to (`evidence::parts`), with NUL between; empty for none.
pub unsafe extern "C" fn tls_facts(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let facts = with(&arguments, None, |_, engine| engine.tls_facts(arguments.number(0)));
    let Some(facts) = facts else {
        return arguments.env.text(b"").0;
    };
    let mut text = Vec::new();
    text.extend_from_slice(facts.version.as_str().as_bytes());
    let mut part = |bytes: &[u8]| {
        text.push(0);
        text.extend_from_slice(bytes);
    };
    part(facts.cipher.as_bytes());
    part(facts.alpn.as_deref().unwrap_or_default());
    part(facts.servername.as_deref().unwrap_or_default().as_bytes());
    part(if facts.resumed { b"1" } else { b"" });
    part(if facts.early_data { b"1" } else { b"" });
    match &facts.authorization_error {
        None => {
            part(b"");
            part(b"");
        }
        Some(error) => {
            part(error.code.id().to_string().as_bytes());
            part(error.detail().unwrap_or_default().as_bytes());
        }
    }
    evidence::parts(&facts, &mut part);
    arguments.env.text(&text).0
}

/// `tlsCertificate(stream, place)`: a certificate of the peer's chain in DER, its own at 0; nothing past the last.
pub unsafe extern "C" fn tls_certificate(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let facts = with(&arguments, None, |_, engine| engine.tls_facts(arguments.number(0)));
    let certificate = facts.and_then(|facts| facts.peer_certificates.into_iter().nth(arguments.number(1) as usize));
    let Some(der) = certificate else {
        return ptr::null_mut();
    };
    match arguments.env.array_buffer(der.len()) {
        Some((buffer, data)) => {
            // SAFETY: a fresh ArrayBuffer of that length, which nobody was given yet.
            unsafe { ptr::copy_nonoverlapping(der.as_ptr(), data.cast(), der.len()) };
            arguments.env.view(buffer, 0, der.len()).0
        }
        None => ptr::null_mut(),
    }
}
