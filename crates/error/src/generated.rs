//! Made by scripts/generate.mjs from codes.json. Do not edit.
use crate::Kind;

/// Every error that millrace reports. The number of a code is stable and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Code {
    /// Millrace broke one of its own rules; the connection it happened on was closed.
    Bug = 1,
    /// A system call failed; errno and syscall say which.
    System = 2,
    /// An argument has the wrong type or lies outside its range.
    InvalidArgument = 3,
    /// No option has this name.
    UnknownOption = 4,
    /// The call does not fit the state of the object.
    InvalidState = 5,
    /// The exchange, connection or server that this id named has ended.
    StaleId = 6,
    /// No prebuilt binary for this platform could be loaded.
    NativeMissing = 7,
    /// The binary was built for another version of the package.
    NativeMismatch = 8,
    /// This JavaScript runtime cannot host the native core.
    RuntimeUnsupported = 9,
    /// A request handler threw, rejected or answered with something that is not a response.
    HandlerFailed = 10,
    /// The option cannot change while the server runs.
    OptionFixed = 11,
    /// The peer closed the connection.
    ConnectionClosed = 20,
    /// The peer reset the connection.
    ConnectionReset = 21,
    /// The exchange has ended.
    StreamClosed = 22,
    /// The server was closed.
    ServerClosed = 23,
    /// Our side destroyed the exchange or connection.
    Destroyed = 24,
    /// An ArrayBuffer that was queued for sending was detached before it was sent.
    BufferDetached = 25,
    /// A file that was queued for sending became shorter, or could not be read, before it was sent.
    FileTruncated = 26,
    /// The method is not a token (RFC 9110 §9.1).
    HttpInvalidMethod = 40,
    /// The method is not one that this parser knows (RFC 9110 §15.6.2).
    HttpMethodUnsupported = 41,
    /// The request target breaks RFC 9112 §3.2.
    HttpInvalidTarget = 42,
    /// The request target is longer than maxUrlSize.
    HttpTargetTooLarge = 43,
    /// The protocol version is missing or malformed (RFC 9112 §2.3).
    HttpInvalidVersion = 44,
    /// The HTTP version is neither 1.0 nor 1.1.
    HttpVersionUnsupported = 45,
    /// The request line breaks RFC 9112 §3.
    HttpInvalidRequestLine = 46,
    /// A field name or value breaks RFC 9110 §5.1, §5.5 or RFC 9112 §5.
    HttpInvalidHeader = 47,
    /// The header block is larger than maxHeaderSize.
    HttpHeadersTooLarge = 48,
    /// The header block has more fields than maxHeaderFields.
    HttpTooManyFields = 49,
    /// An HTTP/1.1 request has no Host field (RFC 9112 §3.2).
    HttpMissingHost = 50,
    /// The Host field is repeated or malformed (RFC 9112 §3.2).
    HttpInvalidHost = 51,
    /// Content-Length is repeated, malformed or too large (RFC 9112 §6.3).
    HttpInvalidContentLength = 52,
    /// Content-Length and Transfer-Encoding together (RFC 9112 §6.1).
    HttpConflictingFraming = 53,
    /// Transfer-Encoding breaks RFC 9112 §6.1.
    HttpInvalidTransferEncoding = 54,
    /// A transfer coding other than chunked (RFC 9112 §6.1).
    HttpTransferEncodingUnsupported = 55,
    /// A chunk size, extension or ending breaks RFC 9112 §7.1.
    HttpInvalidChunk = 56,
    /// The chunk extensions of one body are larger than 4 KiB.
    HttpChunkExtensionsTooLarge = 57,
    /// The trailer section is larger than 16 KiB.
    HttpTrailersTooLarge = 58,
    /// A trailer field is malformed or one that must not be a trailer (RFC 9110 §6.5.1).
    HttpInvalidTrailer = 59,
    /// A bare LF or a bare CR where CRLF must stand (RFC 9112 §2.2).
    HttpInvalidLineEnding = 60,
    /// An expectation other than 100-continue (RFC 9110 §10.1.1).
    HttpExpectationFailed = 61,
    /// The body is larger than its limit.
    HttpBodyTooLarge = 62,
    /// The connection ended inside a message (RFC 9112 §8).
    HttpIncompleteMessage = 63,
    /// The status line breaks RFC 9112 §4.
    HttpInvalidStatusLine = 64,
    /// More than 16 1xx responses before one final response.
    HttpTooManyInformational = 65,
    /// Bytes after a message that ends the connection.
    HttpUnexpectedData = 66,
    /// The response body is not as long as its Content-Length says.
    HttpResponseBodyMismatch = 67,
    /// The response head has gone out already.
    HttpHeadersSent = 68,
    /// The body has been read or is being read.
    HttpBodyUsed = 69,
    /// The PROXY protocol head is malformed.
    ProxyProtocolInvalid = 90,
    /// ProxyProtocol is 'required' and the connection does not begin with a PROXY head.
    ProxyProtocolMissing = 91,
    /// The request head did not arrive within headersTimeout.
    HeadersTimeout = 100,
    /// No body byte arrived for bodyTimeout.
    BodyTimeout = 101,
    /// The request did not arrive whole within requestTimeout.
    RequestTimeout = 102,
    /// The peer took no byte of the response for writeTimeout.
    WriteTimeout = 103,
    /// No next request began within keepAliveTimeout.
    KeepAliveTimeout = 104,
    /// The request body arrived more slowly than minReceiveRate.
    ReceiveRate = 105,
    /// The peer took the response more slowly than minSendRate.
    SendRate = 106,
    /// The TLS handshake was not over within tlsHandshakeTimeout.
    TlsHandshakeTimeout = 107,
    /// No connection within timeouts.connect.
    ConnectTimeout = 108,
    /// The TLS handshake was not over within timeouts.tls.
    TlsTimeout = 109,
    /// The resolver did not answer within timeouts.dns.
    DnsTimeout = 113,
    /// The operation was not over within timeouts.total.
    TotalTimeout = 112,
    /// The name could not be resolved: no server gave a usable answer.
    DnsFailed = 27,
    /// The name does not exist, or has no address of the family that was asked for.
    DnsNotFound = 400,
    /// The host is neither an IP address nor a name that can be asked for.
    DnsNameInvalid = 401,
    /// The handler did not begin its answer within handlerTimeout.
    HandlerTimeout = 110,
    /// The caller's own deadline has passed.
    Deadline = 111,
    /// The server has as many connections as maxConnections allows.
    ConnectionsLimit = 120,
    /// A body that is collected whole is larger than maxCollectedSize.
    CollectedTooLarge = 121,
    /// The client has as many connections as maxConnectionsPerIp allows.
    ClientConnectionsLimit = 122,
    /// The client's address is not let in by allow and deny.
    ClientDenied = 123,
    /// More requests came than a rate limit allows.
    RateLimited = 124,
    /// The process holds as much memory for its peers as setMaxMemory allows.
    MemoryLimit = 125,
    /// The system gave no memory for bytes that came or are to be sent.
    OutOfMemory = 130,
    /// The client has broken too many rules of late.
    ClientReputation = 131,
    /// A dispatch function gave its handler what is no response, or out of order.
    DispatchInvalid = 132,
    /// A file that an option of TLS names cannot be read, or written.
    TlsFileFailed = 134,
    /// The socket is read already: by an iteration, by 'data' events, by a Duplex of it, or by a relay.
    SocketUsed = 133,
    /// The peer's certificate has expired.
    TlsCertificateExpired = 200,
    /// The peer's certificate is not valid yet.
    TlsCertificateNotYetValid = 201,
    /// The peer's certificate chain does not lead to a CA that is trusted here.
    TlsUnknownCa = 202,
    /// The peer's certificate is signed by itself and is not trusted here.
    TlsSelfSigned = 203,
    /// The peer's certificate is not for the name that was asked for.
    TlsWrongHost = 204,
    /// The peer's certificate has been revoked.
    TlsCertificateRevoked = 205,
    /// No CRL says whether the peer's certificate has been revoked.
    TlsRevocationUnknown = 206,
    /// The CRL that covers the peer's certificate is past its nextUpdate.
    TlsCrlExpired = 207,
    /// A name in the peer's certificate lies outside the name constraints of its CA (RFC 5280 §4.2.1.10).
    TlsNameConstraints = 208,
    /// A key or signature in the peer's chain is too weak or of a kind that is not supported.
    TlsWeakSignature = 209,
    /// The peer's certificate is not for this side of TLS (extended key usage, RFC 5280 §4.2.1.12).
    TlsWrongPurpose = 210,
    /// A certificate of the peer is malformed or a signature in its chain is wrong.
    TlsBadCertificate = 211,
    /// The client sent no certificate and one is required.
    TlsCertificateRequired = 212,
    /// No certificate of the peer's chain has a key that is pinned.
    TlsPinMismatch = 213,
    /// The peer stapled no OCSP response and the policy asks for one.
    TlsOcspMissing = 214,
    /// The OCSP response of the peer is malformed, stale, for another certificate or not signed by its CA (RFC 6960 §3.2).
    TlsOcspInvalid = 215,
    /// The peer's certificate has fewer valid timestamps of known logs than the policy asks for (RFC 6962).
    TlsCtMissing = 216,
    /// The peer speaks no TLS version that is allowed here.
    TlsNoSharedVersion = 217,
    /// The peer has no cipher suite, group or signature scheme in common with this side.
    TlsNoSharedSuite = 218,
    /// The peer has no application protocol in common with this side (RFC 7301).
    TlsNoSharedAlpn = 219,
    /// The connection ended inside the TLS handshake.
    TlsHandshakeTruncated = 220,
    /// The connection ended without close_notify, so data may be missing (RFC 8446 §6.1).
    TlsTruncated = 221,
    /// The peer ended the TLS session with an alert.
    TlsAlertReceived = 222,
    /// A TLS record or handshake message of the peer is larger than TLS allows.
    TlsRecordOverflow = 223,
    /// A TLS record or signature of the peer does not verify.
    TlsDecryptFailed = 224,
    /// A TLS message of the peer is malformed or stands in the wrong place.
    TlsInvalidMessage = 225,
    /// Plain HTTP was sent to a TLS port.
    TlsPlainHttp = 226,
    /// The peer sent more than is kept while a certificate is chosen.
    TlsBufferLimit = 227,
    /// There is no certificate for the name that the client asked for.
    TlsNoCertificate = 228,
    /// A certificate, key, CRL, suite, pin or other TLS option is malformed or does not fit the others.
    TlsInvalidConfiguration = 229,
    /// The TLS keys of the connection have sealed as much as they may.
    TlsExhausted = 230,
    /// The server did not accept the early data; it has to be sent again.
    TlsEarlyDataRefused = 231,
    /// The OCSP responder of the CA does not know the peer's certificate.
    TlsOcspUnknown = 232,
    /// The OCSP response that was to be stapled is not a good one for the certificate; nothing or the one before is stapled.
    TlsStapleRefused = 233,
    /// The OCSP responder of the CA cannot be asked, or gave no answer that is one.
    TlsOcspFetchFailed = 234,
    /// The handshake with a proxy was not over within timeouts.proxy.
    ProxyTimeout = 330,
    /// The proxy's rules do not let this target be reached.
    ProxyTargetForbidden = 332,
    /// The target is a loopback, private or link-local address, or the proxy itself; the option 'allowPrivate' lets all but the last be reached.
    ProxyTargetProhibited = 333,
    /// A proxy that others can reach needs auth, rules or authorize; 'open: true' says that everybody may use it.
    ProxyOpen = 334,
    /// The way leads back to the proxy itself: it would go round in a circle for ever.
    ProxyLoop = 510,
    /// The proxy reports a general failure (RFC 1928 §6, reply 1).
    SocksGeneralFailure = 300,
    /// The proxy's rules forbid the connection (RFC 1928 §6, reply 2).
    SocksForbidden = 301,
    /// The proxy cannot reach the target's network (RFC 1928 §6, reply 3).
    SocksNetworkUnreachable = 302,
    /// The proxy cannot reach the target (RFC 1928 §6, reply 4).
    SocksHostUnreachable = 303,
    /// The target refused the proxy's connection (RFC 1928 §6, reply 5).
    SocksConnectionRefused = 304,
    /// The proxy's connection to the target expired (RFC 1928 §6, reply 6).
    SocksTtlExpired = 305,
    /// The proxy does not support the command (RFC 1928 §6, reply 7).
    SocksCommandUnsupported = 306,
    /// The proxy does not support the type of the address (RFC 1928 §6, reply 8).
    SocksAddressUnsupported = 307,
    /// The proxy rejected the request or failed at it (SOCKS4, reply 91).
    Socks4Rejected = 308,
    /// The proxy could not reach identd on this host (SOCKS4, reply 92).
    Socks4IdentdUnreachable = 309,
    /// Identd and this client name different users (SOCKS4, reply 93).
    Socks4UserRejected = 310,
    /// The proxy refused the user name and password (RFC 1929 §2).
    SocksAuthenticationRefused = 311,
    /// Client and proxy have no authentication method in common (RFC 1928 §3).
    SocksNoAcceptableMethod = 312,
    /// A reply of the proxy breaks RFC 1928, RFC 1929 or the SOCKS4 protocol.
    SocksMalformedReply = 313,
    /// A request to the proxy breaks RFC 1928, RFC 1929 or the SOCKS4 protocol.
    SocksMalformedRequest = 314,
    /// A name or user id of a SOCKS4 request is longer than 255 bytes.
    SocksFieldTooLarge = 315,
    /// The proxy wants other credentials, or any (RFC 9110 §15.5.8).
    ProxyAuthenticationRequired = 316,
    /// The proxy offers no authentication scheme that millrace knows: Basic, or Digest with MD5, SHA-256 or SHA-512-256.
    ProxyAuthenticationUnsupported = 317,
    /// The proxy answered CONNECT with a status outside 2xx.
    ProxyStatus = 318,
    /// The proxy ended the connection within the handshake.
    ProxyClosed = 319,
    /// This kind of proxy cannot be asked for this target: SOCKS4 takes IPv4 alone, SOCKS4 and SOCKS5 no name, only SOCKS5 UDP.
    ProxyTargetUnsupported = 320,
    /// The target's name is empty, longer than 255 bytes or holds bytes that no name has, or its port is 0.
    ProxyTargetInvalid = 321,
    /// User name or password are too long for this kind of proxy, or hold bytes that it cannot carry.
    ProxyCredentialsInvalid = 322,
    /// The first byte to the proxy is neither SOCKS4, SOCKS5 nor the beginning of an HTTP request.
    ProxyRequestUnrecognised = 323,
    /// SOCKS4 carries no password and the proxy demands authentication.
    Socks4Unauthenticated = 324,
    /// Our side cancelled the handshake with the proxy.
    ProxyCancelled = 325,
    /// A proxy's URL has an unknown scheme, no host, or parts that a proxy's URL cannot have.
    ProxyUrlInvalid = 326,
    /// User name or password of a proxy's URL hold a malformed percent-encoding.
    ProxyUrlEncoding = 327,
    /// The server took no byte of the request for timeouts.send.
    SendTimeout = 450,
    /// The response did not begin within timeouts.headers.
    ResponseTimeout = 451,
    /// No byte of the response's body arrived for timeouts.body.
    ResponseBodyTimeout = 452,
    /// No connection of the pool became free within timeouts.acquire.
    AcquireTimeout = 453,
    /// More requests wait for a connection to this origin than maxQueued.
    PoolQueueFull = 454,
    /// The connection pool is draining or has been stopped.
    PoolClosed = 455,
    /// The response's body is larger than maxResponseSize.
    ResponseTooLarge = 456,
    /// The server switched protocols although nobody asked for that (RFC 9110 §15.2.2).
    HttpUnexpectedUpgrade = 457,
    /// The idle connection had ended before the request could be sent on it.
    ConnectionStale = 458,
    /// The response's status is 400 or more, and throwOnError is on.
    HttpStatus = 459,
    /// The URL cannot be requested: it is malformed, or its scheme is neither http nor https.
    UrlInvalid = 460,
    /// More would have to be buffered for one request than maxMemoryPerRequest.
    RequestMemory = 461,
    /// The client was closed.
    ClientClosed = 462,
    /// The server did not switch protocols.
    UpgradeRefused = 463,
    /// No byte went through the relay for the idle time.
    RelayIdleTimeout = 350,
    /// The relay did not end within its total time.
    RelayTotalTimeout = 351,
    /// The circuit breaker of this origin is open: it has failed too often of late.
    CircuitOpen = 420,
    /// The server redirected more often than maxRedirects.
    HttpTooManyRedirects = 421,
    /// The Location of a redirect is no URL of http or https (RFC 9110 §10.2.2).
    HttpInvalidRedirect = 422,
    /// A redirect leads from https to http, which is not followed.
    HttpInsecureRedirect = 423,
    /// The request has to be sent again and its body, a stream, cannot be.
    HttpBodyNotReplayable = 424,
    /// The body is not what its Content-Encoding says (RFC 9110 §8.4).
    HttpInvalidContent = 425,
    /// The body ended within its compressed data (RFC 9110 §8.4).
    HttpTruncatedContent = 426,
    /// The body expands by more than maxExpansion.
    HttpExpansionTooLarge = 427,
    /// The body has more content codings than are undone, one within the other.
    HttpTooManyCodings = 428,
    /// The server offers no authentication scheme that millrace can answer; NTLM and Negotiate are not spoken.
    AuthenticationUnsupported = 429,
    /// The server did not prove that it knows the password: its rspauth is wrong (RFC 7616 §3.5).
    AuthenticationUnproven = 430,
    /// The connection is down and is being made again.
    SocketDown = 431,
    /// The connection could not be made again within the attempts that it has.
    ReconnectFailed = 432,
}

impl Code {
    /// All codes, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Bug,
        Self::System,
        Self::InvalidArgument,
        Self::UnknownOption,
        Self::InvalidState,
        Self::StaleId,
        Self::NativeMissing,
        Self::NativeMismatch,
        Self::RuntimeUnsupported,
        Self::HandlerFailed,
        Self::OptionFixed,
        Self::ConnectionClosed,
        Self::ConnectionReset,
        Self::StreamClosed,
        Self::ServerClosed,
        Self::Destroyed,
        Self::BufferDetached,
        Self::FileTruncated,
        Self::HttpInvalidMethod,
        Self::HttpMethodUnsupported,
        Self::HttpInvalidTarget,
        Self::HttpTargetTooLarge,
        Self::HttpInvalidVersion,
        Self::HttpVersionUnsupported,
        Self::HttpInvalidRequestLine,
        Self::HttpInvalidHeader,
        Self::HttpHeadersTooLarge,
        Self::HttpTooManyFields,
        Self::HttpMissingHost,
        Self::HttpInvalidHost,
        Self::HttpInvalidContentLength,
        Self::HttpConflictingFraming,
        Self::HttpInvalidTransferEncoding,
        Self::HttpTransferEncodingUnsupported,
        Self::HttpInvalidChunk,
        Self::HttpChunkExtensionsTooLarge,
        Self::HttpTrailersTooLarge,
        Self::HttpInvalidTrailer,
        Self::HttpInvalidLineEnding,
        Self::HttpExpectationFailed,
        Self::HttpBodyTooLarge,
        Self::HttpIncompleteMessage,
        Self::HttpInvalidStatusLine,
        Self::HttpTooManyInformational,
        Self::HttpUnexpectedData,
        Self::HttpResponseBodyMismatch,
        Self::HttpHeadersSent,
        Self::HttpBodyUsed,
        Self::ProxyProtocolInvalid,
        Self::ProxyProtocolMissing,
        Self::HeadersTimeout,
        Self::BodyTimeout,
        Self::RequestTimeout,
        Self::WriteTimeout,
        Self::KeepAliveTimeout,
        Self::ReceiveRate,
        Self::SendRate,
        Self::TlsHandshakeTimeout,
        Self::ConnectTimeout,
        Self::TlsTimeout,
        Self::DnsTimeout,
        Self::TotalTimeout,
        Self::DnsFailed,
        Self::DnsNotFound,
        Self::DnsNameInvalid,
        Self::HandlerTimeout,
        Self::Deadline,
        Self::ConnectionsLimit,
        Self::CollectedTooLarge,
        Self::ClientConnectionsLimit,
        Self::ClientDenied,
        Self::RateLimited,
        Self::MemoryLimit,
        Self::OutOfMemory,
        Self::ClientReputation,
        Self::DispatchInvalid,
        Self::TlsFileFailed,
        Self::SocketUsed,
        Self::TlsCertificateExpired,
        Self::TlsCertificateNotYetValid,
        Self::TlsUnknownCa,
        Self::TlsSelfSigned,
        Self::TlsWrongHost,
        Self::TlsCertificateRevoked,
        Self::TlsRevocationUnknown,
        Self::TlsCrlExpired,
        Self::TlsNameConstraints,
        Self::TlsWeakSignature,
        Self::TlsWrongPurpose,
        Self::TlsBadCertificate,
        Self::TlsCertificateRequired,
        Self::TlsPinMismatch,
        Self::TlsOcspMissing,
        Self::TlsOcspInvalid,
        Self::TlsCtMissing,
        Self::TlsNoSharedVersion,
        Self::TlsNoSharedSuite,
        Self::TlsNoSharedAlpn,
        Self::TlsHandshakeTruncated,
        Self::TlsTruncated,
        Self::TlsAlertReceived,
        Self::TlsRecordOverflow,
        Self::TlsDecryptFailed,
        Self::TlsInvalidMessage,
        Self::TlsPlainHttp,
        Self::TlsBufferLimit,
        Self::TlsNoCertificate,
        Self::TlsInvalidConfiguration,
        Self::TlsExhausted,
        Self::TlsEarlyDataRefused,
        Self::TlsOcspUnknown,
        Self::TlsStapleRefused,
        Self::TlsOcspFetchFailed,
        Self::ProxyTimeout,
        Self::ProxyTargetForbidden,
        Self::ProxyTargetProhibited,
        Self::ProxyOpen,
        Self::ProxyLoop,
        Self::SocksGeneralFailure,
        Self::SocksForbidden,
        Self::SocksNetworkUnreachable,
        Self::SocksHostUnreachable,
        Self::SocksConnectionRefused,
        Self::SocksTtlExpired,
        Self::SocksCommandUnsupported,
        Self::SocksAddressUnsupported,
        Self::Socks4Rejected,
        Self::Socks4IdentdUnreachable,
        Self::Socks4UserRejected,
        Self::SocksAuthenticationRefused,
        Self::SocksNoAcceptableMethod,
        Self::SocksMalformedReply,
        Self::SocksMalformedRequest,
        Self::SocksFieldTooLarge,
        Self::ProxyAuthenticationRequired,
        Self::ProxyAuthenticationUnsupported,
        Self::ProxyStatus,
        Self::ProxyClosed,
        Self::ProxyTargetUnsupported,
        Self::ProxyTargetInvalid,
        Self::ProxyCredentialsInvalid,
        Self::ProxyRequestUnrecognised,
        Self::Socks4Unauthenticated,
        Self::ProxyCancelled,
        Self::ProxyUrlInvalid,
        Self::ProxyUrlEncoding,
        Self::SendTimeout,
        Self::ResponseTimeout,
        Self::ResponseBodyTimeout,
        Self::AcquireTimeout,
        Self::PoolQueueFull,
        Self::PoolClosed,
        Self::ResponseTooLarge,
        Self::HttpUnexpectedUpgrade,
        Self::ConnectionStale,
        Self::HttpStatus,
        Self::UrlInvalid,
        Self::RequestMemory,
        Self::ClientClosed,
        Self::UpgradeRefused,
        Self::RelayIdleTimeout,
        Self::RelayTotalTimeout,
        Self::CircuitOpen,
        Self::HttpTooManyRedirects,
        Self::HttpInvalidRedirect,
        Self::HttpInsecureRedirect,
        Self::HttpBodyNotReplayable,
        Self::HttpInvalidContent,
        Self::HttpTruncatedContent,
        Self::HttpExpansionTooLarge,
        Self::HttpTooManyCodings,
        Self::AuthenticationUnsupported,
        Self::AuthenticationUnproven,
        Self::SocketDown,
        Self::ReconnectFailed,
    ];

    /// The stable number.
    pub const fn id(self) -> u16 {
        self as u16
    }

    /// The code with this number.
    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.id() == id)
    }

    /// The stable name, as JavaScript sees it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bug => "MILLRACE_BUG",
            Self::System => "MILLRACE_SYSTEM",
            Self::InvalidArgument => "MILLRACE_INVALID_ARGUMENT",
            Self::UnknownOption => "MILLRACE_UNKNOWN_OPTION",
            Self::InvalidState => "MILLRACE_INVALID_STATE",
            Self::StaleId => "MILLRACE_STALE_ID",
            Self::NativeMissing => "MILLRACE_NATIVE_MISSING",
            Self::NativeMismatch => "MILLRACE_NATIVE_MISMATCH",
            Self::RuntimeUnsupported => "MILLRACE_RUNTIME_UNSUPPORTED",
            Self::HandlerFailed => "MILLRACE_HANDLER_FAILED",
            Self::OptionFixed => "MILLRACE_OPTION_FIXED",
            Self::ConnectionClosed => "MILLRACE_CONNECTION_CLOSED",
            Self::ConnectionReset => "MILLRACE_CONNECTION_RESET",
            Self::StreamClosed => "MILLRACE_STREAM_CLOSED",
            Self::ServerClosed => "MILLRACE_SERVER_CLOSED",
            Self::Destroyed => "MILLRACE_DESTROYED",
            Self::BufferDetached => "MILLRACE_BUFFER_DETACHED",
            Self::FileTruncated => "MILLRACE_FILE_TRUNCATED",
            Self::HttpInvalidMethod => "MILLRACE_HTTP_INVALID_METHOD",
            Self::HttpMethodUnsupported => "MILLRACE_HTTP_METHOD_UNSUPPORTED",
            Self::HttpInvalidTarget => "MILLRACE_HTTP_INVALID_TARGET",
            Self::HttpTargetTooLarge => "MILLRACE_HTTP_TARGET_TOO_LARGE",
            Self::HttpInvalidVersion => "MILLRACE_HTTP_INVALID_VERSION",
            Self::HttpVersionUnsupported => "MILLRACE_HTTP_VERSION_UNSUPPORTED",
            Self::HttpInvalidRequestLine => "MILLRACE_HTTP_INVALID_REQUEST_LINE",
            Self::HttpInvalidHeader => "MILLRACE_HTTP_INVALID_HEADER",
            Self::HttpHeadersTooLarge => "MILLRACE_HTTP_HEADERS_TOO_LARGE",
            Self::HttpTooManyFields => "MILLRACE_HTTP_TOO_MANY_FIELDS",
            Self::HttpMissingHost => "MILLRACE_HTTP_MISSING_HOST",
            Self::HttpInvalidHost => "MILLRACE_HTTP_INVALID_HOST",
            Self::HttpInvalidContentLength => "MILLRACE_HTTP_INVALID_CONTENT_LENGTH",
            Self::HttpConflictingFraming => "MILLRACE_HTTP_CONFLICTING_FRAMING",
            Self::HttpInvalidTransferEncoding => "MILLRACE_HTTP_INVALID_TRANSFER_ENCODING",
            Self::HttpTransferEncodingUnsupported => "MILLRACE_HTTP_TRANSFER_ENCODING_UNSUPPORTED",
            Self::HttpInvalidChunk => "MILLRACE_HTTP_INVALID_CHUNK",
            Self::HttpChunkExtensionsTooLarge => "MILLRACE_HTTP_CHUNK_EXTENSIONS_TOO_LARGE",
            Self::HttpTrailersTooLarge => "MILLRACE_HTTP_TRAILERS_TOO_LARGE",
            Self::HttpInvalidTrailer => "MILLRACE_HTTP_INVALID_TRAILER",
            Self::HttpInvalidLineEnding => "MILLRACE_HTTP_INVALID_LINE_ENDING",
            Self::HttpExpectationFailed => "MILLRACE_HTTP_EXPECTATION_FAILED",
            Self::HttpBodyTooLarge => "MILLRACE_HTTP_BODY_TOO_LARGE",
            Self::HttpIncompleteMessage => "MILLRACE_HTTP_INCOMPLETE_MESSAGE",
            Self::HttpInvalidStatusLine => "MILLRACE_HTTP_INVALID_STATUS_LINE",
            Self::HttpTooManyInformational => "MILLRACE_HTTP_TOO_MANY_INFORMATIONAL",
            Self::HttpUnexpectedData => "MILLRACE_HTTP_UNEXPECTED_DATA",
            Self::HttpResponseBodyMismatch => "MILLRACE_HTTP_RESPONSE_BODY_MISMATCH",
            Self::HttpHeadersSent => "MILLRACE_HTTP_HEADERS_SENT",
            Self::HttpBodyUsed => "MILLRACE_HTTP_BODY_USED",
            Self::ProxyProtocolInvalid => "MILLRACE_PROXY_PROTOCOL_INVALID",
            Self::ProxyProtocolMissing => "MILLRACE_PROXY_PROTOCOL_MISSING",
            Self::HeadersTimeout => "MILLRACE_HEADERS_TIMEOUT",
            Self::BodyTimeout => "MILLRACE_BODY_TIMEOUT",
            Self::RequestTimeout => "MILLRACE_REQUEST_TIMEOUT",
            Self::WriteTimeout => "MILLRACE_WRITE_TIMEOUT",
            Self::KeepAliveTimeout => "MILLRACE_KEEP_ALIVE_TIMEOUT",
            Self::ReceiveRate => "MILLRACE_RECEIVE_RATE",
            Self::SendRate => "MILLRACE_SEND_RATE",
            Self::TlsHandshakeTimeout => "MILLRACE_TLS_HANDSHAKE_TIMEOUT",
            Self::ConnectTimeout => "MILLRACE_CONNECT_TIMEOUT",
            Self::TlsTimeout => "MILLRACE_TLS_TIMEOUT",
            Self::DnsTimeout => "MILLRACE_DNS_TIMEOUT",
            Self::TotalTimeout => "MILLRACE_TOTAL_TIMEOUT",
            Self::DnsFailed => "MILLRACE_DNS_FAILED",
            Self::DnsNotFound => "MILLRACE_DNS_NOT_FOUND",
            Self::DnsNameInvalid => "MILLRACE_DNS_NAME_INVALID",
            Self::HandlerTimeout => "MILLRACE_HANDLER_TIMEOUT",
            Self::Deadline => "MILLRACE_DEADLINE",
            Self::ConnectionsLimit => "MILLRACE_CONNECTIONS_LIMIT",
            Self::CollectedTooLarge => "MILLRACE_COLLECTED_TOO_LARGE",
            Self::ClientConnectionsLimit => "MILLRACE_CLIENT_CONNECTIONS_LIMIT",
            Self::ClientDenied => "MILLRACE_CLIENT_DENIED",
            Self::RateLimited => "MILLRACE_RATE_LIMITED",
            Self::MemoryLimit => "MILLRACE_MEMORY_LIMIT",
            Self::OutOfMemory => "MILLRACE_OUT_OF_MEMORY",
            Self::ClientReputation => "MILLRACE_CLIENT_REPUTATION",
            Self::DispatchInvalid => "MILLRACE_DISPATCH_INVALID",
            Self::TlsFileFailed => "MILLRACE_TLS_FILE_FAILED",
            Self::SocketUsed => "MILLRACE_SOCKET_USED",
            Self::TlsCertificateExpired => "MILLRACE_TLS_CERTIFICATE_EXPIRED",
            Self::TlsCertificateNotYetValid => "MILLRACE_TLS_CERTIFICATE_NOT_YET_VALID",
            Self::TlsUnknownCa => "MILLRACE_TLS_UNKNOWN_CA",
            Self::TlsSelfSigned => "MILLRACE_TLS_SELF_SIGNED",
            Self::TlsWrongHost => "MILLRACE_TLS_WRONG_HOST",
            Self::TlsCertificateRevoked => "MILLRACE_TLS_CERTIFICATE_REVOKED",
            Self::TlsRevocationUnknown => "MILLRACE_TLS_REVOCATION_UNKNOWN",
            Self::TlsCrlExpired => "MILLRACE_TLS_CRL_EXPIRED",
            Self::TlsNameConstraints => "MILLRACE_TLS_NAME_CONSTRAINTS",
            Self::TlsWeakSignature => "MILLRACE_TLS_WEAK_SIGNATURE",
            Self::TlsWrongPurpose => "MILLRACE_TLS_WRONG_PURPOSE",
            Self::TlsBadCertificate => "MILLRACE_TLS_BAD_CERTIFICATE",
            Self::TlsCertificateRequired => "MILLRACE_TLS_CERTIFICATE_REQUIRED",
            Self::TlsPinMismatch => "MILLRACE_TLS_PIN_MISMATCH",
            Self::TlsOcspMissing => "MILLRACE_TLS_OCSP_MISSING",
            Self::TlsOcspInvalid => "MILLRACE_TLS_OCSP_INVALID",
            Self::TlsCtMissing => "MILLRACE_TLS_CT_MISSING",
            Self::TlsNoSharedVersion => "MILLRACE_TLS_NO_SHARED_VERSION",
            Self::TlsNoSharedSuite => "MILLRACE_TLS_NO_SHARED_SUITE",
            Self::TlsNoSharedAlpn => "MILLRACE_TLS_NO_SHARED_ALPN",
            Self::TlsHandshakeTruncated => "MILLRACE_TLS_HANDSHAKE_TRUNCATED",
            Self::TlsTruncated => "MILLRACE_TLS_TRUNCATED",
            Self::TlsAlertReceived => "MILLRACE_TLS_ALERT_RECEIVED",
            Self::TlsRecordOverflow => "MILLRACE_TLS_RECORD_OVERFLOW",
            Self::TlsDecryptFailed => "MILLRACE_TLS_DECRYPT_FAILED",
            Self::TlsInvalidMessage => "MILLRACE_TLS_INVALID_MESSAGE",
            Self::TlsPlainHttp => "MILLRACE_TLS_PLAIN_HTTP",
            Self::TlsBufferLimit => "MILLRACE_TLS_BUFFER_LIMIT",
            Self::TlsNoCertificate => "MILLRACE_TLS_NO_CERTIFICATE",
            Self::TlsInvalidConfiguration => "MILLRACE_TLS_INVALID_CONFIGURATION",
            Self::TlsExhausted => "MILLRACE_TLS_EXHAUSTED",
            Self::TlsEarlyDataRefused => "MILLRACE_TLS_EARLY_DATA_REFUSED",
            Self::TlsOcspUnknown => "MILLRACE_TLS_OCSP_UNKNOWN",
            Self::TlsStapleRefused => "MILLRACE_TLS_STAPLE_REFUSED",
            Self::TlsOcspFetchFailed => "MILLRACE_TLS_OCSP_FETCH_FAILED",
            Self::ProxyTimeout => "MILLRACE_PROXY_TIMEOUT",
            Self::ProxyTargetForbidden => "MILLRACE_PROXY_TARGET_FORBIDDEN",
            Self::ProxyTargetProhibited => "MILLRACE_PROXY_TARGET_PROHIBITED",
            Self::ProxyOpen => "MILLRACE_PROXY_OPEN",
            Self::ProxyLoop => "MILLRACE_PROXY_LOOP",
            Self::SocksGeneralFailure => "MILLRACE_SOCKS_GENERAL_FAILURE",
            Self::SocksForbidden => "MILLRACE_SOCKS_FORBIDDEN",
            Self::SocksNetworkUnreachable => "MILLRACE_SOCKS_NETWORK_UNREACHABLE",
            Self::SocksHostUnreachable => "MILLRACE_SOCKS_HOST_UNREACHABLE",
            Self::SocksConnectionRefused => "MILLRACE_SOCKS_CONNECTION_REFUSED",
            Self::SocksTtlExpired => "MILLRACE_SOCKS_TTL_EXPIRED",
            Self::SocksCommandUnsupported => "MILLRACE_SOCKS_COMMAND_UNSUPPORTED",
            Self::SocksAddressUnsupported => "MILLRACE_SOCKS_ADDRESS_UNSUPPORTED",
            Self::Socks4Rejected => "MILLRACE_SOCKS4_REJECTED",
            Self::Socks4IdentdUnreachable => "MILLRACE_SOCKS4_IDENTD_UNREACHABLE",
            Self::Socks4UserRejected => "MILLRACE_SOCKS4_USER_REJECTED",
            Self::SocksAuthenticationRefused => "MILLRACE_SOCKS_AUTHENTICATION_REFUSED",
            Self::SocksNoAcceptableMethod => "MILLRACE_SOCKS_NO_ACCEPTABLE_METHOD",
            Self::SocksMalformedReply => "MILLRACE_SOCKS_MALFORMED_REPLY",
            Self::SocksMalformedRequest => "MILLRACE_SOCKS_MALFORMED_REQUEST",
            Self::SocksFieldTooLarge => "MILLRACE_SOCKS_FIELD_TOO_LARGE",
            Self::ProxyAuthenticationRequired => "MILLRACE_PROXY_AUTHENTICATION_REQUIRED",
            Self::ProxyAuthenticationUnsupported => "MILLRACE_PROXY_AUTHENTICATION_UNSUPPORTED",
            Self::ProxyStatus => "MILLRACE_PROXY_STATUS",
            Self::ProxyClosed => "MILLRACE_PROXY_CLOSED",
            Self::ProxyTargetUnsupported => "MILLRACE_PROXY_TARGET_UNSUPPORTED",
            Self::ProxyTargetInvalid => "MILLRACE_PROXY_TARGET_INVALID",
            Self::ProxyCredentialsInvalid => "MILLRACE_PROXY_CREDENTIALS_INVALID",
            Self::ProxyRequestUnrecognised => "MILLRACE_PROXY_REQUEST_UNRECOGNISED",
            Self::Socks4Unauthenticated => "MILLRACE_SOCKS4_UNAUTHENTICATED",
            Self::ProxyCancelled => "MILLRACE_PROXY_CANCELLED",
            Self::ProxyUrlInvalid => "MILLRACE_PROXY_URL_INVALID",
            Self::ProxyUrlEncoding => "MILLRACE_PROXY_URL_ENCODING",
            Self::SendTimeout => "MILLRACE_SEND_TIMEOUT",
            Self::ResponseTimeout => "MILLRACE_RESPONSE_TIMEOUT",
            Self::ResponseBodyTimeout => "MILLRACE_RESPONSE_BODY_TIMEOUT",
            Self::AcquireTimeout => "MILLRACE_ACQUIRE_TIMEOUT",
            Self::PoolQueueFull => "MILLRACE_POOL_QUEUE_FULL",
            Self::PoolClosed => "MILLRACE_POOL_CLOSED",
            Self::ResponseTooLarge => "MILLRACE_RESPONSE_TOO_LARGE",
            Self::HttpUnexpectedUpgrade => "MILLRACE_HTTP_UNEXPECTED_UPGRADE",
            Self::ConnectionStale => "MILLRACE_CONNECTION_STALE",
            Self::HttpStatus => "MILLRACE_HTTP_STATUS",
            Self::UrlInvalid => "MILLRACE_URL_INVALID",
            Self::RequestMemory => "MILLRACE_REQUEST_MEMORY",
            Self::ClientClosed => "MILLRACE_CLIENT_CLOSED",
            Self::UpgradeRefused => "MILLRACE_UPGRADE_REFUSED",
            Self::RelayIdleTimeout => "MILLRACE_RELAY_IDLE_TIMEOUT",
            Self::RelayTotalTimeout => "MILLRACE_RELAY_TOTAL_TIMEOUT",
            Self::CircuitOpen => "MILLRACE_CIRCUIT_OPEN",
            Self::HttpTooManyRedirects => "MILLRACE_HTTP_TOO_MANY_REDIRECTS",
            Self::HttpInvalidRedirect => "MILLRACE_HTTP_INVALID_REDIRECT",
            Self::HttpInsecureRedirect => "MILLRACE_HTTP_INSECURE_REDIRECT",
            Self::HttpBodyNotReplayable => "MILLRACE_HTTP_BODY_NOT_REPLAYABLE",
            Self::HttpInvalidContent => "MILLRACE_HTTP_INVALID_CONTENT",
            Self::HttpTruncatedContent => "MILLRACE_HTTP_TRUNCATED_CONTENT",
            Self::HttpExpansionTooLarge => "MILLRACE_HTTP_EXPANSION_TOO_LARGE",
            Self::HttpTooManyCodings => "MILLRACE_HTTP_TOO_MANY_CODINGS",
            Self::AuthenticationUnsupported => "MILLRACE_AUTHENTICATION_UNSUPPORTED",
            Self::AuthenticationUnproven => "MILLRACE_AUTHENTICATION_UNPROVEN",
            Self::SocketDown => "MILLRACE_SOCKET_DOWN",
            Self::ReconnectFailed => "MILLRACE_RECONNECT_FAILED",
        }
    }

    /// What happened, in words. Not stable.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Bug => "millrace broke one of its own rules; the connection it happened on was closed",
            Self::System => "a system call failed; errno and syscall say which",
            Self::InvalidArgument => "an argument has the wrong type or lies outside its range",
            Self::UnknownOption => "no option has this name",
            Self::InvalidState => "the call does not fit the state of the object",
            Self::StaleId => "the exchange, connection or server that this id named has ended",
            Self::NativeMissing => "no prebuilt binary for this platform could be loaded",
            Self::NativeMismatch => "the binary was built for another version of the package",
            Self::RuntimeUnsupported => "this JavaScript runtime cannot host the native core",
            Self::HandlerFailed => {
                "a request handler threw, rejected or answered with something that is not a response"
            }
            Self::OptionFixed => "the option cannot change while the server runs",
            Self::ConnectionClosed => "the peer closed the connection",
            Self::ConnectionReset => "the peer reset the connection",
            Self::StreamClosed => "the exchange has ended",
            Self::ServerClosed => "the server was closed",
            Self::Destroyed => "our side destroyed the exchange or connection",
            Self::BufferDetached => "an ArrayBuffer that was queued for sending was detached before it was sent",
            Self::FileTruncated => {
                "a file that was queued for sending became shorter, or could not be read, before it was sent"
            }
            Self::HttpInvalidMethod => "the method is not a token (RFC 9110 §9.1)",
            Self::HttpMethodUnsupported => "the method is not one that this parser knows (RFC 9110 §15.6.2)",
            Self::HttpInvalidTarget => "the request target breaks RFC 9112 §3.2",
            Self::HttpTargetTooLarge => "the request target is longer than maxUrlSize",
            Self::HttpInvalidVersion => "the protocol version is missing or malformed (RFC 9112 §2.3)",
            Self::HttpVersionUnsupported => "the HTTP version is neither 1.0 nor 1.1",
            Self::HttpInvalidRequestLine => "the request line breaks RFC 9112 §3",
            Self::HttpInvalidHeader => "a field name or value breaks RFC 9110 §5.1, §5.5 or RFC 9112 §5",
            Self::HttpHeadersTooLarge => "the header block is larger than maxHeaderSize",
            Self::HttpTooManyFields => "the header block has more fields than maxHeaderFields",
            Self::HttpMissingHost => "an HTTP/1.1 request has no Host field (RFC 9112 §3.2)",
            Self::HttpInvalidHost => "the Host field is repeated or malformed (RFC 9112 §3.2)",
            Self::HttpInvalidContentLength => "Content-Length is repeated, malformed or too large (RFC 9112 §6.3)",
            Self::HttpConflictingFraming => "Content-Length and Transfer-Encoding together (RFC 9112 §6.1)",
            Self::HttpInvalidTransferEncoding => "Transfer-Encoding breaks RFC 9112 §6.1",
            Self::HttpTransferEncodingUnsupported => "a transfer coding other than chunked (RFC 9112 §6.1)",
            Self::HttpInvalidChunk => "a chunk size, extension or ending breaks RFC 9112 §7.1",
            Self::HttpChunkExtensionsTooLarge => "the chunk extensions of one body are larger than 4 KiB",
            Self::HttpTrailersTooLarge => "the trailer section is larger than 16 KiB",
            Self::HttpInvalidTrailer => {
                "a trailer field is malformed or one that must not be a trailer (RFC 9110 §6.5.1)"
            }
            Self::HttpInvalidLineEnding => "a bare LF or a bare CR where CRLF must stand (RFC 9112 §2.2)",
            Self::HttpExpectationFailed => "an expectation other than 100-continue (RFC 9110 §10.1.1)",
            Self::HttpBodyTooLarge => "the body is larger than its limit",
            Self::HttpIncompleteMessage => "the connection ended inside a message (RFC 9112 §8)",
            Self::HttpInvalidStatusLine => "the status line breaks RFC 9112 §4",
            Self::HttpTooManyInformational => "more than 16 1xx responses before one final response",
            Self::HttpUnexpectedData => "bytes after a message that ends the connection",
            Self::HttpResponseBodyMismatch => "the response body is not as long as its Content-Length says",
            Self::HttpHeadersSent => "the response head has gone out already",
            Self::HttpBodyUsed => "the body has been read or is being read",
            Self::ProxyProtocolInvalid => "the PROXY protocol head is malformed",
            Self::ProxyProtocolMissing => {
                "proxyProtocol is 'required' and the connection does not begin with a PROXY head"
            }
            Self::HeadersTimeout => "the request head did not arrive within headersTimeout",
            Self::BodyTimeout => "no body byte arrived for bodyTimeout",
            Self::RequestTimeout => "the request did not arrive whole within requestTimeout",
            Self::WriteTimeout => "the peer took no byte of the response for writeTimeout",
            Self::KeepAliveTimeout => "no next request began within keepAliveTimeout",
            Self::ReceiveRate => "the request body arrived more slowly than minReceiveRate",
            Self::SendRate => "the peer took the response more slowly than minSendRate",
            Self::TlsHandshakeTimeout => "the TLS handshake was not over within tlsHandshakeTimeout",
            Self::ConnectTimeout => "no connection within timeouts.connect",
            Self::TlsTimeout => "the TLS handshake was not over within timeouts.tls",
            Self::DnsTimeout => "the resolver did not answer within timeouts.dns",
            Self::TotalTimeout => "the operation was not over within timeouts.total",
            Self::DnsFailed => "the name could not be resolved: no server gave a usable answer",
            Self::DnsNotFound => "the name does not exist, or has no address of the family that was asked for",
            Self::DnsNameInvalid => "the host is neither an IP address nor a name that can be asked for",
            Self::HandlerTimeout => "the handler did not begin its answer within handlerTimeout",
            Self::Deadline => "the caller's own deadline has passed",
            Self::ConnectionsLimit => "the server has as many connections as maxConnections allows",
            Self::CollectedTooLarge => "a body that is collected whole is larger than maxCollectedSize",
            Self::ClientConnectionsLimit => "the client has as many connections as maxConnectionsPerIp allows",
            Self::ClientDenied => "the client's address is not let in by allow and deny",
            Self::RateLimited => "more requests came than a rate limit allows",
            Self::MemoryLimit => "the process holds as much memory for its peers as setMaxMemory allows",
            Self::OutOfMemory => "the system gave no memory for bytes that came or are to be sent",
            Self::ClientReputation => "the client has broken too many rules of late",
            Self::DispatchInvalid => "a dispatch function gave its handler what is no response, or out of order",
            Self::TlsFileFailed => "a file that an option of TLS names cannot be read, or written",
            Self::SocketUsed => {
                "the socket is read already: by an iteration, by 'data' events, by a Duplex of it, or by a relay"
            }
            Self::TlsCertificateExpired => "the peer's certificate has expired",
            Self::TlsCertificateNotYetValid => "the peer's certificate is not valid yet",
            Self::TlsUnknownCa => "the peer's certificate chain does not lead to a CA that is trusted here",
            Self::TlsSelfSigned => "the peer's certificate is signed by itself and is not trusted here",
            Self::TlsWrongHost => "the peer's certificate is not for the name that was asked for",
            Self::TlsCertificateRevoked => "the peer's certificate has been revoked",
            Self::TlsRevocationUnknown => "no CRL says whether the peer's certificate has been revoked",
            Self::TlsCrlExpired => "the CRL that covers the peer's certificate is past its nextUpdate",
            Self::TlsNameConstraints => {
                "a name in the peer's certificate lies outside the name constraints of its CA (RFC 5280 §4.2.1.10)"
            }
            Self::TlsWeakSignature => {
                "a key or signature in the peer's chain is too weak or of a kind that is not supported"
            }
            Self::TlsWrongPurpose => {
                "the peer's certificate is not for this side of TLS (extended key usage, RFC 5280 §4.2.1.12)"
            }
            Self::TlsBadCertificate => "a certificate of the peer is malformed or a signature in its chain is wrong",
            Self::TlsCertificateRequired => "the client sent no certificate and one is required",
            Self::TlsPinMismatch => "no certificate of the peer's chain has a key that is pinned",
            Self::TlsOcspMissing => "the peer stapled no OCSP response and the policy asks for one",
            Self::TlsOcspInvalid => {
                "the OCSP response of the peer is malformed, stale, for another certificate or not signed by its CA (RFC 6960 §3.2)"
            }
            Self::TlsCtMissing => {
                "the peer's certificate has fewer valid timestamps of known logs than the policy asks for (RFC 6962)"
            }
            Self::TlsNoSharedVersion => "the peer speaks no TLS version that is allowed here",
            Self::TlsNoSharedSuite => {
                "the peer has no cipher suite, group or signature scheme in common with this side"
            }
            Self::TlsNoSharedAlpn => "the peer has no application protocol in common with this side (RFC 7301)",
            Self::TlsHandshakeTruncated => "the connection ended inside the TLS handshake",
            Self::TlsTruncated => "the connection ended without close_notify, so data may be missing (RFC 8446 §6.1)",
            Self::TlsAlertReceived => "the peer ended the TLS session with an alert",
            Self::TlsRecordOverflow => "a TLS record or handshake message of the peer is larger than TLS allows",
            Self::TlsDecryptFailed => "a TLS record or signature of the peer does not verify",
            Self::TlsInvalidMessage => "a TLS message of the peer is malformed or stands in the wrong place",
            Self::TlsPlainHttp => "plain HTTP was sent to a TLS port",
            Self::TlsBufferLimit => "the peer sent more than is kept while a certificate is chosen",
            Self::TlsNoCertificate => "there is no certificate for the name that the client asked for",
            Self::TlsInvalidConfiguration => {
                "a certificate, key, CRL, suite, pin or other TLS option is malformed or does not fit the others"
            }
            Self::TlsExhausted => "the TLS keys of the connection have sealed as much as they may",
            Self::TlsEarlyDataRefused => "the server did not accept the early data; it has to be sent again",
            Self::TlsOcspUnknown => "the OCSP responder of the CA does not know the peer's certificate",
            Self::TlsStapleRefused => {
                "the OCSP response that was to be stapled is not a good one for the certificate; nothing or the one before is stapled"
            }
            Self::TlsOcspFetchFailed => "the OCSP responder of the CA cannot be asked, or gave no answer that is one",
            Self::ProxyTimeout => "the handshake with a proxy was not over within timeouts.proxy",
            Self::ProxyTargetForbidden => "the proxy's rules do not let this target be reached",
            Self::ProxyTargetProhibited => {
                "the target is a loopback, private or link-local address, or the proxy itself; the option 'allowPrivate' lets all but the last be reached"
            }
            Self::ProxyOpen => {
                "a proxy that others can reach needs auth, rules or authorize; 'open: true' says that everybody may use it"
            }
            Self::ProxyLoop => "the way leads back to the proxy itself: it would go round in a circle for ever",
            Self::SocksGeneralFailure => "the proxy reports a general failure (RFC 1928 §6, reply 1)",
            Self::SocksForbidden => "the proxy's rules forbid the connection (RFC 1928 §6, reply 2)",
            Self::SocksNetworkUnreachable => "the proxy cannot reach the target's network (RFC 1928 §6, reply 3)",
            Self::SocksHostUnreachable => "the proxy cannot reach the target (RFC 1928 §6, reply 4)",
            Self::SocksConnectionRefused => "the target refused the proxy's connection (RFC 1928 §6, reply 5)",
            Self::SocksTtlExpired => "the proxy's connection to the target expired (RFC 1928 §6, reply 6)",
            Self::SocksCommandUnsupported => "the proxy does not support the command (RFC 1928 §6, reply 7)",
            Self::SocksAddressUnsupported => {
                "the proxy does not support the type of the address (RFC 1928 §6, reply 8)"
            }
            Self::Socks4Rejected => "the proxy rejected the request or failed at it (SOCKS4, reply 91)",
            Self::Socks4IdentdUnreachable => "the proxy could not reach identd on this host (SOCKS4, reply 92)",
            Self::Socks4UserRejected => "identd and this client name different users (SOCKS4, reply 93)",
            Self::SocksAuthenticationRefused => "the proxy refused the user name and password (RFC 1929 §2)",
            Self::SocksNoAcceptableMethod => "client and proxy have no authentication method in common (RFC 1928 §3)",
            Self::SocksMalformedReply => "a reply of the proxy breaks RFC 1928, RFC 1929 or the SOCKS4 protocol",
            Self::SocksMalformedRequest => "a request to the proxy breaks RFC 1928, RFC 1929 or the SOCKS4 protocol",
            Self::SocksFieldTooLarge => "a name or user id of a SOCKS4 request is longer than 255 bytes",
            Self::ProxyAuthenticationRequired => "the proxy wants other credentials, or any (RFC 9110 §15.5.8)",
            Self::ProxyAuthenticationUnsupported => {
                "the proxy offers no authentication scheme that millrace knows: Basic, or Digest with MD5, SHA-256 or SHA-512-256"
            }
            Self::ProxyStatus => "the proxy answered CONNECT with a status outside 2xx",
            Self::ProxyClosed => "the proxy ended the connection within the handshake",
            Self::ProxyTargetUnsupported => {
                "this kind of proxy cannot be asked for this target: SOCKS4 takes IPv4 alone, SOCKS4 and SOCKS5 no name, only SOCKS5 UDP"
            }
            Self::ProxyTargetInvalid => {
                "the target's name is empty, longer than 255 bytes or holds bytes that no name has, or its port is 0"
            }
            Self::ProxyCredentialsInvalid => {
                "user name or password are too long for this kind of proxy, or hold bytes that it cannot carry"
            }
            Self::ProxyRequestUnrecognised => {
                "the first byte to the proxy is neither SOCKS4, SOCKS5 nor the beginning of an HTTP request"
            }
            Self::Socks4Unauthenticated => "SOCKS4 carries no password and the proxy demands authentication",
            Self::ProxyCancelled => "our side cancelled the handshake with the proxy",
            Self::ProxyUrlInvalid => {
                "a proxy's URL has an unknown scheme, no host, or parts that a proxy's URL cannot have"
            }
            Self::ProxyUrlEncoding => "user name or password of a proxy's URL hold a malformed percent-encoding",
            Self::SendTimeout => "the server took no byte of the request for timeouts.send",
            Self::ResponseTimeout => "the response did not begin within timeouts.headers",
            Self::ResponseBodyTimeout => "no byte of the response's body arrived for timeouts.body",
            Self::AcquireTimeout => "no connection of the pool became free within timeouts.acquire",
            Self::PoolQueueFull => "more requests wait for a connection to this origin than maxQueued",
            Self::PoolClosed => "the connection pool is draining or has been stopped",
            Self::ResponseTooLarge => "the response's body is larger than maxResponseSize",
            Self::HttpUnexpectedUpgrade => {
                "the server switched protocols although nobody asked for that (RFC 9110 §15.2.2)"
            }
            Self::ConnectionStale => "the idle connection had ended before the request could be sent on it",
            Self::HttpStatus => "the response's status is 400 or more, and throwOnError is on",
            Self::UrlInvalid => "the URL cannot be requested: it is malformed, or its scheme is neither http nor https",
            Self::RequestMemory => "more would have to be buffered for one request than maxMemoryPerRequest",
            Self::ClientClosed => "the client was closed",
            Self::UpgradeRefused => "the server did not switch protocols",
            Self::RelayIdleTimeout => "no byte went through the relay for the idle time",
            Self::RelayTotalTimeout => "the relay did not end within its total time",
            Self::CircuitOpen => "the circuit breaker of this origin is open: it has failed too often of late",
            Self::HttpTooManyRedirects => "the server redirected more often than maxRedirects",
            Self::HttpInvalidRedirect => "the Location of a redirect is no URL of http or https (RFC 9110 §10.2.2)",
            Self::HttpInsecureRedirect => "a redirect leads from https to http, which is not followed",
            Self::HttpBodyNotReplayable => "the request has to be sent again and its body, a stream, cannot be",
            Self::HttpInvalidContent => "the body is not what its Content-Encoding says (RFC 9110 §8.4)",
            Self::HttpTruncatedContent => "the body ended within its compressed data (RFC 9110 §8.4)",
            Self::HttpExpansionTooLarge => "the body expands by more than maxExpansion",
            Self::HttpTooManyCodings => "the body has more content codings than are undone, one within the other",
            Self::AuthenticationUnsupported => {
                "the server offers no authentication scheme that millrace can answer; NTLM and Negotiate are not spoken"
            }
            Self::AuthenticationUnproven => {
                "the server did not prove that it knows the password: its rspauth is wrong (RFC 7616 §3.5)"
            }
            Self::SocketDown => "the connection is down and is being made again",
            Self::ReconnectFailed => "the connection could not be made again within the attempts that it has",
        }
    }

    /// Whose fault it is.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Bug => Kind::Bug,
            Self::System => Kind::System,
            Self::InvalidArgument => Kind::Misuse,
            Self::UnknownOption => Kind::Misuse,
            Self::InvalidState => Kind::Misuse,
            Self::StaleId => Kind::Closed,
            Self::NativeMissing => Kind::System,
            Self::NativeMismatch => Kind::System,
            Self::RuntimeUnsupported => Kind::Misuse,
            Self::HandlerFailed => Kind::Misuse,
            Self::OptionFixed => Kind::Misuse,
            Self::ConnectionClosed => Kind::Closed,
            Self::ConnectionReset => Kind::Closed,
            Self::StreamClosed => Kind::Closed,
            Self::ServerClosed => Kind::Closed,
            Self::Destroyed => Kind::Closed,
            Self::BufferDetached => Kind::Misuse,
            Self::FileTruncated => Kind::System,
            Self::HttpInvalidMethod => Kind::Protocol,
            Self::HttpMethodUnsupported => Kind::Protocol,
            Self::HttpInvalidTarget => Kind::Protocol,
            Self::HttpTargetTooLarge => Kind::Limit,
            Self::HttpInvalidVersion => Kind::Protocol,
            Self::HttpVersionUnsupported => Kind::Protocol,
            Self::HttpInvalidRequestLine => Kind::Protocol,
            Self::HttpInvalidHeader => Kind::Protocol,
            Self::HttpHeadersTooLarge => Kind::Limit,
            Self::HttpTooManyFields => Kind::Limit,
            Self::HttpMissingHost => Kind::Protocol,
            Self::HttpInvalidHost => Kind::Protocol,
            Self::HttpInvalidContentLength => Kind::Protocol,
            Self::HttpConflictingFraming => Kind::Protocol,
            Self::HttpInvalidTransferEncoding => Kind::Protocol,
            Self::HttpTransferEncodingUnsupported => Kind::Protocol,
            Self::HttpInvalidChunk => Kind::Protocol,
            Self::HttpChunkExtensionsTooLarge => Kind::Limit,
            Self::HttpTrailersTooLarge => Kind::Limit,
            Self::HttpInvalidTrailer => Kind::Protocol,
            Self::HttpInvalidLineEnding => Kind::Protocol,
            Self::HttpExpectationFailed => Kind::Protocol,
            Self::HttpBodyTooLarge => Kind::Limit,
            Self::HttpIncompleteMessage => Kind::Protocol,
            Self::HttpInvalidStatusLine => Kind::Protocol,
            Self::HttpTooManyInformational => Kind::Limit,
            Self::HttpUnexpectedData => Kind::Protocol,
            Self::HttpResponseBodyMismatch => Kind::Misuse,
            Self::HttpHeadersSent => Kind::Misuse,
            Self::HttpBodyUsed => Kind::Misuse,
            Self::ProxyProtocolInvalid => Kind::Protocol,
            Self::ProxyProtocolMissing => Kind::Protocol,
            Self::HeadersTimeout => Kind::Timeout,
            Self::BodyTimeout => Kind::Timeout,
            Self::RequestTimeout => Kind::Timeout,
            Self::WriteTimeout => Kind::Timeout,
            Self::KeepAliveTimeout => Kind::Timeout,
            Self::ReceiveRate => Kind::Timeout,
            Self::SendRate => Kind::Timeout,
            Self::TlsHandshakeTimeout => Kind::Timeout,
            Self::ConnectTimeout => Kind::Timeout,
            Self::TlsTimeout => Kind::Timeout,
            Self::DnsTimeout => Kind::Timeout,
            Self::TotalTimeout => Kind::Timeout,
            Self::DnsFailed => Kind::System,
            Self::DnsNotFound => Kind::System,
            Self::DnsNameInvalid => Kind::Misuse,
            Self::HandlerTimeout => Kind::Timeout,
            Self::Deadline => Kind::Timeout,
            Self::ConnectionsLimit => Kind::Limit,
            Self::CollectedTooLarge => Kind::Limit,
            Self::ClientConnectionsLimit => Kind::Limit,
            Self::ClientDenied => Kind::Limit,
            Self::RateLimited => Kind::Limit,
            Self::MemoryLimit => Kind::Limit,
            Self::OutOfMemory => Kind::System,
            Self::ClientReputation => Kind::Limit,
            Self::DispatchInvalid => Kind::Misuse,
            Self::TlsFileFailed => Kind::System,
            Self::SocketUsed => Kind::Misuse,
            Self::TlsCertificateExpired => Kind::Protocol,
            Self::TlsCertificateNotYetValid => Kind::Protocol,
            Self::TlsUnknownCa => Kind::Protocol,
            Self::TlsSelfSigned => Kind::Protocol,
            Self::TlsWrongHost => Kind::Protocol,
            Self::TlsCertificateRevoked => Kind::Protocol,
            Self::TlsRevocationUnknown => Kind::Protocol,
            Self::TlsCrlExpired => Kind::Protocol,
            Self::TlsNameConstraints => Kind::Protocol,
            Self::TlsWeakSignature => Kind::Protocol,
            Self::TlsWrongPurpose => Kind::Protocol,
            Self::TlsBadCertificate => Kind::Protocol,
            Self::TlsCertificateRequired => Kind::Protocol,
            Self::TlsPinMismatch => Kind::Protocol,
            Self::TlsOcspMissing => Kind::Protocol,
            Self::TlsOcspInvalid => Kind::Protocol,
            Self::TlsCtMissing => Kind::Protocol,
            Self::TlsNoSharedVersion => Kind::Protocol,
            Self::TlsNoSharedSuite => Kind::Protocol,
            Self::TlsNoSharedAlpn => Kind::Protocol,
            Self::TlsHandshakeTruncated => Kind::Closed,
            Self::TlsTruncated => Kind::Closed,
            Self::TlsAlertReceived => Kind::Protocol,
            Self::TlsRecordOverflow => Kind::Protocol,
            Self::TlsDecryptFailed => Kind::Protocol,
            Self::TlsInvalidMessage => Kind::Protocol,
            Self::TlsPlainHttp => Kind::Protocol,
            Self::TlsBufferLimit => Kind::Limit,
            Self::TlsNoCertificate => Kind::Misuse,
            Self::TlsInvalidConfiguration => Kind::Misuse,
            Self::TlsExhausted => Kind::Closed,
            Self::TlsEarlyDataRefused => Kind::Protocol,
            Self::TlsOcspUnknown => Kind::Protocol,
            Self::TlsStapleRefused => Kind::Protocol,
            Self::TlsOcspFetchFailed => Kind::Protocol,
            Self::ProxyTimeout => Kind::Timeout,
            Self::ProxyTargetForbidden => Kind::Protocol,
            Self::ProxyTargetProhibited => Kind::Protocol,
            Self::ProxyOpen => Kind::Misuse,
            Self::ProxyLoop => Kind::Misuse,
            Self::SocksGeneralFailure => Kind::System,
            Self::SocksForbidden => Kind::Protocol,
            Self::SocksNetworkUnreachable => Kind::System,
            Self::SocksHostUnreachable => Kind::System,
            Self::SocksConnectionRefused => Kind::System,
            Self::SocksTtlExpired => Kind::System,
            Self::SocksCommandUnsupported => Kind::Protocol,
            Self::SocksAddressUnsupported => Kind::Protocol,
            Self::Socks4Rejected => Kind::System,
            Self::Socks4IdentdUnreachable => Kind::Protocol,
            Self::Socks4UserRejected => Kind::Protocol,
            Self::SocksAuthenticationRefused => Kind::Protocol,
            Self::SocksNoAcceptableMethod => Kind::Protocol,
            Self::SocksMalformedReply => Kind::Protocol,
            Self::SocksMalformedRequest => Kind::Protocol,
            Self::SocksFieldTooLarge => Kind::Limit,
            Self::ProxyAuthenticationRequired => Kind::Protocol,
            Self::ProxyAuthenticationUnsupported => Kind::Protocol,
            Self::ProxyStatus => Kind::Protocol,
            Self::ProxyClosed => Kind::Closed,
            Self::ProxyTargetUnsupported => Kind::Misuse,
            Self::ProxyTargetInvalid => Kind::Misuse,
            Self::ProxyCredentialsInvalid => Kind::Misuse,
            Self::ProxyRequestUnrecognised => Kind::Protocol,
            Self::Socks4Unauthenticated => Kind::Protocol,
            Self::ProxyCancelled => Kind::Closed,
            Self::ProxyUrlInvalid => Kind::Misuse,
            Self::ProxyUrlEncoding => Kind::Misuse,
            Self::SendTimeout => Kind::Timeout,
            Self::ResponseTimeout => Kind::Timeout,
            Self::ResponseBodyTimeout => Kind::Timeout,
            Self::AcquireTimeout => Kind::Timeout,
            Self::PoolQueueFull => Kind::Limit,
            Self::PoolClosed => Kind::Closed,
            Self::ResponseTooLarge => Kind::Limit,
            Self::HttpUnexpectedUpgrade => Kind::Protocol,
            Self::ConnectionStale => Kind::Closed,
            Self::HttpStatus => Kind::Protocol,
            Self::UrlInvalid => Kind::Misuse,
            Self::RequestMemory => Kind::Limit,
            Self::ClientClosed => Kind::Closed,
            Self::UpgradeRefused => Kind::Protocol,
            Self::RelayIdleTimeout => Kind::Timeout,
            Self::RelayTotalTimeout => Kind::Timeout,
            Self::CircuitOpen => Kind::Closed,
            Self::HttpTooManyRedirects => Kind::Limit,
            Self::HttpInvalidRedirect => Kind::Protocol,
            Self::HttpInsecureRedirect => Kind::Protocol,
            Self::HttpBodyNotReplayable => Kind::Protocol,
            Self::HttpInvalidContent => Kind::Protocol,
            Self::HttpTruncatedContent => Kind::Protocol,
            Self::HttpExpansionTooLarge => Kind::Limit,
            Self::HttpTooManyCodings => Kind::Limit,
            Self::AuthenticationUnsupported => Kind::Protocol,
            Self::AuthenticationUnproven => Kind::Protocol,
            Self::SocketDown => Kind::Closed,
            Self::ReconnectFailed => Kind::Closed,
        }
    }

    /// The HTTP status that a peer is answered with, where an answer is possible.
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Bug => Some(500),
            Self::System => None,
            Self::InvalidArgument => None,
            Self::UnknownOption => None,
            Self::InvalidState => None,
            Self::StaleId => None,
            Self::NativeMissing => None,
            Self::NativeMismatch => None,
            Self::RuntimeUnsupported => None,
            Self::HandlerFailed => Some(500),
            Self::OptionFixed => None,
            Self::ConnectionClosed => None,
            Self::ConnectionReset => None,
            Self::StreamClosed => None,
            Self::ServerClosed => None,
            Self::Destroyed => None,
            Self::BufferDetached => None,
            Self::FileTruncated => None,
            Self::HttpInvalidMethod => Some(400),
            Self::HttpMethodUnsupported => Some(501),
            Self::HttpInvalidTarget => Some(400),
            Self::HttpTargetTooLarge => Some(414),
            Self::HttpInvalidVersion => Some(400),
            Self::HttpVersionUnsupported => Some(505),
            Self::HttpInvalidRequestLine => Some(400),
            Self::HttpInvalidHeader => Some(400),
            Self::HttpHeadersTooLarge => Some(431),
            Self::HttpTooManyFields => Some(431),
            Self::HttpMissingHost => Some(400),
            Self::HttpInvalidHost => Some(400),
            Self::HttpInvalidContentLength => Some(400),
            Self::HttpConflictingFraming => Some(400),
            Self::HttpInvalidTransferEncoding => Some(400),
            Self::HttpTransferEncodingUnsupported => Some(501),
            Self::HttpInvalidChunk => Some(400),
            Self::HttpChunkExtensionsTooLarge => Some(400),
            Self::HttpTrailersTooLarge => Some(431),
            Self::HttpInvalidTrailer => Some(400),
            Self::HttpInvalidLineEnding => Some(400),
            Self::HttpExpectationFailed => Some(417),
            Self::HttpBodyTooLarge => Some(413),
            Self::HttpIncompleteMessage => Some(400),
            Self::HttpInvalidStatusLine => None,
            Self::HttpTooManyInformational => None,
            Self::HttpUnexpectedData => Some(400),
            Self::HttpResponseBodyMismatch => Some(500),
            Self::HttpHeadersSent => None,
            Self::HttpBodyUsed => None,
            Self::ProxyProtocolInvalid => None,
            Self::ProxyProtocolMissing => None,
            Self::HeadersTimeout => Some(408),
            Self::BodyTimeout => Some(408),
            Self::RequestTimeout => Some(408),
            Self::WriteTimeout => None,
            Self::KeepAliveTimeout => None,
            Self::ReceiveRate => Some(408),
            Self::SendRate => None,
            Self::TlsHandshakeTimeout => None,
            Self::ConnectTimeout => None,
            Self::TlsTimeout => None,
            Self::DnsTimeout => None,
            Self::TotalTimeout => None,
            Self::DnsFailed => None,
            Self::DnsNotFound => None,
            Self::DnsNameInvalid => None,
            Self::HandlerTimeout => Some(503),
            Self::Deadline => None,
            Self::ConnectionsLimit => Some(503),
            Self::CollectedTooLarge => Some(413),
            Self::ClientConnectionsLimit => Some(503),
            Self::ClientDenied => Some(403),
            Self::RateLimited => Some(429),
            Self::MemoryLimit => Some(503),
            Self::OutOfMemory => Some(503),
            Self::ClientReputation => Some(503),
            Self::DispatchInvalid => None,
            Self::TlsFileFailed => None,
            Self::SocketUsed => None,
            Self::TlsCertificateExpired => None,
            Self::TlsCertificateNotYetValid => None,
            Self::TlsUnknownCa => None,
            Self::TlsSelfSigned => None,
            Self::TlsWrongHost => None,
            Self::TlsCertificateRevoked => None,
            Self::TlsRevocationUnknown => None,
            Self::TlsCrlExpired => None,
            Self::TlsNameConstraints => None,
            Self::TlsWeakSignature => None,
            Self::TlsWrongPurpose => None,
            Self::TlsBadCertificate => None,
            Self::TlsCertificateRequired => None,
            Self::TlsPinMismatch => None,
            Self::TlsOcspMissing => None,
            Self::TlsOcspInvalid => None,
            Self::TlsCtMissing => None,
            Self::TlsNoSharedVersion => None,
            Self::TlsNoSharedSuite => None,
            Self::TlsNoSharedAlpn => None,
            Self::TlsHandshakeTruncated => None,
            Self::TlsTruncated => None,
            Self::TlsAlertReceived => None,
            Self::TlsRecordOverflow => None,
            Self::TlsDecryptFailed => None,
            Self::TlsInvalidMessage => None,
            Self::TlsPlainHttp => Some(400),
            Self::TlsBufferLimit => None,
            Self::TlsNoCertificate => None,
            Self::TlsInvalidConfiguration => None,
            Self::TlsExhausted => None,
            Self::TlsEarlyDataRefused => None,
            Self::TlsOcspUnknown => None,
            Self::TlsStapleRefused => None,
            Self::TlsOcspFetchFailed => None,
            Self::ProxyTimeout => None,
            Self::ProxyTargetForbidden => Some(403),
            Self::ProxyTargetProhibited => Some(403),
            Self::ProxyOpen => None,
            Self::ProxyLoop => Some(502),
            Self::SocksGeneralFailure => None,
            Self::SocksForbidden => None,
            Self::SocksNetworkUnreachable => None,
            Self::SocksHostUnreachable => None,
            Self::SocksConnectionRefused => None,
            Self::SocksTtlExpired => None,
            Self::SocksCommandUnsupported => None,
            Self::SocksAddressUnsupported => None,
            Self::Socks4Rejected => None,
            Self::Socks4IdentdUnreachable => None,
            Self::Socks4UserRejected => None,
            Self::SocksAuthenticationRefused => None,
            Self::SocksNoAcceptableMethod => None,
            Self::SocksMalformedReply => None,
            Self::SocksMalformedRequest => Some(400),
            Self::SocksFieldTooLarge => None,
            Self::ProxyAuthenticationRequired => Some(407),
            Self::ProxyAuthenticationUnsupported => None,
            Self::ProxyStatus => None,
            Self::ProxyClosed => None,
            Self::ProxyTargetUnsupported => None,
            Self::ProxyTargetInvalid => None,
            Self::ProxyCredentialsInvalid => None,
            Self::ProxyRequestUnrecognised => None,
            Self::Socks4Unauthenticated => None,
            Self::ProxyCancelled => None,
            Self::ProxyUrlInvalid => None,
            Self::ProxyUrlEncoding => None,
            Self::SendTimeout => None,
            Self::ResponseTimeout => None,
            Self::ResponseBodyTimeout => None,
            Self::AcquireTimeout => None,
            Self::PoolQueueFull => None,
            Self::PoolClosed => None,
            Self::ResponseTooLarge => None,
            Self::HttpUnexpectedUpgrade => None,
            Self::ConnectionStale => None,
            Self::HttpStatus => None,
            Self::UrlInvalid => None,
            Self::RequestMemory => None,
            Self::ClientClosed => None,
            Self::UpgradeRefused => None,
            Self::RelayIdleTimeout => None,
            Self::RelayTotalTimeout => None,
            Self::CircuitOpen => None,
            Self::HttpTooManyRedirects => None,
            Self::HttpInvalidRedirect => None,
            Self::HttpInsecureRedirect => None,
            Self::HttpBodyNotReplayable => None,
            Self::HttpInvalidContent => None,
            Self::HttpTruncatedContent => None,
            Self::HttpExpansionTooLarge => None,
            Self::HttpTooManyCodings => None,
            Self::AuthenticationUnsupported => None,
            Self::AuthenticationUnproven => None,
            Self::SocketDown => None,
            Self::ReconnectFailed => None,
        }
    }
}
