// Made by scripts/generate.mjs from crates/error/codes.json. Do not edit.

/** Every code that a MillraceError can carry. Codes are promises; a code is never reused. */
export type ErrorCode =
  | 'MILLRACE_BUG'
  | 'MILLRACE_SYSTEM'
  | 'MILLRACE_INVALID_ARGUMENT'
  | 'MILLRACE_UNKNOWN_OPTION'
  | 'MILLRACE_INVALID_STATE'
  | 'MILLRACE_STALE_ID'
  | 'MILLRACE_NATIVE_MISSING'
  | 'MILLRACE_NATIVE_MISMATCH'
  | 'MILLRACE_RUNTIME_UNSUPPORTED'
  | 'MILLRACE_HANDLER_FAILED'
  | 'MILLRACE_OPTION_FIXED'
  | 'MILLRACE_CONNECTION_CLOSED'
  | 'MILLRACE_CONNECTION_RESET'
  | 'MILLRACE_STREAM_CLOSED'
  | 'MILLRACE_SERVER_CLOSED'
  | 'MILLRACE_DESTROYED'
  | 'MILLRACE_BUFFER_DETACHED'
  | 'MILLRACE_FILE_TRUNCATED'
  | 'MILLRACE_HTTP_INVALID_METHOD'
  | 'MILLRACE_HTTP_METHOD_UNSUPPORTED'
  | 'MILLRACE_HTTP_INVALID_TARGET'
  | 'MILLRACE_HTTP_TARGET_TOO_LARGE'
  | 'MILLRACE_HTTP_INVALID_VERSION'
  | 'MILLRACE_HTTP_VERSION_UNSUPPORTED'
  | 'MILLRACE_HTTP_INVALID_REQUEST_LINE'
  | 'MILLRACE_HTTP_INVALID_HEADER'
  | 'MILLRACE_HTTP_HEADERS_TOO_LARGE'
  | 'MILLRACE_HTTP_TOO_MANY_FIELDS'
  | 'MILLRACE_HTTP_MISSING_HOST'
  | 'MILLRACE_HTTP_INVALID_HOST'
  | 'MILLRACE_HTTP_INVALID_CONTENT_LENGTH'
  | 'MILLRACE_HTTP_CONFLICTING_FRAMING'
  | 'MILLRACE_HTTP_INVALID_TRANSFER_ENCODING'
  | 'MILLRACE_HTTP_TRANSFER_ENCODING_UNSUPPORTED'
  | 'MILLRACE_HTTP_INVALID_CHUNK'
  | 'MILLRACE_HTTP_CHUNK_EXTENSIONS_TOO_LARGE'
  | 'MILLRACE_HTTP_TRAILERS_TOO_LARGE'
  | 'MILLRACE_HTTP_INVALID_TRAILER'
  | 'MILLRACE_HTTP_INVALID_LINE_ENDING'
  | 'MILLRACE_HTTP_EXPECTATION_FAILED'
  | 'MILLRACE_HTTP_BODY_TOO_LARGE'
  | 'MILLRACE_HTTP_INCOMPLETE_MESSAGE'
  | 'MILLRACE_HTTP_INVALID_STATUS_LINE'
  | 'MILLRACE_HTTP_TOO_MANY_INFORMATIONAL'
  | 'MILLRACE_HTTP_UNEXPECTED_DATA'
  | 'MILLRACE_HTTP_RESPONSE_BODY_MISMATCH'
  | 'MILLRACE_HTTP_HEADERS_SENT'
  | 'MILLRACE_HTTP_BODY_USED'
  | 'MILLRACE_PROXY_PROTOCOL_INVALID'
  | 'MILLRACE_PROXY_PROTOCOL_MISSING'
  | 'MILLRACE_HEADERS_TIMEOUT'
  | 'MILLRACE_BODY_TIMEOUT'
  | 'MILLRACE_REQUEST_TIMEOUT'
  | 'MILLRACE_WRITE_TIMEOUT'
  | 'MILLRACE_KEEP_ALIVE_TIMEOUT'
  | 'MILLRACE_RECEIVE_RATE'
  | 'MILLRACE_SEND_RATE'
  | 'MILLRACE_TLS_HANDSHAKE_TIMEOUT'
  | 'MILLRACE_CONNECT_TIMEOUT'
  | 'MILLRACE_TLS_TIMEOUT'
  | 'MILLRACE_DNS_TIMEOUT'
  | 'MILLRACE_TOTAL_TIMEOUT'
  | 'MILLRACE_DNS_FAILED'
  | 'MILLRACE_DNS_NOT_FOUND'
  | 'MILLRACE_DNS_NAME_INVALID'
  | 'MILLRACE_HANDLER_TIMEOUT'
  | 'MILLRACE_DEADLINE'
  | 'MILLRACE_CONNECTIONS_LIMIT'
  | 'MILLRACE_COLLECTED_TOO_LARGE'
  | 'MILLRACE_CLIENT_CONNECTIONS_LIMIT'
  | 'MILLRACE_CLIENT_DENIED'
  | 'MILLRACE_RATE_LIMITED'
  | 'MILLRACE_MEMORY_LIMIT'
  | 'MILLRACE_OUT_OF_MEMORY'
  | 'MILLRACE_CLIENT_REPUTATION'
  | 'MILLRACE_DISPATCH_INVALID'
  | 'MILLRACE_TLS_FILE_FAILED'
  | 'MILLRACE_SOCKET_USED'
  | 'MILLRACE_TLS_CERTIFICATE_EXPIRED'
  | 'MILLRACE_TLS_CERTIFICATE_NOT_YET_VALID'
  | 'MILLRACE_TLS_UNKNOWN_CA'
  | 'MILLRACE_TLS_SELF_SIGNED'
  | 'MILLRACE_TLS_WRONG_HOST'
  | 'MILLRACE_TLS_CERTIFICATE_REVOKED'
  | 'MILLRACE_TLS_REVOCATION_UNKNOWN'
  | 'MILLRACE_TLS_CRL_EXPIRED'
  | 'MILLRACE_TLS_NAME_CONSTRAINTS'
  | 'MILLRACE_TLS_WEAK_SIGNATURE'
  | 'MILLRACE_TLS_WRONG_PURPOSE'
  | 'MILLRACE_TLS_BAD_CERTIFICATE'
  | 'MILLRACE_TLS_CERTIFICATE_REQUIRED'
  | 'MILLRACE_TLS_PIN_MISMATCH'
  | 'MILLRACE_TLS_OCSP_MISSING'
  | 'MILLRACE_TLS_OCSP_INVALID'
  | 'MILLRACE_TLS_CT_MISSING'
  | 'MILLRACE_TLS_NO_SHARED_VERSION'
  | 'MILLRACE_TLS_NO_SHARED_SUITE'
  | 'MILLRACE_TLS_NO_SHARED_ALPN'
  | 'MILLRACE_TLS_HANDSHAKE_TRUNCATED'
  | 'MILLRACE_TLS_TRUNCATED'
  | 'MILLRACE_TLS_ALERT_RECEIVED'
  | 'MILLRACE_TLS_RECORD_OVERFLOW'
  | 'MILLRACE_TLS_DECRYPT_FAILED'
  | 'MILLRACE_TLS_INVALID_MESSAGE'
  | 'MILLRACE_TLS_PLAIN_HTTP'
  | 'MILLRACE_TLS_BUFFER_LIMIT'
  | 'MILLRACE_TLS_NO_CERTIFICATE'
  | 'MILLRACE_TLS_INVALID_CONFIGURATION'
  | 'MILLRACE_TLS_EXHAUSTED'
  | 'MILLRACE_TLS_EARLY_DATA_REFUSED'
  | 'MILLRACE_TLS_OCSP_UNKNOWN'
  | 'MILLRACE_TLS_STAPLE_REFUSED'
  | 'MILLRACE_TLS_OCSP_FETCH_FAILED'
  | 'MILLRACE_PROXY_TIMEOUT'
  | 'MILLRACE_PROXY_TARGET_FORBIDDEN'
  | 'MILLRACE_PROXY_TARGET_PROHIBITED'
  | 'MILLRACE_PROXY_OPEN'
  | 'MILLRACE_PROXY_LOOP'
  | 'MILLRACE_SOCKS_GENERAL_FAILURE'
  | 'MILLRACE_SOCKS_FORBIDDEN'
  | 'MILLRACE_SOCKS_NETWORK_UNREACHABLE'
  | 'MILLRACE_SOCKS_HOST_UNREACHABLE'
  | 'MILLRACE_SOCKS_CONNECTION_REFUSED'
  | 'MILLRACE_SOCKS_TTL_EXPIRED'
  | 'MILLRACE_SOCKS_COMMAND_UNSUPPORTED'
  | 'MILLRACE_SOCKS_ADDRESS_UNSUPPORTED'
  | 'MILLRACE_SOCKS4_REJECTED'
  | 'MILLRACE_SOCKS4_IDENTD_UNREACHABLE'
  | 'MILLRACE_SOCKS4_USER_REJECTED'
  | 'MILLRACE_SOCKS_AUTHENTICATION_REFUSED'
  | 'MILLRACE_SOCKS_NO_ACCEPTABLE_METHOD'
  | 'MILLRACE_SOCKS_MALFORMED_REPLY'
  | 'MILLRACE_SOCKS_MALFORMED_REQUEST'
  | 'MILLRACE_SOCKS_FIELD_TOO_LARGE'
  | 'MILLRACE_PROXY_AUTHENTICATION_REQUIRED'
  | 'MILLRACE_PROXY_AUTHENTICATION_UNSUPPORTED'
  | 'MILLRACE_PROXY_STATUS'
  | 'MILLRACE_PROXY_CLOSED'
  | 'MILLRACE_PROXY_TARGET_UNSUPPORTED'
  | 'MILLRACE_PROXY_TARGET_INVALID'
  | 'MILLRACE_PROXY_CREDENTIALS_INVALID'
  | 'MILLRACE_PROXY_REQUEST_UNRECOGNISED'
  | 'MILLRACE_SOCKS4_UNAUTHENTICATED'
  | 'MILLRACE_PROXY_CANCELLED'
  | 'MILLRACE_PROXY_URL_INVALID'
  | 'MILLRACE_PROXY_URL_ENCODING'
  | 'MILLRACE_SEND_TIMEOUT'
  | 'MILLRACE_RESPONSE_TIMEOUT'
  | 'MILLRACE_RESPONSE_BODY_TIMEOUT'
  | 'MILLRACE_ACQUIRE_TIMEOUT'
  | 'MILLRACE_POOL_QUEUE_FULL'
  | 'MILLRACE_POOL_CLOSED'
  | 'MILLRACE_RESPONSE_TOO_LARGE'
  | 'MILLRACE_HTTP_UNEXPECTED_UPGRADE'
  | 'MILLRACE_CONNECTION_STALE'
  | 'MILLRACE_HTTP_STATUS'
  | 'MILLRACE_URL_INVALID'
  | 'MILLRACE_REQUEST_MEMORY'
  | 'MILLRACE_CLIENT_CLOSED'
  | 'MILLRACE_UPGRADE_REFUSED'
  | 'MILLRACE_RELAY_IDLE_TIMEOUT'
  | 'MILLRACE_RELAY_TOTAL_TIMEOUT'
  | 'MILLRACE_CIRCUIT_OPEN'
  | 'MILLRACE_HTTP_TOO_MANY_REDIRECTS'
  | 'MILLRACE_HTTP_INVALID_REDIRECT'
  | 'MILLRACE_HTTP_INSECURE_REDIRECT'
  | 'MILLRACE_HTTP_BODY_NOT_REPLAYABLE'
  | 'MILLRACE_HTTP_INVALID_CONTENT'
  | 'MILLRACE_HTTP_TRUNCATED_CONTENT'
  | 'MILLRACE_HTTP_EXPANSION_TOO_LARGE'
  | 'MILLRACE_HTTP_TOO_MANY_CODINGS'
  | 'MILLRACE_AUTHENTICATION_UNSUPPORTED'
  | 'MILLRACE_AUTHENTICATION_UNPROVEN'
  | 'MILLRACE_SOCKET_DOWN'
  | 'MILLRACE_RECONNECT_FAILED';

export type ErrorKind = 'protocol' | 'limit' | 'misuse' | 'system' | 'timeout' | 'closed' | 'bug';
export type ErrorCategory = 'network' | 'protocol' | 'application' | 'timeout' | 'resource';
/** The phase of an operation that a timeout or failure belongs to. */
export type Phase = 'headers' | 'body' | 'request' | 'send' | 'idle' | 'tls' | 'connect' | 'dns' | 'total' | 'handler' | 'proxy' | 'acquire' | 'relay';

export type CodeRow = readonly [
  id: number,
  code: ErrorCode,
  kind: ErrorKind,
  category: ErrorCategory,
  retryable: boolean,
  status: number | null,
  phase: Phase | null,
  option: string | null,
  text: string,
];

export const CODES: readonly CodeRow[] = [
  [1, 'MILLRACE_BUG', 'bug', 'application', false, 500, null, null, "millrace broke one of its own rules; the connection it happened on was closed"],
  [2, 'MILLRACE_SYSTEM', 'system', 'network', true, null, null, null, "a system call failed; errno and syscall say which"],
  [3, 'MILLRACE_INVALID_ARGUMENT', 'misuse', 'application', false, null, null, null, "an argument has the wrong type or lies outside its range"],
  [4, 'MILLRACE_UNKNOWN_OPTION', 'misuse', 'application', false, null, null, null, "no option has this name"],
  [5, 'MILLRACE_INVALID_STATE', 'misuse', 'application', false, null, null, null, "the call does not fit the state of the object"],
  [6, 'MILLRACE_STALE_ID', 'closed', 'application', false, null, null, null, "the exchange, connection or server that this id named has ended"],
  [7, 'MILLRACE_NATIVE_MISSING', 'system', 'application', false, null, null, null, "no prebuilt binary for this platform could be loaded"],
  [8, 'MILLRACE_NATIVE_MISMATCH', 'system', 'application', false, null, null, null, "the binary was built for another version of the package"],
  [9, 'MILLRACE_RUNTIME_UNSUPPORTED', 'misuse', 'application', false, null, null, null, "this JavaScript runtime cannot host the native core"],
  [10, 'MILLRACE_HANDLER_FAILED', 'misuse', 'application', false, 500, null, null, "a request handler threw, rejected or answered with something that is not a response"],
  [11, 'MILLRACE_OPTION_FIXED', 'misuse', 'application', false, null, null, null, "the option cannot change while the server runs"],
  [20, 'MILLRACE_CONNECTION_CLOSED', 'closed', 'network', true, null, null, null, "the peer closed the connection"],
  [21, 'MILLRACE_CONNECTION_RESET', 'closed', 'network', true, null, null, null, "the peer reset the connection"],
  [22, 'MILLRACE_STREAM_CLOSED', 'closed', 'application', false, null, null, null, "the exchange has ended"],
  [23, 'MILLRACE_SERVER_CLOSED', 'closed', 'application', false, null, null, null, "the server was closed"],
  [24, 'MILLRACE_DESTROYED', 'closed', 'application', false, null, null, null, "our side destroyed the exchange or connection"],
  [25, 'MILLRACE_BUFFER_DETACHED', 'misuse', 'application', false, null, null, null, "an ArrayBuffer that was queued for sending was detached before it was sent"],
  [26, 'MILLRACE_FILE_TRUNCATED', 'system', 'application', false, null, null, null, "a file that was queued for sending became shorter, or could not be read, before it was sent"],
  [40, 'MILLRACE_HTTP_INVALID_METHOD', 'protocol', 'protocol', false, 400, null, null, "the method is not a token (RFC 9110 §9.1)"],
  [41, 'MILLRACE_HTTP_METHOD_UNSUPPORTED', 'protocol', 'protocol', false, 501, null, null, "the method is not one that this parser knows (RFC 9110 §15.6.2)"],
  [42, 'MILLRACE_HTTP_INVALID_TARGET', 'protocol', 'protocol', false, 400, null, null, "the request target breaks RFC 9112 §3.2"],
  [43, 'MILLRACE_HTTP_TARGET_TOO_LARGE', 'limit', 'resource', false, 414, null, 'maxUrlSize', "the request target is longer than maxUrlSize"],
  [44, 'MILLRACE_HTTP_INVALID_VERSION', 'protocol', 'protocol', false, 400, null, null, "the protocol version is missing or malformed (RFC 9112 §2.3)"],
  [45, 'MILLRACE_HTTP_VERSION_UNSUPPORTED', 'protocol', 'protocol', false, 505, null, null, "the HTTP version is neither 1.0 nor 1.1"],
  [46, 'MILLRACE_HTTP_INVALID_REQUEST_LINE', 'protocol', 'protocol', false, 400, null, null, "the request line breaks RFC 9112 §3"],
  [47, 'MILLRACE_HTTP_INVALID_HEADER', 'protocol', 'protocol', false, 400, null, null, "a field name or value breaks RFC 9110 §5.1, §5.5 or RFC 9112 §5"],
  [48, 'MILLRACE_HTTP_HEADERS_TOO_LARGE', 'limit', 'resource', false, 431, null, 'maxHeaderSize', "the header block is larger than maxHeaderSize"],
  [49, 'MILLRACE_HTTP_TOO_MANY_FIELDS', 'limit', 'resource', false, 431, null, 'maxHeaderFields', "the header block has more fields than maxHeaderFields"],
  [50, 'MILLRACE_HTTP_MISSING_HOST', 'protocol', 'protocol', false, 400, null, null, "an HTTP/1.1 request has no Host field (RFC 9112 §3.2)"],
  [51, 'MILLRACE_HTTP_INVALID_HOST', 'protocol', 'protocol', false, 400, null, null, "the Host field is repeated or malformed (RFC 9112 §3.2)"],
  [52, 'MILLRACE_HTTP_INVALID_CONTENT_LENGTH', 'protocol', 'protocol', false, 400, null, null, "Content-Length is repeated, malformed or too large (RFC 9112 §6.3)"],
  [53, 'MILLRACE_HTTP_CONFLICTING_FRAMING', 'protocol', 'protocol', false, 400, null, null, "Content-Length and Transfer-Encoding together (RFC 9112 §6.1)"],
  [54, 'MILLRACE_HTTP_INVALID_TRANSFER_ENCODING', 'protocol', 'protocol', false, 400, null, null, "Transfer-Encoding breaks RFC 9112 §6.1"],
  [55, 'MILLRACE_HTTP_TRANSFER_ENCODING_UNSUPPORTED', 'protocol', 'protocol', false, 501, null, null, "a transfer coding other than chunked (RFC 9112 §6.1)"],
  [56, 'MILLRACE_HTTP_INVALID_CHUNK', 'protocol', 'protocol', false, 400, null, null, "a chunk size, extension or ending breaks RFC 9112 §7.1"],
  [57, 'MILLRACE_HTTP_CHUNK_EXTENSIONS_TOO_LARGE', 'limit', 'resource', false, 400, null, null, "the chunk extensions of one body are larger than 4 KiB"],
  [58, 'MILLRACE_HTTP_TRAILERS_TOO_LARGE', 'limit', 'resource', false, 431, null, null, "the trailer section is larger than 16 KiB"],
  [59, 'MILLRACE_HTTP_INVALID_TRAILER', 'protocol', 'protocol', false, 400, null, null, "a trailer field is malformed or one that must not be a trailer (RFC 9110 §6.5.1)"],
  [60, 'MILLRACE_HTTP_INVALID_LINE_ENDING', 'protocol', 'protocol', false, 400, null, null, "a bare LF or a bare CR where CRLF must stand (RFC 9112 §2.2)"],
  [61, 'MILLRACE_HTTP_EXPECTATION_FAILED', 'protocol', 'protocol', false, 417, null, null, "an expectation other than 100-continue (RFC 9110 §10.1.1)"],
  [62, 'MILLRACE_HTTP_BODY_TOO_LARGE', 'limit', 'resource', false, 413, null, 'maxBodySize', "the body is larger than its limit"],
  [63, 'MILLRACE_HTTP_INCOMPLETE_MESSAGE', 'protocol', 'network', true, 400, null, null, "the connection ended inside a message (RFC 9112 §8)"],
  [64, 'MILLRACE_HTTP_INVALID_STATUS_LINE', 'protocol', 'protocol', false, null, null, null, "the status line breaks RFC 9112 §4"],
  [65, 'MILLRACE_HTTP_TOO_MANY_INFORMATIONAL', 'limit', 'resource', false, null, null, null, "more than 16 1xx responses before one final response"],
  [66, 'MILLRACE_HTTP_UNEXPECTED_DATA', 'protocol', 'protocol', false, 400, null, null, "bytes after a message that ends the connection"],
  [67, 'MILLRACE_HTTP_RESPONSE_BODY_MISMATCH', 'misuse', 'application', false, 500, null, null, "the response body is not as long as its Content-Length says"],
  [68, 'MILLRACE_HTTP_HEADERS_SENT', 'misuse', 'application', false, null, null, null, "the response head has gone out already"],
  [69, 'MILLRACE_HTTP_BODY_USED', 'misuse', 'application', false, null, null, null, "the body has been read or is being read"],
  [90, 'MILLRACE_PROXY_PROTOCOL_INVALID', 'protocol', 'protocol', false, null, null, null, "the PROXY protocol head is malformed"],
  [91, 'MILLRACE_PROXY_PROTOCOL_MISSING', 'protocol', 'protocol', false, null, null, null, "proxyProtocol is 'required' and the connection does not begin with a PROXY head"],
  [100, 'MILLRACE_HEADERS_TIMEOUT', 'timeout', 'timeout', false, 408, 'headers', 'headersTimeout', "the request head did not arrive within headersTimeout"],
  [101, 'MILLRACE_BODY_TIMEOUT', 'timeout', 'timeout', false, 408, 'body', 'bodyTimeout', "no body byte arrived for bodyTimeout"],
  [102, 'MILLRACE_REQUEST_TIMEOUT', 'timeout', 'timeout', false, 408, 'request', 'requestTimeout', "the request did not arrive whole within requestTimeout"],
  [103, 'MILLRACE_WRITE_TIMEOUT', 'timeout', 'timeout', false, null, 'send', 'writeTimeout', "the peer took no byte of the response for writeTimeout"],
  [104, 'MILLRACE_KEEP_ALIVE_TIMEOUT', 'timeout', 'timeout', false, null, 'idle', 'keepAliveTimeout', "no next request began within keepAliveTimeout"],
  [105, 'MILLRACE_RECEIVE_RATE', 'timeout', 'timeout', false, 408, 'body', 'minReceiveRate', "the request body arrived more slowly than minReceiveRate"],
  [106, 'MILLRACE_SEND_RATE', 'timeout', 'timeout', false, null, 'send', 'minSendRate', "the peer took the response more slowly than minSendRate"],
  [107, 'MILLRACE_TLS_HANDSHAKE_TIMEOUT', 'timeout', 'timeout', false, null, 'tls', 'tlsHandshakeTimeout', "the TLS handshake was not over within tlsHandshakeTimeout"],
  [108, 'MILLRACE_CONNECT_TIMEOUT', 'timeout', 'timeout', true, null, 'connect', 'timeouts.connect', "no connection within timeouts.connect"],
  [109, 'MILLRACE_TLS_TIMEOUT', 'timeout', 'timeout', true, null, 'tls', 'timeouts.tls', "the TLS handshake was not over within timeouts.tls"],
  [113, 'MILLRACE_DNS_TIMEOUT', 'timeout', 'timeout', true, null, 'dns', 'timeouts.dns', "the resolver did not answer within timeouts.dns"],
  [112, 'MILLRACE_TOTAL_TIMEOUT', 'timeout', 'timeout', true, null, 'total', 'timeouts.total', "the operation was not over within timeouts.total"],
  [27, 'MILLRACE_DNS_FAILED', 'system', 'network', true, null, 'dns', null, "the name could not be resolved: no server gave a usable answer"],
  [400, 'MILLRACE_DNS_NOT_FOUND', 'system', 'network', false, null, 'dns', null, "the name does not exist, or has no address of the family that was asked for"],
  [401, 'MILLRACE_DNS_NAME_INVALID', 'misuse', 'application', false, null, 'dns', null, "the host is neither an IP address nor a name that can be asked for"],
  [110, 'MILLRACE_HANDLER_TIMEOUT', 'timeout', 'timeout', false, 503, 'handler', 'handlerTimeout', "the handler did not begin its answer within handlerTimeout"],
  [111, 'MILLRACE_DEADLINE', 'timeout', 'timeout', false, null, null, null, "the caller's own deadline has passed"],
  [120, 'MILLRACE_CONNECTIONS_LIMIT', 'limit', 'resource', true, 503, null, 'maxConnections', "the server has as many connections as maxConnections allows"],
  [121, 'MILLRACE_COLLECTED_TOO_LARGE', 'limit', 'resource', false, 413, null, 'maxCollectedSize', "a body that is collected whole is larger than maxCollectedSize"],
  [122, 'MILLRACE_CLIENT_CONNECTIONS_LIMIT', 'limit', 'resource', true, 503, null, 'maxConnectionsPerIp', "the client has as many connections as maxConnectionsPerIp allows"],
  [123, 'MILLRACE_CLIENT_DENIED', 'limit', 'resource', false, 403, null, 'deny', "the client's address is not let in by allow and deny"],
  [124, 'MILLRACE_RATE_LIMITED', 'limit', 'resource', true, 429, null, 'rateLimits', "more requests came than a rate limit allows"],
  [125, 'MILLRACE_MEMORY_LIMIT', 'limit', 'resource', true, 503, null, 'setMaxMemory', "the process holds as much memory for its peers as setMaxMemory allows"],
  [130, 'MILLRACE_OUT_OF_MEMORY', 'system', 'resource', true, 503, null, null, "the system gave no memory for bytes that came or are to be sent"],
  [131, 'MILLRACE_CLIENT_REPUTATION', 'limit', 'resource', true, 503, null, 'reputation', "the client has broken too many rules of late"],
  [132, 'MILLRACE_DISPATCH_INVALID', 'misuse', 'application', false, null, null, 'dispatch', "a dispatch function gave its handler what is no response, or out of order"],
  [134, 'MILLRACE_TLS_FILE_FAILED', 'system', 'application', false, null, null, null, "a file that an option of TLS names cannot be read, or written"],
  [133, 'MILLRACE_SOCKET_USED', 'misuse', 'application', false, null, null, null, "the socket is read already: by an iteration, by 'data' events, by a Duplex of it, or by a relay"],
  [200, 'MILLRACE_TLS_CERTIFICATE_EXPIRED', 'protocol', 'protocol', false, null, 'tls', null, "the peer's certificate has expired"],
  [201, 'MILLRACE_TLS_CERTIFICATE_NOT_YET_VALID', 'protocol', 'protocol', false, null, 'tls', null, "the peer's certificate is not valid yet"],
  [202, 'MILLRACE_TLS_UNKNOWN_CA', 'protocol', 'protocol', false, null, 'tls', 'ca', "the peer's certificate chain does not lead to a CA that is trusted here"],
  [203, 'MILLRACE_TLS_SELF_SIGNED', 'protocol', 'protocol', false, null, 'tls', 'ca', "the peer's certificate is signed by itself and is not trusted here"],
  [204, 'MILLRACE_TLS_WRONG_HOST', 'protocol', 'protocol', false, null, 'tls', 'servername', "the peer's certificate is not for the name that was asked for"],
  [205, 'MILLRACE_TLS_CERTIFICATE_REVOKED', 'protocol', 'protocol', false, null, 'tls', null, "the peer's certificate has been revoked"],
  [206, 'MILLRACE_TLS_REVOCATION_UNKNOWN', 'protocol', 'protocol', false, null, 'tls', 'crl', "no CRL says whether the peer's certificate has been revoked"],
  [207, 'MILLRACE_TLS_CRL_EXPIRED', 'protocol', 'protocol', false, null, 'tls', 'crl', "the CRL that covers the peer's certificate is past its nextUpdate"],
  [208, 'MILLRACE_TLS_NAME_CONSTRAINTS', 'protocol', 'protocol', false, null, 'tls', null, "a name in the peer's certificate lies outside the name constraints of its CA (RFC 5280 §4.2.1.10)"],
  [209, 'MILLRACE_TLS_WEAK_SIGNATURE', 'protocol', 'protocol', false, null, 'tls', null, "a key or signature in the peer's chain is too weak or of a kind that is not supported"],
  [210, 'MILLRACE_TLS_WRONG_PURPOSE', 'protocol', 'protocol', false, null, 'tls', null, "the peer's certificate is not for this side of TLS (extended key usage, RFC 5280 §4.2.1.12)"],
  [211, 'MILLRACE_TLS_BAD_CERTIFICATE', 'protocol', 'protocol', false, null, 'tls', null, "a certificate of the peer is malformed or a signature in its chain is wrong"],
  [212, 'MILLRACE_TLS_CERTIFICATE_REQUIRED', 'protocol', 'protocol', false, null, 'tls', 'requestCert', "the client sent no certificate and one is required"],
  [213, 'MILLRACE_TLS_PIN_MISMATCH', 'protocol', 'protocol', false, null, 'tls', 'pins', "no certificate of the peer's chain has a key that is pinned"],
  [214, 'MILLRACE_TLS_OCSP_MISSING', 'protocol', 'protocol', false, null, 'tls', 'ocsp', "the peer stapled no OCSP response and the policy asks for one"],
  [215, 'MILLRACE_TLS_OCSP_INVALID', 'protocol', 'protocol', false, null, 'tls', 'ocsp', "the OCSP response of the peer is malformed, stale, for another certificate or not signed by its CA (RFC 6960 §3.2)"],
  [216, 'MILLRACE_TLS_CT_MISSING', 'protocol', 'protocol', false, null, 'tls', 'certificateTransparency', "the peer's certificate has fewer valid timestamps of known logs than the policy asks for (RFC 6962)"],
  [217, 'MILLRACE_TLS_NO_SHARED_VERSION', 'protocol', 'protocol', false, null, 'tls', 'minVersion', "the peer speaks no TLS version that is allowed here"],
  [218, 'MILLRACE_TLS_NO_SHARED_SUITE', 'protocol', 'protocol', false, null, 'tls', 'ciphers', "the peer has no cipher suite, group or signature scheme in common with this side"],
  [219, 'MILLRACE_TLS_NO_SHARED_ALPN', 'protocol', 'protocol', false, null, 'tls', 'ALPNProtocols', "the peer has no application protocol in common with this side (RFC 7301)"],
  [220, 'MILLRACE_TLS_HANDSHAKE_TRUNCATED', 'closed', 'network', true, null, 'tls', null, "the connection ended inside the TLS handshake"],
  [221, 'MILLRACE_TLS_TRUNCATED', 'closed', 'network', false, null, 'tls', null, "the connection ended without close_notify, so data may be missing (RFC 8446 §6.1)"],
  [222, 'MILLRACE_TLS_ALERT_RECEIVED', 'protocol', 'protocol', false, null, 'tls', null, "the peer ended the TLS session with an alert"],
  [223, 'MILLRACE_TLS_RECORD_OVERFLOW', 'protocol', 'protocol', false, null, 'tls', null, "a TLS record or handshake message of the peer is larger than TLS allows"],
  [224, 'MILLRACE_TLS_DECRYPT_FAILED', 'protocol', 'protocol', false, null, 'tls', null, "a TLS record or signature of the peer does not verify"],
  [225, 'MILLRACE_TLS_INVALID_MESSAGE', 'protocol', 'protocol', false, null, 'tls', null, "a TLS message of the peer is malformed or stands in the wrong place"],
  [226, 'MILLRACE_TLS_PLAIN_HTTP', 'protocol', 'protocol', false, 400, 'tls', null, "plain HTTP was sent to a TLS port"],
  [227, 'MILLRACE_TLS_BUFFER_LIMIT', 'limit', 'resource', false, null, 'tls', null, "the peer sent more than is kept while a certificate is chosen"],
  [228, 'MILLRACE_TLS_NO_CERTIFICATE', 'misuse', 'application', false, null, 'tls', 'cert', "there is no certificate for the name that the client asked for"],
  [229, 'MILLRACE_TLS_INVALID_CONFIGURATION', 'misuse', 'application', false, null, 'tls', null, "a certificate, key, CRL, suite, pin or other TLS option is malformed or does not fit the others"],
  [230, 'MILLRACE_TLS_EXHAUSTED', 'closed', 'resource', false, null, 'tls', null, "the TLS keys of the connection have sealed as much as they may"],
  [231, 'MILLRACE_TLS_EARLY_DATA_REFUSED', 'protocol', 'protocol', true, null, 'tls', null, "the server did not accept the early data; it has to be sent again"],
  [232, 'MILLRACE_TLS_OCSP_UNKNOWN', 'protocol', 'protocol', false, null, 'tls', 'ocsp', "the OCSP responder of the CA does not know the peer's certificate"],
  [233, 'MILLRACE_TLS_STAPLE_REFUSED', 'protocol', 'protocol', true, null, 'tls', 'ocspResponse', "the OCSP response that was to be stapled is not a good one for the certificate; nothing or the one before is stapled"],
  [234, 'MILLRACE_TLS_OCSP_FETCH_FAILED', 'protocol', 'network', true, null, 'tls', 'ocspResponse', "the OCSP responder of the CA cannot be asked, or gave no answer that is one"],
  [330, 'MILLRACE_PROXY_TIMEOUT', 'timeout', 'timeout', true, null, 'proxy', 'timeouts.proxy', "the handshake with a proxy was not over within timeouts.proxy"],
  [332, 'MILLRACE_PROXY_TARGET_FORBIDDEN', 'protocol', 'application', false, 403, 'proxy', null, "the proxy's rules do not let this target be reached"],
  [333, 'MILLRACE_PROXY_TARGET_PROHIBITED', 'protocol', 'application', false, 403, 'proxy', null, "the target is a loopback, private or link-local address, or the proxy itself; the option 'allowPrivate' lets all but the last be reached"],
  [334, 'MILLRACE_PROXY_OPEN', 'misuse', 'application', false, null, null, null, "a proxy that others can reach needs auth, rules or authorize; 'open: true' says that everybody may use it"],
  [510, 'MILLRACE_PROXY_LOOP', 'misuse', 'application', false, 502, 'proxy', null, "the way leads back to the proxy itself: it would go round in a circle for ever"],
  [300, 'MILLRACE_SOCKS_GENERAL_FAILURE', 'system', 'network', true, null, 'proxy', null, "the proxy reports a general failure (RFC 1928 §6, reply 1)"],
  [301, 'MILLRACE_SOCKS_FORBIDDEN', 'protocol', 'application', false, null, 'proxy', null, "the proxy's rules forbid the connection (RFC 1928 §6, reply 2)"],
  [302, 'MILLRACE_SOCKS_NETWORK_UNREACHABLE', 'system', 'network', true, null, 'proxy', null, "the proxy cannot reach the target's network (RFC 1928 §6, reply 3)"],
  [303, 'MILLRACE_SOCKS_HOST_UNREACHABLE', 'system', 'network', true, null, 'proxy', null, "the proxy cannot reach the target (RFC 1928 §6, reply 4)"],
  [304, 'MILLRACE_SOCKS_CONNECTION_REFUSED', 'system', 'network', true, null, 'proxy', null, "the target refused the proxy's connection (RFC 1928 §6, reply 5)"],
  [305, 'MILLRACE_SOCKS_TTL_EXPIRED', 'system', 'network', true, null, 'proxy', null, "the proxy's connection to the target expired (RFC 1928 §6, reply 6)"],
  [306, 'MILLRACE_SOCKS_COMMAND_UNSUPPORTED', 'protocol', 'protocol', false, null, 'proxy', null, "the proxy does not support the command (RFC 1928 §6, reply 7)"],
  [307, 'MILLRACE_SOCKS_ADDRESS_UNSUPPORTED', 'protocol', 'protocol', false, null, 'proxy', null, "the proxy does not support the type of the address (RFC 1928 §6, reply 8)"],
  [308, 'MILLRACE_SOCKS4_REJECTED', 'system', 'network', true, null, 'proxy', null, "the proxy rejected the request or failed at it (SOCKS4, reply 91)"],
  [309, 'MILLRACE_SOCKS4_IDENTD_UNREACHABLE', 'protocol', 'application', false, null, 'proxy', null, "the proxy could not reach identd on this host (SOCKS4, reply 92)"],
  [310, 'MILLRACE_SOCKS4_USER_REJECTED', 'protocol', 'application', false, null, 'proxy', null, "identd and this client name different users (SOCKS4, reply 93)"],
  [311, 'MILLRACE_SOCKS_AUTHENTICATION_REFUSED', 'protocol', 'application', false, null, 'proxy', null, "the proxy refused the user name and password (RFC 1929 §2)"],
  [312, 'MILLRACE_SOCKS_NO_ACCEPTABLE_METHOD', 'protocol', 'application', false, null, 'proxy', null, "client and proxy have no authentication method in common (RFC 1928 §3)"],
  [313, 'MILLRACE_SOCKS_MALFORMED_REPLY', 'protocol', 'protocol', false, null, 'proxy', null, "a reply of the proxy breaks RFC 1928, RFC 1929 or the SOCKS4 protocol"],
  [314, 'MILLRACE_SOCKS_MALFORMED_REQUEST', 'protocol', 'protocol', false, 400, null, null, "a request to the proxy breaks RFC 1928, RFC 1929 or the SOCKS4 protocol"],
  [315, 'MILLRACE_SOCKS_FIELD_TOO_LARGE', 'limit', 'resource', false, null, null, null, "a name or user id of a SOCKS4 request is longer than 255 bytes"],
  [316, 'MILLRACE_PROXY_AUTHENTICATION_REQUIRED', 'protocol', 'application', false, 407, 'proxy', null, "the proxy wants other credentials, or any (RFC 9110 §15.5.8)"],
  [317, 'MILLRACE_PROXY_AUTHENTICATION_UNSUPPORTED', 'protocol', 'application', false, null, 'proxy', null, "the proxy offers no authentication scheme that millrace knows: Basic, or Digest with MD5, SHA-256 or SHA-512-256"],
  [318, 'MILLRACE_PROXY_STATUS', 'protocol', 'network', false, null, 'proxy', null, "the proxy answered CONNECT with a status outside 2xx"],
  [319, 'MILLRACE_PROXY_CLOSED', 'closed', 'network', true, null, 'proxy', null, "the proxy ended the connection within the handshake"],
  [320, 'MILLRACE_PROXY_TARGET_UNSUPPORTED', 'misuse', 'application', false, null, 'proxy', null, "this kind of proxy cannot be asked for this target: SOCKS4 takes IPv4 alone, SOCKS4 and SOCKS5 no name, only SOCKS5 UDP"],
  [321, 'MILLRACE_PROXY_TARGET_INVALID', 'misuse', 'application', false, null, 'proxy', null, "the target's name is empty, longer than 255 bytes or holds bytes that no name has, or its port is 0"],
  [322, 'MILLRACE_PROXY_CREDENTIALS_INVALID', 'misuse', 'application', false, null, 'proxy', null, "user name or password are too long for this kind of proxy, or hold bytes that it cannot carry"],
  [323, 'MILLRACE_PROXY_REQUEST_UNRECOGNISED', 'protocol', 'protocol', false, null, null, null, "the first byte to the proxy is neither SOCKS4, SOCKS5 nor the beginning of an HTTP request"],
  [324, 'MILLRACE_SOCKS4_UNAUTHENTICATED', 'protocol', 'application', false, null, null, null, "SOCKS4 carries no password and the proxy demands authentication"],
  [325, 'MILLRACE_PROXY_CANCELLED', 'closed', 'application', false, null, 'proxy', null, "our side cancelled the handshake with the proxy"],
  [326, 'MILLRACE_PROXY_URL_INVALID', 'misuse', 'application', false, null, null, null, "a proxy's URL has an unknown scheme, no host, or parts that a proxy's URL cannot have"],
  [327, 'MILLRACE_PROXY_URL_ENCODING', 'misuse', 'application', false, null, null, null, "user name or password of a proxy's URL hold a malformed percent-encoding"],
  [450, 'MILLRACE_SEND_TIMEOUT', 'timeout', 'timeout', true, null, 'send', 'timeouts.send', "the server took no byte of the request for timeouts.send"],
  [451, 'MILLRACE_RESPONSE_TIMEOUT', 'timeout', 'timeout', true, null, 'headers', 'timeouts.headers', "the response did not begin within timeouts.headers"],
  [452, 'MILLRACE_RESPONSE_BODY_TIMEOUT', 'timeout', 'timeout', true, null, 'body', 'timeouts.body', "no byte of the response's body arrived for timeouts.body"],
  [453, 'MILLRACE_ACQUIRE_TIMEOUT', 'timeout', 'timeout', true, null, 'acquire', 'timeouts.acquire', "no connection of the pool became free within timeouts.acquire"],
  [454, 'MILLRACE_POOL_QUEUE_FULL', 'limit', 'resource', true, null, 'acquire', 'maxQueued', "more requests wait for a connection to this origin than maxQueued"],
  [455, 'MILLRACE_POOL_CLOSED', 'closed', 'application', false, null, null, null, "the connection pool is draining or has been stopped"],
  [456, 'MILLRACE_RESPONSE_TOO_LARGE', 'limit', 'resource', false, null, 'body', 'maxResponseSize', "the response's body is larger than maxResponseSize"],
  [457, 'MILLRACE_HTTP_UNEXPECTED_UPGRADE', 'protocol', 'protocol', false, null, null, null, "the server switched protocols although nobody asked for that (RFC 9110 §15.2.2)"],
  [458, 'MILLRACE_CONNECTION_STALE', 'closed', 'network', true, null, null, null, "the idle connection had ended before the request could be sent on it"],
  [459, 'MILLRACE_HTTP_STATUS', 'protocol', 'application', false, null, null, null, "the response's status is 400 or more, and throwOnError is on"],
  [460, 'MILLRACE_URL_INVALID', 'misuse', 'application', false, null, null, null, "the URL cannot be requested: it is malformed, or its scheme is neither http nor https"],
  [461, 'MILLRACE_REQUEST_MEMORY', 'limit', 'resource', false, null, null, 'maxMemoryPerRequest', "more would have to be buffered for one request than maxMemoryPerRequest"],
  [462, 'MILLRACE_CLIENT_CLOSED', 'closed', 'application', false, null, null, null, "the client was closed"],
  [463, 'MILLRACE_UPGRADE_REFUSED', 'protocol', 'application', false, null, null, null, "the server did not switch protocols"],
  [350, 'MILLRACE_RELAY_IDLE_TIMEOUT', 'timeout', 'timeout', false, null, 'relay', 'idleTimeout', "no byte went through the relay for the idle time"],
  [351, 'MILLRACE_RELAY_TOTAL_TIMEOUT', 'timeout', 'timeout', false, null, 'relay', 'totalTimeout', "the relay did not end within its total time"],
  [420, 'MILLRACE_CIRCUIT_OPEN', 'closed', 'network', false, null, null, 'breaker', "the circuit breaker of this origin is open: it has failed too often of late"],
  [421, 'MILLRACE_HTTP_TOO_MANY_REDIRECTS', 'limit', 'application', false, null, null, 'maxRedirects', "the server redirected more often than maxRedirects"],
  [422, 'MILLRACE_HTTP_INVALID_REDIRECT', 'protocol', 'protocol', false, null, null, null, "the Location of a redirect is no URL of http or https (RFC 9110 §10.2.2)"],
  [423, 'MILLRACE_HTTP_INSECURE_REDIRECT', 'protocol', 'application', false, null, null, null, "a redirect leads from https to http, which is not followed"],
  [424, 'MILLRACE_HTTP_BODY_NOT_REPLAYABLE', 'protocol', 'application', false, null, null, null, "the request has to be sent again and its body, a stream, cannot be"],
  [425, 'MILLRACE_HTTP_INVALID_CONTENT', 'protocol', 'protocol', false, null, null, null, "the body is not what its Content-Encoding says (RFC 9110 §8.4)"],
  [426, 'MILLRACE_HTTP_TRUNCATED_CONTENT', 'protocol', 'protocol', false, null, null, null, "the body ended within its compressed data (RFC 9110 §8.4)"],
  [427, 'MILLRACE_HTTP_EXPANSION_TOO_LARGE', 'limit', 'resource', false, null, null, 'maxExpansion', "the body expands by more than maxExpansion"],
  [428, 'MILLRACE_HTTP_TOO_MANY_CODINGS', 'limit', 'resource', false, null, null, null, "the body has more content codings than are undone, one within the other"],
  [429, 'MILLRACE_AUTHENTICATION_UNSUPPORTED', 'protocol', 'application', false, null, null, null, "the server offers no authentication scheme that millrace can answer; NTLM and Negotiate are not spoken"],
  [430, 'MILLRACE_AUTHENTICATION_UNPROVEN', 'protocol', 'application', false, null, null, null, "the server did not prove that it knows the password: its rspauth is wrong (RFC 7616 §3.5)"],
  [431, 'MILLRACE_SOCKET_DOWN', 'closed', 'network', true, null, null, null, "the connection is down and is being made again"],
  [432, 'MILLRACE_RECONNECT_FAILED', 'closed', 'network', false, null, null, 'attempts', "the connection could not be made again within the attempts that it has"],
];
