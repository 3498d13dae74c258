//! Request methods: the closed list of llhttp's HTTP side, with its numbers.

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// A request method. The numbers are llhttp's, so they may cross the border as they are.
        ///
        /// The list is closed: a well-formed method outside it is answered with 501. The methods that llhttp knows
        /// for RTSP alone are left out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Method {
            $(#[doc = concat!("`", $text, "`")] $name = $number,)*
        }

        impl Method {
            /// Every method, in the order of their numbers.
            pub const ALL: &'static [Method] = &[$(Method::$name,)*];

            /// The method as it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Method::$name => $text,)* }
            }

            /// The method with this number.
            pub const fn from_u8(number: u8) -> Option<Method> {
                match number { $($number => Some(Method::$name),)* _ => None }
            }

            fn from_rare(bytes: &[u8]) -> Option<Method> {
                Self::ALL.iter().copied().find(|method| method.as_str().as_bytes() == bytes)
            }
        }
    };
}

methods! {
    Delete = 0, "DELETE"; Get = 1, "GET"; Head = 2, "HEAD"; Post = 3, "POST"; Put = 4, "PUT";
    Connect = 5, "CONNECT"; Options = 6, "OPTIONS"; Trace = 7, "TRACE"; Copy = 8, "COPY"; Lock = 9, "LOCK";
    Mkcol = 10, "MKCOL"; Move = 11, "MOVE"; Propfind = 12, "PROPFIND"; Proppatch = 13, "PROPPATCH";
    Search = 14, "SEARCH"; Unlock = 15, "UNLOCK"; Bind = 16, "BIND"; Rebind = 17, "REBIND"; Unbind = 18, "UNBIND";
    Acl = 19, "ACL"; Report = 20, "REPORT"; Mkactivity = 21, "MKACTIVITY"; Checkout = 22, "CHECKOUT";
    Merge = 23, "MERGE"; MSearch = 24, "M-SEARCH"; Notify = 25, "NOTIFY"; Subscribe = 26, "SUBSCRIBE";
    Unsubscribe = 27, "UNSUBSCRIBE"; Patch = 28, "PATCH"; Purge = 29, "PURGE"; Mkcalendar = 30, "MKCALENDAR";
    Link = 31, "LINK"; Unlink = 32, "UNLINK"; Source = 33, "SOURCE"; Query = 46, "QUERY";
}

impl Method {
    /// The method that these bytes name; case matters (RFC 9110 §9.1).
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Option<Method> {
        match bytes {
            b"GET" => Some(Method::Get),
            b"POST" => Some(Method::Post),
            b"PUT" => Some(Method::Put),
            b"HEAD" => Some(Method::Head),
            b"OPTIONS" => Some(Method::Options),
            _ => Self::from_rare(bytes),
        }
    }

    /// Whether the method is read-only by definition (RFC 9110 §9.2.1 and the IANA method registry).
    pub const fn is_safe(self) -> bool {
        use Method::*;
        matches!(self, Get | Head | Options | Trace | Propfind | Report | Search | Query)
    }

    /// Whether a repetition has the effect of one request (RFC 9110 §9.2.2 and the IANA method registry).
    pub const fn is_idempotent(self) -> bool {
        use Method::*;
        self.is_safe()
            || matches!(
                self,
                Put | Delete
                    | Copy
                    | Move
                    | Mkcol
                    | Proppatch
                    | Unlock
                    | Bind
                    | Rebind
                    | Unbind
                    | Acl
                    | Mkactivity
                    | Checkout
                    | Merge
                    | Mkcalendar
                    | Link
                    | Unlink
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_again_by_its_name_and_its_number() {
        assert_eq!(Method::ALL.len(), 35);
        for &method in Method::ALL {
            assert_eq!(Method::from_bytes(method.as_str().as_bytes()), Some(method));
            assert_eq!(Method::from_u8(method as u8), Some(method));
        }
    }

    #[test]
    fn other_tokens_are_no_methods() {
        for token in [&b"get"[..], b"GETS", b"", b"PRI", b"DESCRIBE", b"SETUP"] {
            assert_eq!(Method::from_bytes(token), None);
        }
        assert_eq!(Method::from_u8(34), None);
    }

    #[test]
    fn safe_methods_are_idempotent_and_post_is_neither() {
        for method in Method::ALL {
            assert!(!method.is_safe() || method.is_idempotent());
        }
        assert!(!Method::Post.is_idempotent() && !Method::Patch.is_idempotent() && !Method::Connect.is_safe());
        assert!(Method::Put.is_idempotent() && !Method::Put.is_safe());
    }
}
