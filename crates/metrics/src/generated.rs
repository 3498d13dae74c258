//! Made by scripts/generate.mjs from catalogue.json. Do not edit.

/// A number that only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Counter {
    /// Connections that HTTP servers accepted.
    HttpServerConnectionsAccepted,
    /// Connections that HTTP servers refused because maxConnections was reached or the system had no descriptor left.
    HttpServerConnectionsRefused,
    /// Requests whose head arrived whole and was accepted.
    HttpServerRequests,
    /// Responses by class of their status code (`class="1xx"`).
    HttpServerResponses1xx,
    /// Responses by class of their status code (`class="2xx"`).
    HttpServerResponses2xx,
    /// Responses by class of their status code (`class="3xx"`).
    HttpServerResponses3xx,
    /// Responses by class of their status code (`class="4xx"`).
    HttpServerResponses4xx,
    /// Responses by class of their status code (`class="5xx"`).
    HttpServerResponses5xx,
    /// Malformed requests that were answered with an error or cut.
    HttpServerRequestErrors,
    /// Exchanges whose client left before the response was finished.
    HttpServerAborted,
    /// Request handlers that threw, rejected or answered with something that is not a response.
    HttpServerHandlerErrors,
    /// Deadlines that expired, by the phase that took too long (`phase="headers"`).
    HttpServerTimeoutsHeaders,
    /// Deadlines that expired, by the phase that took too long (`phase="body"`).
    HttpServerTimeoutsBody,
    /// Deadlines that expired, by the phase that took too long (`phase="request"`).
    HttpServerTimeoutsRequest,
    /// Deadlines that expired, by the phase that took too long (`phase="send"`).
    HttpServerTimeoutsSend,
    /// Deadlines that expired, by the phase that took too long (`phase="idle"`).
    HttpServerTimeoutsIdle,
    /// Deadlines that expired, by the phase that took too long (`phase="receiveRate"`).
    HttpServerTimeoutsReceiveRate,
    /// Deadlines that expired, by the phase that took too long (`phase="sendRate"`).
    HttpServerTimeoutsSendRate,
    /// Deadlines that expired, by the phase that took too long (`phase="handler"`).
    HttpServerTimeoutsHandler,
    /// Deadlines that expired, by the phase that took too long (`phase="tlsHandshake"`).
    HttpServerTimeoutsTlsHandshake,
    /// Connections handed over after an Upgrade or a CONNECT request.
    HttpServerUpgrades,
    /// Refusals by the limit that was passed (`option="maxUrlSize"`).
    LimitExceededMaxUrlSize,
    /// Refusals by the limit that was passed (`option="maxHeaderSize"`).
    LimitExceededMaxHeaderSize,
    /// Refusals by the limit that was passed (`option="maxHeaderFields"`).
    LimitExceededMaxHeaderFields,
    /// Refusals by the limit that was passed (`option="maxBodySize"`).
    LimitExceededMaxBodySize,
    /// Refusals by the limit that was passed (`option="maxCollectedSize"`).
    LimitExceededMaxCollectedSize,
    /// Refusals by the limit that was passed (`option="maxConnections"`).
    LimitExceededMaxConnections,
    /// Refusals by the limit that was passed (`option="chunkExtensions"`).
    LimitExceededChunkExtensions,
    /// Refusals by the limit that was passed (`option="trailers"`).
    LimitExceededTrailers,
    /// Refusals by the limit that was passed (`option="maxConnectionsPerIp"`).
    LimitExceededMaxConnectionsPerIp,
    /// Refusals by the limit that was passed (`option="deny"`).
    LimitExceededDeny,
    /// Refusals by the limit that was passed (`option="rateLimits"`).
    LimitExceededRateLimits,
    /// Refusals by the limit that was passed (`option="maxMemory"`).
    LimitExceededMaxMemory,
    /// Refusals by the limit that was passed (`option="reputation"`).
    LimitExceededReputation,
    /// Refusals by the limit that was passed (`option="maxResponseSize"`).
    LimitExceededMaxResponseSize,
    /// Refusals by the limit that was passed (`option="maxMemoryPerRequest"`).
    LimitExceededMaxMemoryPerRequest,
    /// Refusals by the limit that was passed (`option="maxExpansion"`).
    LimitExceededMaxExpansion,
    /// Refusals by the limit that was passed (`option="maxRedirects"`).
    LimitExceededMaxRedirects,
    /// Refusals by the limit that was passed (`option="contentCodings"`).
    LimitExceededContentCodings,
    /// Times that a store of a rate limit failed or took too long.
    RateLimitStoreFailures,
    /// Bytes received from sockets.
    SocketsReceivedBytes,
    /// Bytes that the kernel took for sending.
    SocketsSentBytes,
    /// System calls made to receive.
    SocketsReceiveCalls,
    /// System calls made to send.
    SocketsSendCalls,
    /// Times that a reactor was woken.
    ReactorWakes,
    /// Events given to JavaScript.
    ReactorEvents,
    /// Panics of native code that were caught; each one is a bug of millrace.
    ReactorPanics,
    /// Log records written, by level (`level="trace"`).
    LogRecordsTrace,
    /// Log records written, by level (`level="debug"`).
    LogRecordsDebug,
    /// Log records written, by level (`level="info"`).
    LogRecordsInfo,
    /// Log records written, by level (`level="warn"`).
    LogRecordsWarn,
    /// Log records written, by level (`level="error"`).
    LogRecordsError,
    /// Log records written, by level (`level="fatal"`).
    LogRecordsFatal,
    /// Connections that were begun.
    SocketsConnectsStarted,
    /// Connections that were begun and did not open.
    SocketsConnectsFailed,
    /// Connections that raw listeners accepted.
    SocketsAccepted,
    /// Connections that raw listeners refused for a rule, a limit or for want of descriptors.
    SocketsRefused,
    /// Connections of raw listeners that did not open: their PROXY head or TLS handshake failed, or took too long.
    SocketsAcceptFailures,
    /// Addresses that were tried: one connection may try several (RFC 8305).
    SocketsConnectAttempts,
    /// Handshakes with proxies that opened a tunnel.
    ProxyClientHandshakes,
    /// Handshakes with proxies that failed: refusals, timeouts, malformed answers.
    ProxyClientFailures,
    /// Relays that were begun: pairs of sockets whose bytes do not enter JavaScript.
    RelayStarted,
    /// Relays that ended before both sides had: resets, timeouts, cuts.
    RelayFailed,
    /// Relays that a time limit ended (`phase="idle"`).
    RelayTimeoutsIdle,
    /// Relays that a time limit ended (`phase="total"`).
    RelayTimeoutsTotal,
    /// Bytes that went through relays.
    RelayBytes,
    /// Bytes that went through relays without being copied.
    RelaySplicedBytes,
    /// Tunnels that a proxy of ours has opened for its clients, by SOCKS.
    ProxyServerTunnels,
    /// SOCKS handshakes of a proxy of ours that failed: wrong credentials, refused or failed requests, malformed messages.
    ProxyServerFailures,
    /// TLS handshakes that ended well (`kind="full"`).
    TlsHandshakesFull,
    /// TLS handshakes that ended well (`kind="resumed"`).
    TlsHandshakesResumed,
    /// TLS sessions that ended with an error: certificates, alerts, malformed messages, connections cut in a handshake.
    TlsFailures,
    /// Requests that validate refused.
    HttpServerValidateRefusals,
    /// Connections that reputation let wait before they were served.
    HttpServerConnectionsDelayed,
    /// Times that a listener paused for 100 ms because it could not accept: no descriptor or no memory was left.
    HttpServerAcceptPauses,
    /// Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged) (`result="local"`).
    DnsLookupsLocal,
    /// Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged) (`result="hit"`).
    DnsLookupsHit,
    /// Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged) (`result="negativeHit"`).
    DnsLookupsNegativeHit,
    /// Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged) (`result="miss"`).
    DnsLookupsMiss,
    /// Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged) (`result="merged"`).
    DnsLookupsMerged,
    /// Lookups that were answered with addresses past their time, because there was no answer.
    DnsStale,
    /// Questions that were asked of name servers, by record type, and of getaddrinfo (`kind="A"`).
    DnsQueriesA,
    /// Questions that were asked of name servers, by record type, and of getaddrinfo (`kind="AAAA"`).
    DnsQueriesAAAA,
    /// Questions that were asked of name servers, by record type, and of getaddrinfo (`kind="getaddrinfo"`).
    DnsQueriesGetaddrinfo,
    /// Lookups that ended without an address: there is none, there was no answer in time, or the question failed (`reason="notFound"`).
    DnsFailuresNotFound,
    /// Lookups that ended without an address: there is none, there was no answer in time, or the question failed (`reason="timeout"`).
    DnsFailuresTimeout,
    /// Lookups that ended without an address: there is none, there was no answer in time, or the question failed (`reason="failed"`).
    DnsFailuresFailed,
    /// Requests that HTTP clients put on a connection, those that were sent again included.
    HttpClientRequests,
    /// Requests that were put on a connection behind others that had not been answered.
    HttpClientPipelined,
    /// Responses to HTTP clients by class of their status code (`class="1xx"`).
    HttpClientResponses1xx,
    /// Responses to HTTP clients by class of their status code (`class="2xx"`).
    HttpClientResponses2xx,
    /// Responses to HTTP clients by class of their status code (`class="3xx"`).
    HttpClientResponses3xx,
    /// Responses to HTTP clients by class of their status code (`class="4xx"`).
    HttpClientResponses4xx,
    /// Responses to HTTP clients by class of their status code (`class="5xx"`).
    HttpClientResponses5xx,
    /// Deadlines of HTTP clients that expired, by the phase that took too long (`phase="send"`).
    HttpClientTimeoutsSend,
    /// Deadlines of HTTP clients that expired, by the phase that took too long (`phase="headers"`).
    HttpClientTimeoutsHeaders,
    /// Deadlines of HTTP clients that expired, by the phase that took too long (`phase="body"`).
    HttpClientTimeoutsBody,
    /// Deadlines of HTTP clients that expired, by the phase that took too long (`phase="total"`).
    HttpClientTimeoutsTotal,
    /// Deadlines of HTTP clients that expired, by the phase that took too long (`phase="acquire"`).
    HttpClientTimeoutsAcquire,
    /// Requests that ended with an error.
    HttpClientFailures,
    /// Requests that were sent again because their connection was dead, or closed before their turn came.
    HttpClientReplays,
    /// Connections that pools opened.
    PoolConnectionsCreated,
    /// Connections of pools that ended, by the reason (`reason="idle"`).
    PoolConnectionsClosedIdle,
    /// Connections of pools that ended, by the reason (`reason="age"`).
    PoolConnectionsClosedAge,
    /// Connections of pools that ended, by the reason (`reason="requests"`).
    PoolConnectionsClosedRequests,
    /// Connections of pools that ended, by the reason (`reason="peer"`).
    PoolConnectionsClosedPeer,
    /// Connections of pools that ended, by the reason (`reason="stale"`).
    PoolConnectionsClosedStale,
    /// Connections of pools that ended, by the reason (`reason="error"`).
    PoolConnectionsClosedError,
    /// Connections of pools that ended, by the reason (`reason="limit"`).
    PoolConnectionsClosedLimit,
    /// Connections of pools that ended, by the reason (`reason="drain"`).
    PoolConnectionsClosedDrain,
    /// Connections of pools that ended, by the reason (`reason="discarded"`).
    PoolConnectionsClosedDiscarded,
    /// Connections that pools gave out, by what they were before (`kind="created"`).
    PoolAcquiresCreated,
    /// Connections that pools gave out, by what they were before (`kind="reused"`).
    PoolAcquiresReused,
    /// Requests that a full queue refused.
    PoolRefused,
    /// Attempts that were not made again because the retry budget was used up.
    RetryBudgetExhausted,
    /// Calls that an open circuit breaker refused, or a half-open one whose probes were under way.
    CircuitBreakerRefused,
}

impl Counter {
    /// How many there are.
    pub const COUNT: usize = 116;

    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; Self::COUNT] = [
        Self::HttpServerConnectionsAccepted,
        Self::HttpServerConnectionsRefused,
        Self::HttpServerRequests,
        Self::HttpServerResponses1xx,
        Self::HttpServerResponses2xx,
        Self::HttpServerResponses3xx,
        Self::HttpServerResponses4xx,
        Self::HttpServerResponses5xx,
        Self::HttpServerRequestErrors,
        Self::HttpServerAborted,
        Self::HttpServerHandlerErrors,
        Self::HttpServerTimeoutsHeaders,
        Self::HttpServerTimeoutsBody,
        Self::HttpServerTimeoutsRequest,
        Self::HttpServerTimeoutsSend,
        Self::HttpServerTimeoutsIdle,
        Self::HttpServerTimeoutsReceiveRate,
        Self::HttpServerTimeoutsSendRate,
        Self::HttpServerTimeoutsHandler,
        Self::HttpServerTimeoutsTlsHandshake,
        Self::HttpServerUpgrades,
        Self::LimitExceededMaxUrlSize,
        Self::LimitExceededMaxHeaderSize,
        Self::LimitExceededMaxHeaderFields,
        Self::LimitExceededMaxBodySize,
        Self::LimitExceededMaxCollectedSize,
        Self::LimitExceededMaxConnections,
        Self::LimitExceededChunkExtensions,
        Self::LimitExceededTrailers,
        Self::LimitExceededMaxConnectionsPerIp,
        Self::LimitExceededDeny,
        Self::LimitExceededRateLimits,
        Self::LimitExceededMaxMemory,
        Self::LimitExceededReputation,
        Self::LimitExceededMaxResponseSize,
        Self::LimitExceededMaxMemoryPerRequest,
        Self::LimitExceededMaxExpansion,
        Self::LimitExceededMaxRedirects,
        Self::LimitExceededContentCodings,
        Self::RateLimitStoreFailures,
        Self::SocketsReceivedBytes,
        Self::SocketsSentBytes,
        Self::SocketsReceiveCalls,
        Self::SocketsSendCalls,
        Self::ReactorWakes,
        Self::ReactorEvents,
        Self::ReactorPanics,
        Self::LogRecordsTrace,
        Self::LogRecordsDebug,
        Self::LogRecordsInfo,
        Self::LogRecordsWarn,
        Self::LogRecordsError,
        Self::LogRecordsFatal,
        Self::SocketsConnectsStarted,
        Self::SocketsConnectsFailed,
        Self::SocketsAccepted,
        Self::SocketsRefused,
        Self::SocketsAcceptFailures,
        Self::SocketsConnectAttempts,
        Self::ProxyClientHandshakes,
        Self::ProxyClientFailures,
        Self::RelayStarted,
        Self::RelayFailed,
        Self::RelayTimeoutsIdle,
        Self::RelayTimeoutsTotal,
        Self::RelayBytes,
        Self::RelaySplicedBytes,
        Self::ProxyServerTunnels,
        Self::ProxyServerFailures,
        Self::TlsHandshakesFull,
        Self::TlsHandshakesResumed,
        Self::TlsFailures,
        Self::HttpServerValidateRefusals,
        Self::HttpServerConnectionsDelayed,
        Self::HttpServerAcceptPauses,
        Self::DnsLookupsLocal,
        Self::DnsLookupsHit,
        Self::DnsLookupsNegativeHit,
        Self::DnsLookupsMiss,
        Self::DnsLookupsMerged,
        Self::DnsStale,
        Self::DnsQueriesA,
        Self::DnsQueriesAAAA,
        Self::DnsQueriesGetaddrinfo,
        Self::DnsFailuresNotFound,
        Self::DnsFailuresTimeout,
        Self::DnsFailuresFailed,
        Self::HttpClientRequests,
        Self::HttpClientPipelined,
        Self::HttpClientResponses1xx,
        Self::HttpClientResponses2xx,
        Self::HttpClientResponses3xx,
        Self::HttpClientResponses4xx,
        Self::HttpClientResponses5xx,
        Self::HttpClientTimeoutsSend,
        Self::HttpClientTimeoutsHeaders,
        Self::HttpClientTimeoutsBody,
        Self::HttpClientTimeoutsTotal,
        Self::HttpClientTimeoutsAcquire,
        Self::HttpClientFailures,
        Self::HttpClientReplays,
        Self::PoolConnectionsCreated,
        Self::PoolConnectionsClosedIdle,
        Self::PoolConnectionsClosedAge,
        Self::PoolConnectionsClosedRequests,
        Self::PoolConnectionsClosedPeer,
        Self::PoolConnectionsClosedStale,
        Self::PoolConnectionsClosedError,
        Self::PoolConnectionsClosedLimit,
        Self::PoolConnectionsClosedDrain,
        Self::PoolConnectionsClosedDiscarded,
        Self::PoolAcquiresCreated,
        Self::PoolAcquiresReused,
        Self::PoolRefused,
        Self::RetryBudgetExhausted,
        Self::CircuitBreakerRefused,
    ];

    /// The series of `millrace_http_server_responses_total`, in the order of its label `class`: 1xx, 2xx, 3xx, 4xx, 5xx.
    pub const HTTP_SERVER_RESPONSES: [Self; 5] = [
        Self::HttpServerResponses1xx,
        Self::HttpServerResponses2xx,
        Self::HttpServerResponses3xx,
        Self::HttpServerResponses4xx,
        Self::HttpServerResponses5xx,
    ];

    /// The series of `millrace_http_server_timeouts_total`, in the order of its label `phase`: headers, body, request, send, idle, receiveRate, sendRate, handler, tlsHandshake.
    pub const HTTP_SERVER_TIMEOUTS: [Self; 9] = [
        Self::HttpServerTimeoutsHeaders,
        Self::HttpServerTimeoutsBody,
        Self::HttpServerTimeoutsRequest,
        Self::HttpServerTimeoutsSend,
        Self::HttpServerTimeoutsIdle,
        Self::HttpServerTimeoutsReceiveRate,
        Self::HttpServerTimeoutsSendRate,
        Self::HttpServerTimeoutsHandler,
        Self::HttpServerTimeoutsTlsHandshake,
    ];

    /// The series of `millrace_limit_exceeded_total`, in the order of its label `option`: maxUrlSize, maxHeaderSize, maxHeaderFields, maxBodySize, maxCollectedSize, maxConnections, chunkExtensions, trailers, maxConnectionsPerIp, deny, rateLimits, maxMemory, reputation, maxResponseSize, maxMemoryPerRequest, maxExpansion, maxRedirects, contentCodings.
    pub const LIMIT_EXCEEDED: [Self; 18] = [
        Self::LimitExceededMaxUrlSize,
        Self::LimitExceededMaxHeaderSize,
        Self::LimitExceededMaxHeaderFields,
        Self::LimitExceededMaxBodySize,
        Self::LimitExceededMaxCollectedSize,
        Self::LimitExceededMaxConnections,
        Self::LimitExceededChunkExtensions,
        Self::LimitExceededTrailers,
        Self::LimitExceededMaxConnectionsPerIp,
        Self::LimitExceededDeny,
        Self::LimitExceededRateLimits,
        Self::LimitExceededMaxMemory,
        Self::LimitExceededReputation,
        Self::LimitExceededMaxResponseSize,
        Self::LimitExceededMaxMemoryPerRequest,
        Self::LimitExceededMaxExpansion,
        Self::LimitExceededMaxRedirects,
        Self::LimitExceededContentCodings,
    ];

    /// The series of `millrace_log_records_total`, in the order of its label `level`: trace, debug, info, warn, error, fatal.
    pub const LOG_RECORDS: [Self; 6] = [
        Self::LogRecordsTrace,
        Self::LogRecordsDebug,
        Self::LogRecordsInfo,
        Self::LogRecordsWarn,
        Self::LogRecordsError,
        Self::LogRecordsFatal,
    ];

    /// The series of `millrace_relay_timeouts_total`, in the order of its label `phase`: idle, total.
    pub const RELAY_TIMEOUTS: [Self; 2] = [Self::RelayTimeoutsIdle, Self::RelayTimeoutsTotal];

    /// The series of `millrace_tls_handshakes_total`, in the order of its label `kind`: full, resumed.
    pub const TLS_HANDSHAKES: [Self; 2] = [Self::TlsHandshakesFull, Self::TlsHandshakesResumed];

    /// The series of `millrace_dns_lookups_total`, in the order of its label `result`: local, hit, negativeHit, miss, merged.
    pub const DNS_LOOKUPS: [Self; 5] = [
        Self::DnsLookupsLocal,
        Self::DnsLookupsHit,
        Self::DnsLookupsNegativeHit,
        Self::DnsLookupsMiss,
        Self::DnsLookupsMerged,
    ];

    /// The series of `millrace_dns_queries_total`, in the order of its label `kind`: A, AAAA, getaddrinfo.
    pub const DNS_QUERIES: [Self; 3] = [Self::DnsQueriesA, Self::DnsQueriesAAAA, Self::DnsQueriesGetaddrinfo];

    /// The series of `millrace_dns_failures_total`, in the order of its label `reason`: notFound, timeout, failed.
    pub const DNS_FAILURES: [Self; 3] = [
        Self::DnsFailuresNotFound,
        Self::DnsFailuresTimeout,
        Self::DnsFailuresFailed,
    ];

    /// The series of `millrace_http_client_responses_total`, in the order of its label `class`: 1xx, 2xx, 3xx, 4xx, 5xx.
    pub const HTTP_CLIENT_RESPONSES: [Self; 5] = [
        Self::HttpClientResponses1xx,
        Self::HttpClientResponses2xx,
        Self::HttpClientResponses3xx,
        Self::HttpClientResponses4xx,
        Self::HttpClientResponses5xx,
    ];

    /// The series of `millrace_http_client_timeouts_total`, in the order of its label `phase`: send, headers, body, total, acquire.
    pub const HTTP_CLIENT_TIMEOUTS: [Self; 5] = [
        Self::HttpClientTimeoutsSend,
        Self::HttpClientTimeoutsHeaders,
        Self::HttpClientTimeoutsBody,
        Self::HttpClientTimeoutsTotal,
        Self::HttpClientTimeoutsAcquire,
    ];

    /// The series of `millrace_pool_connections_closed_total`, in the order of its label `reason`: idle, age, requests, peer, stale, error, limit, drain, discarded.
    pub const POOL_CONNECTIONS_CLOSED: [Self; 9] = [
        Self::PoolConnectionsClosedIdle,
        Self::PoolConnectionsClosedAge,
        Self::PoolConnectionsClosedRequests,
        Self::PoolConnectionsClosedPeer,
        Self::PoolConnectionsClosedStale,
        Self::PoolConnectionsClosedError,
        Self::PoolConnectionsClosedLimit,
        Self::PoolConnectionsClosedDrain,
        Self::PoolConnectionsClosedDiscarded,
    ];

    /// The series of `millrace_pool_acquires_total`, in the order of its label `kind`: created, reused.
    pub const POOL_ACQUIRES: [Self; 2] = [Self::PoolAcquiresCreated, Self::PoolAcquiresReused];

    /// The name of the family, as Prometheus sees it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HttpServerConnectionsAccepted => "millrace_http_server_connections_accepted_total",
            Self::HttpServerConnectionsRefused => "millrace_http_server_connections_refused_total",
            Self::HttpServerRequests => "millrace_http_server_requests_total",
            Self::HttpServerResponses1xx => "millrace_http_server_responses_total",
            Self::HttpServerResponses2xx => "millrace_http_server_responses_total",
            Self::HttpServerResponses3xx => "millrace_http_server_responses_total",
            Self::HttpServerResponses4xx => "millrace_http_server_responses_total",
            Self::HttpServerResponses5xx => "millrace_http_server_responses_total",
            Self::HttpServerRequestErrors => "millrace_http_server_request_errors_total",
            Self::HttpServerAborted => "millrace_http_server_aborted_total",
            Self::HttpServerHandlerErrors => "millrace_http_server_handler_errors_total",
            Self::HttpServerTimeoutsHeaders => "millrace_http_server_timeouts_total",
            Self::HttpServerTimeoutsBody => "millrace_http_server_timeouts_total",
            Self::HttpServerTimeoutsRequest => "millrace_http_server_timeouts_total",
            Self::HttpServerTimeoutsSend => "millrace_http_server_timeouts_total",
            Self::HttpServerTimeoutsIdle => "millrace_http_server_timeouts_total",
            Self::HttpServerTimeoutsReceiveRate => "millrace_http_server_timeouts_total",
            Self::HttpServerTimeoutsSendRate => "millrace_http_server_timeouts_total",
            Self::HttpServerTimeoutsHandler => "millrace_http_server_timeouts_total",
            Self::HttpServerTimeoutsTlsHandshake => "millrace_http_server_timeouts_total",
            Self::HttpServerUpgrades => "millrace_http_server_upgrades_total",
            Self::LimitExceededMaxUrlSize => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxHeaderSize => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxHeaderFields => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxBodySize => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxCollectedSize => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxConnections => "millrace_limit_exceeded_total",
            Self::LimitExceededChunkExtensions => "millrace_limit_exceeded_total",
            Self::LimitExceededTrailers => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxConnectionsPerIp => "millrace_limit_exceeded_total",
            Self::LimitExceededDeny => "millrace_limit_exceeded_total",
            Self::LimitExceededRateLimits => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxMemory => "millrace_limit_exceeded_total",
            Self::LimitExceededReputation => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxResponseSize => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxMemoryPerRequest => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxExpansion => "millrace_limit_exceeded_total",
            Self::LimitExceededMaxRedirects => "millrace_limit_exceeded_total",
            Self::LimitExceededContentCodings => "millrace_limit_exceeded_total",
            Self::RateLimitStoreFailures => "millrace_rate_limit_store_failures_total",
            Self::SocketsReceivedBytes => "millrace_sockets_received_bytes_total",
            Self::SocketsSentBytes => "millrace_sockets_sent_bytes_total",
            Self::SocketsReceiveCalls => "millrace_sockets_receive_calls_total",
            Self::SocketsSendCalls => "millrace_sockets_send_calls_total",
            Self::ReactorWakes => "millrace_reactor_wakes_total",
            Self::ReactorEvents => "millrace_reactor_events_total",
            Self::ReactorPanics => "millrace_reactor_panics_total",
            Self::LogRecordsTrace => "millrace_log_records_total",
            Self::LogRecordsDebug => "millrace_log_records_total",
            Self::LogRecordsInfo => "millrace_log_records_total",
            Self::LogRecordsWarn => "millrace_log_records_total",
            Self::LogRecordsError => "millrace_log_records_total",
            Self::LogRecordsFatal => "millrace_log_records_total",
            Self::SocketsConnectsStarted => "millrace_sockets_connects_started_total",
            Self::SocketsConnectsFailed => "millrace_sockets_connects_failed_total",
            Self::SocketsAccepted => "millrace_sockets_accepted_total",
            Self::SocketsRefused => "millrace_sockets_refused_total",
            Self::SocketsAcceptFailures => "millrace_sockets_accept_failures_total",
            Self::SocketsConnectAttempts => "millrace_sockets_connect_attempts_total",
            Self::ProxyClientHandshakes => "millrace_proxy_client_handshakes_total",
            Self::ProxyClientFailures => "millrace_proxy_client_failures_total",
            Self::RelayStarted => "millrace_relay_started_total",
            Self::RelayFailed => "millrace_relay_failed_total",
            Self::RelayTimeoutsIdle => "millrace_relay_timeouts_total",
            Self::RelayTimeoutsTotal => "millrace_relay_timeouts_total",
            Self::RelayBytes => "millrace_relay_bytes_total",
            Self::RelaySplicedBytes => "millrace_relay_spliced_bytes_total",
            Self::ProxyServerTunnels => "millrace_proxy_server_tunnels_total",
            Self::ProxyServerFailures => "millrace_proxy_server_failures_total",
            Self::TlsHandshakesFull => "millrace_tls_handshakes_total",
            Self::TlsHandshakesResumed => "millrace_tls_handshakes_total",
            Self::TlsFailures => "millrace_tls_failures_total",
            Self::HttpServerValidateRefusals => "millrace_http_server_validate_refusals_total",
            Self::HttpServerConnectionsDelayed => "millrace_http_server_connections_delayed_total",
            Self::HttpServerAcceptPauses => "millrace_http_server_accept_pauses_total",
            Self::DnsLookupsLocal => "millrace_dns_lookups_total",
            Self::DnsLookupsHit => "millrace_dns_lookups_total",
            Self::DnsLookupsNegativeHit => "millrace_dns_lookups_total",
            Self::DnsLookupsMiss => "millrace_dns_lookups_total",
            Self::DnsLookupsMerged => "millrace_dns_lookups_total",
            Self::DnsStale => "millrace_dns_stale_total",
            Self::DnsQueriesA => "millrace_dns_queries_total",
            Self::DnsQueriesAAAA => "millrace_dns_queries_total",
            Self::DnsQueriesGetaddrinfo => "millrace_dns_queries_total",
            Self::DnsFailuresNotFound => "millrace_dns_failures_total",
            Self::DnsFailuresTimeout => "millrace_dns_failures_total",
            Self::DnsFailuresFailed => "millrace_dns_failures_total",
            Self::HttpClientRequests => "millrace_http_client_requests_total",
            Self::HttpClientPipelined => "millrace_http_client_pipelined_total",
            Self::HttpClientResponses1xx => "millrace_http_client_responses_total",
            Self::HttpClientResponses2xx => "millrace_http_client_responses_total",
            Self::HttpClientResponses3xx => "millrace_http_client_responses_total",
            Self::HttpClientResponses4xx => "millrace_http_client_responses_total",
            Self::HttpClientResponses5xx => "millrace_http_client_responses_total",
            Self::HttpClientTimeoutsSend => "millrace_http_client_timeouts_total",
            Self::HttpClientTimeoutsHeaders => "millrace_http_client_timeouts_total",
            Self::HttpClientTimeoutsBody => "millrace_http_client_timeouts_total",
            Self::HttpClientTimeoutsTotal => "millrace_http_client_timeouts_total",
            Self::HttpClientTimeoutsAcquire => "millrace_http_client_timeouts_total",
            Self::HttpClientFailures => "millrace_http_client_failures_total",
            Self::HttpClientReplays => "millrace_http_client_replays_total",
            Self::PoolConnectionsCreated => "millrace_pool_connections_created_total",
            Self::PoolConnectionsClosedIdle => "millrace_pool_connections_closed_total",
            Self::PoolConnectionsClosedAge => "millrace_pool_connections_closed_total",
            Self::PoolConnectionsClosedRequests => "millrace_pool_connections_closed_total",
            Self::PoolConnectionsClosedPeer => "millrace_pool_connections_closed_total",
            Self::PoolConnectionsClosedStale => "millrace_pool_connections_closed_total",
            Self::PoolConnectionsClosedError => "millrace_pool_connections_closed_total",
            Self::PoolConnectionsClosedLimit => "millrace_pool_connections_closed_total",
            Self::PoolConnectionsClosedDrain => "millrace_pool_connections_closed_total",
            Self::PoolConnectionsClosedDiscarded => "millrace_pool_connections_closed_total",
            Self::PoolAcquiresCreated => "millrace_pool_acquires_total",
            Self::PoolAcquiresReused => "millrace_pool_acquires_total",
            Self::PoolRefused => "millrace_pool_refused_total",
            Self::RetryBudgetExhausted => "millrace_retry_budget_exhausted_total",
            Self::CircuitBreakerRefused => "millrace_circuit_breaker_refused_total",
        }
    }

    /// What it counts, in one line.
    pub const fn help(self) -> &'static str {
        match self {
            Self::HttpServerConnectionsAccepted => "Connections that HTTP servers accepted",
            Self::HttpServerConnectionsRefused => {
                "Connections that HTTP servers refused because maxConnections was reached or the system had no descriptor left"
            }
            Self::HttpServerRequests => "Requests whose head arrived whole and was accepted",
            Self::HttpServerResponses1xx => "Responses by class of their status code",
            Self::HttpServerResponses2xx => "Responses by class of their status code",
            Self::HttpServerResponses3xx => "Responses by class of their status code",
            Self::HttpServerResponses4xx => "Responses by class of their status code",
            Self::HttpServerResponses5xx => "Responses by class of their status code",
            Self::HttpServerRequestErrors => "Malformed requests that were answered with an error or cut",
            Self::HttpServerAborted => "Exchanges whose client left before the response was finished",
            Self::HttpServerHandlerErrors => {
                "Request handlers that threw, rejected or answered with something that is not a response"
            }
            Self::HttpServerTimeoutsHeaders => "Deadlines that expired, by the phase that took too long",
            Self::HttpServerTimeoutsBody => "Deadlines that expired, by the phase that took too long",
            Self::HttpServerTimeoutsRequest => "Deadlines that expired, by the phase that took too long",
            Self::HttpServerTimeoutsSend => "Deadlines that expired, by the phase that took too long",
            Self::HttpServerTimeoutsIdle => "Deadlines that expired, by the phase that took too long",
            Self::HttpServerTimeoutsReceiveRate => "Deadlines that expired, by the phase that took too long",
            Self::HttpServerTimeoutsSendRate => "Deadlines that expired, by the phase that took too long",
            Self::HttpServerTimeoutsHandler => "Deadlines that expired, by the phase that took too long",
            Self::HttpServerTimeoutsTlsHandshake => "Deadlines that expired, by the phase that took too long",
            Self::HttpServerUpgrades => "Connections handed over after an Upgrade or a CONNECT request",
            Self::LimitExceededMaxUrlSize => "Refusals by the limit that was passed",
            Self::LimitExceededMaxHeaderSize => "Refusals by the limit that was passed",
            Self::LimitExceededMaxHeaderFields => "Refusals by the limit that was passed",
            Self::LimitExceededMaxBodySize => "Refusals by the limit that was passed",
            Self::LimitExceededMaxCollectedSize => "Refusals by the limit that was passed",
            Self::LimitExceededMaxConnections => "Refusals by the limit that was passed",
            Self::LimitExceededChunkExtensions => "Refusals by the limit that was passed",
            Self::LimitExceededTrailers => "Refusals by the limit that was passed",
            Self::LimitExceededMaxConnectionsPerIp => "Refusals by the limit that was passed",
            Self::LimitExceededDeny => "Refusals by the limit that was passed",
            Self::LimitExceededRateLimits => "Refusals by the limit that was passed",
            Self::LimitExceededMaxMemory => "Refusals by the limit that was passed",
            Self::LimitExceededReputation => "Refusals by the limit that was passed",
            Self::LimitExceededMaxResponseSize => "Refusals by the limit that was passed",
            Self::LimitExceededMaxMemoryPerRequest => "Refusals by the limit that was passed",
            Self::LimitExceededMaxExpansion => "Refusals by the limit that was passed",
            Self::LimitExceededMaxRedirects => "Refusals by the limit that was passed",
            Self::LimitExceededContentCodings => "Refusals by the limit that was passed",
            Self::RateLimitStoreFailures => "Times that a store of a rate limit failed or took too long",
            Self::SocketsReceivedBytes => "Bytes received from sockets",
            Self::SocketsSentBytes => "Bytes that the kernel took for sending",
            Self::SocketsReceiveCalls => "System calls made to receive",
            Self::SocketsSendCalls => "System calls made to send",
            Self::ReactorWakes => "Times that a reactor was woken",
            Self::ReactorEvents => "Events given to JavaScript",
            Self::ReactorPanics => "Panics of native code that were caught; each one is a bug of millrace",
            Self::LogRecordsTrace => "Log records written, by level",
            Self::LogRecordsDebug => "Log records written, by level",
            Self::LogRecordsInfo => "Log records written, by level",
            Self::LogRecordsWarn => "Log records written, by level",
            Self::LogRecordsError => "Log records written, by level",
            Self::LogRecordsFatal => "Log records written, by level",
            Self::SocketsConnectsStarted => "Connections that were begun",
            Self::SocketsConnectsFailed => "Connections that were begun and did not open",
            Self::SocketsAccepted => "Connections that raw listeners accepted",
            Self::SocketsRefused => {
                "Connections that raw listeners refused for a rule, a limit or for want of descriptors"
            }
            Self::SocketsAcceptFailures => {
                "Connections of raw listeners that did not open: their PROXY head or TLS handshake failed, or took too long"
            }
            Self::SocketsConnectAttempts => "Addresses that were tried: one connection may try several (RFC 8305)",
            Self::ProxyClientHandshakes => "Handshakes with proxies that opened a tunnel",
            Self::ProxyClientFailures => "Handshakes with proxies that failed: refusals, timeouts, malformed answers",
            Self::RelayStarted => "Relays that were begun: pairs of sockets whose bytes do not enter JavaScript",
            Self::RelayFailed => "Relays that ended before both sides had: resets, timeouts, cuts",
            Self::RelayTimeoutsIdle => "Relays that a time limit ended",
            Self::RelayTimeoutsTotal => "Relays that a time limit ended",
            Self::RelayBytes => "Bytes that went through relays",
            Self::RelaySplicedBytes => "Bytes that went through relays without being copied",
            Self::ProxyServerTunnels => "Tunnels that a proxy of ours has opened for its clients, by SOCKS",
            Self::ProxyServerFailures => {
                "SOCKS handshakes of a proxy of ours that failed: wrong credentials, refused or failed requests, malformed messages"
            }
            Self::TlsHandshakesFull => "TLS handshakes that ended well",
            Self::TlsHandshakesResumed => "TLS handshakes that ended well",
            Self::TlsFailures => {
                "TLS sessions that ended with an error: certificates, alerts, malformed messages, connections cut in a handshake"
            }
            Self::HttpServerValidateRefusals => "Requests that validate refused",
            Self::HttpServerConnectionsDelayed => "Connections that reputation let wait before they were served",
            Self::HttpServerAcceptPauses => {
                "Times that a listener paused for 100 ms because it could not accept: no descriptor or no memory was left"
            }
            Self::DnsLookupsLocal => {
                "Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)"
            }
            Self::DnsLookupsHit => {
                "Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)"
            }
            Self::DnsLookupsNegativeHit => {
                "Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)"
            }
            Self::DnsLookupsMiss => {
                "Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)"
            }
            Self::DnsLookupsMerged => {
                "Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)"
            }
            Self::DnsStale => "Lookups that were answered with addresses past their time, because there was no answer",
            Self::DnsQueriesA => "Questions that were asked of name servers, by record type, and of getaddrinfo",
            Self::DnsQueriesAAAA => "Questions that were asked of name servers, by record type, and of getaddrinfo",
            Self::DnsQueriesGetaddrinfo => {
                "Questions that were asked of name servers, by record type, and of getaddrinfo"
            }
            Self::DnsFailuresNotFound => {
                "Lookups that ended without an address: there is none, there was no answer in time, or the question failed"
            }
            Self::DnsFailuresTimeout => {
                "Lookups that ended without an address: there is none, there was no answer in time, or the question failed"
            }
            Self::DnsFailuresFailed => {
                "Lookups that ended without an address: there is none, there was no answer in time, or the question failed"
            }
            Self::HttpClientRequests => {
                "Requests that HTTP clients put on a connection, those that were sent again included"
            }
            Self::HttpClientPipelined => {
                "Requests that were put on a connection behind others that had not been answered"
            }
            Self::HttpClientResponses1xx => "Responses to HTTP clients by class of their status code",
            Self::HttpClientResponses2xx => "Responses to HTTP clients by class of their status code",
            Self::HttpClientResponses3xx => "Responses to HTTP clients by class of their status code",
            Self::HttpClientResponses4xx => "Responses to HTTP clients by class of their status code",
            Self::HttpClientResponses5xx => "Responses to HTTP clients by class of their status code",
            Self::HttpClientTimeoutsSend => "Deadlines of HTTP clients that expired, by the phase that took too long",
            Self::HttpClientTimeoutsHeaders => {
                "Deadlines of HTTP clients that expired, by the phase that took too long"
            }
            Self::HttpClientTimeoutsBody => "Deadlines of HTTP clients that expired, by the phase that took too long",
            Self::HttpClientTimeoutsTotal => "Deadlines of HTTP clients that expired, by the phase that took too long",
            Self::HttpClientTimeoutsAcquire => {
                "Deadlines of HTTP clients that expired, by the phase that took too long"
            }
            Self::HttpClientFailures => "Requests that ended with an error",
            Self::HttpClientReplays => {
                "Requests that were sent again because their connection was dead, or closed before their turn came"
            }
            Self::PoolConnectionsCreated => "Connections that pools opened",
            Self::PoolConnectionsClosedIdle => "Connections of pools that ended, by the reason",
            Self::PoolConnectionsClosedAge => "Connections of pools that ended, by the reason",
            Self::PoolConnectionsClosedRequests => "Connections of pools that ended, by the reason",
            Self::PoolConnectionsClosedPeer => "Connections of pools that ended, by the reason",
            Self::PoolConnectionsClosedStale => "Connections of pools that ended, by the reason",
            Self::PoolConnectionsClosedError => "Connections of pools that ended, by the reason",
            Self::PoolConnectionsClosedLimit => "Connections of pools that ended, by the reason",
            Self::PoolConnectionsClosedDrain => "Connections of pools that ended, by the reason",
            Self::PoolConnectionsClosedDiscarded => "Connections of pools that ended, by the reason",
            Self::PoolAcquiresCreated => "Connections that pools gave out, by what they were before",
            Self::PoolAcquiresReused => "Connections that pools gave out, by what they were before",
            Self::PoolRefused => "Requests that a full queue refused",
            Self::RetryBudgetExhausted => "Attempts that were not made again because the retry budget was used up",
            Self::CircuitBreakerRefused => {
                "Calls that an open circuit breaker refused, or a half-open one whose probes were under way"
            }
        }
    }

    /// The label that tells this series from the others of its family, and its value.
    pub const fn label(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::HttpServerResponses1xx => Some(("class", "1xx")),
            Self::HttpServerResponses2xx => Some(("class", "2xx")),
            Self::HttpServerResponses3xx => Some(("class", "3xx")),
            Self::HttpServerResponses4xx => Some(("class", "4xx")),
            Self::HttpServerResponses5xx => Some(("class", "5xx")),
            Self::HttpServerTimeoutsHeaders => Some(("phase", "headers")),
            Self::HttpServerTimeoutsBody => Some(("phase", "body")),
            Self::HttpServerTimeoutsRequest => Some(("phase", "request")),
            Self::HttpServerTimeoutsSend => Some(("phase", "send")),
            Self::HttpServerTimeoutsIdle => Some(("phase", "idle")),
            Self::HttpServerTimeoutsReceiveRate => Some(("phase", "receiveRate")),
            Self::HttpServerTimeoutsSendRate => Some(("phase", "sendRate")),
            Self::HttpServerTimeoutsHandler => Some(("phase", "handler")),
            Self::HttpServerTimeoutsTlsHandshake => Some(("phase", "tlsHandshake")),
            Self::LimitExceededMaxUrlSize => Some(("option", "maxUrlSize")),
            Self::LimitExceededMaxHeaderSize => Some(("option", "maxHeaderSize")),
            Self::LimitExceededMaxHeaderFields => Some(("option", "maxHeaderFields")),
            Self::LimitExceededMaxBodySize => Some(("option", "maxBodySize")),
            Self::LimitExceededMaxCollectedSize => Some(("option", "maxCollectedSize")),
            Self::LimitExceededMaxConnections => Some(("option", "maxConnections")),
            Self::LimitExceededChunkExtensions => Some(("option", "chunkExtensions")),
            Self::LimitExceededTrailers => Some(("option", "trailers")),
            Self::LimitExceededMaxConnectionsPerIp => Some(("option", "maxConnectionsPerIp")),
            Self::LimitExceededDeny => Some(("option", "deny")),
            Self::LimitExceededRateLimits => Some(("option", "rateLimits")),
            Self::LimitExceededMaxMemory => Some(("option", "maxMemory")),
            Self::LimitExceededReputation => Some(("option", "reputation")),
            Self::LimitExceededMaxResponseSize => Some(("option", "maxResponseSize")),
            Self::LimitExceededMaxMemoryPerRequest => Some(("option", "maxMemoryPerRequest")),
            Self::LimitExceededMaxExpansion => Some(("option", "maxExpansion")),
            Self::LimitExceededMaxRedirects => Some(("option", "maxRedirects")),
            Self::LimitExceededContentCodings => Some(("option", "contentCodings")),
            Self::LogRecordsTrace => Some(("level", "trace")),
            Self::LogRecordsDebug => Some(("level", "debug")),
            Self::LogRecordsInfo => Some(("level", "info")),
            Self::LogRecordsWarn => Some(("level", "warn")),
            Self::LogRecordsError => Some(("level", "error")),
            Self::LogRecordsFatal => Some(("level", "fatal")),
            Self::RelayTimeoutsIdle => Some(("phase", "idle")),
            Self::RelayTimeoutsTotal => Some(("phase", "total")),
            Self::TlsHandshakesFull => Some(("kind", "full")),
            Self::TlsHandshakesResumed => Some(("kind", "resumed")),
            Self::DnsLookupsLocal => Some(("result", "local")),
            Self::DnsLookupsHit => Some(("result", "hit")),
            Self::DnsLookupsNegativeHit => Some(("result", "negativeHit")),
            Self::DnsLookupsMiss => Some(("result", "miss")),
            Self::DnsLookupsMerged => Some(("result", "merged")),
            Self::DnsQueriesA => Some(("kind", "A")),
            Self::DnsQueriesAAAA => Some(("kind", "AAAA")),
            Self::DnsQueriesGetaddrinfo => Some(("kind", "getaddrinfo")),
            Self::DnsFailuresNotFound => Some(("reason", "notFound")),
            Self::DnsFailuresTimeout => Some(("reason", "timeout")),
            Self::DnsFailuresFailed => Some(("reason", "failed")),
            Self::HttpClientResponses1xx => Some(("class", "1xx")),
            Self::HttpClientResponses2xx => Some(("class", "2xx")),
            Self::HttpClientResponses3xx => Some(("class", "3xx")),
            Self::HttpClientResponses4xx => Some(("class", "4xx")),
            Self::HttpClientResponses5xx => Some(("class", "5xx")),
            Self::HttpClientTimeoutsSend => Some(("phase", "send")),
            Self::HttpClientTimeoutsHeaders => Some(("phase", "headers")),
            Self::HttpClientTimeoutsBody => Some(("phase", "body")),
            Self::HttpClientTimeoutsTotal => Some(("phase", "total")),
            Self::HttpClientTimeoutsAcquire => Some(("phase", "acquire")),
            Self::PoolConnectionsClosedIdle => Some(("reason", "idle")),
            Self::PoolConnectionsClosedAge => Some(("reason", "age")),
            Self::PoolConnectionsClosedRequests => Some(("reason", "requests")),
            Self::PoolConnectionsClosedPeer => Some(("reason", "peer")),
            Self::PoolConnectionsClosedStale => Some(("reason", "stale")),
            Self::PoolConnectionsClosedError => Some(("reason", "error")),
            Self::PoolConnectionsClosedLimit => Some(("reason", "limit")),
            Self::PoolConnectionsClosedDrain => Some(("reason", "drain")),
            Self::PoolConnectionsClosedDiscarded => Some(("reason", "discarded")),
            Self::PoolAcquiresCreated => Some(("kind", "created")),
            Self::PoolAcquiresReused => Some(("kind", "reused")),
            _ => None,
        }
    }

    /// The base unit, where there is one.
    pub const fn unit(self) -> Option<&'static str> {
        match self {
            Self::SocketsReceivedBytes | Self::SocketsSentBytes | Self::RelayBytes | Self::RelaySplicedBytes => {
                Some("bytes")
            }
            _ => None,
        }
    }
}

/// A number that goes up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Gauge {
    /// Open connections of HTTP servers.
    HttpServerConnections,
    /// Exchanges in flight.
    HttpServerActiveRequests,
    /// Listening HTTP servers.
    HttpServerListeners,
    /// Threads that run a reactor.
    ReactorThreads,
    /// Connections that we began: connecting, or open.
    SocketsConnected,
    /// Raw listeners.
    SocketsListeners,
    /// Open connections of raw listeners.
    SocketsAcceptedOpen,
    /// Relays that are open.
    RelayActive,
    /// Pool buffers in use.
    Buffers,
    /// Memory held for peers: what waits to be written, what was received and not taken.
    MemoryHeldBytes,
    /// Open HTTP/1.1 connections of HTTP clients.
    HttpClientConnections,
    /// Requests on a connection whose response has not ended.
    HttpClientActiveRequests,
    /// Requests that wait for a connection.
    PoolQueued,
}

impl Gauge {
    /// How many there are.
    pub const COUNT: usize = 13;

    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; Self::COUNT] = [
        Self::HttpServerConnections,
        Self::HttpServerActiveRequests,
        Self::HttpServerListeners,
        Self::ReactorThreads,
        Self::SocketsConnected,
        Self::SocketsListeners,
        Self::SocketsAcceptedOpen,
        Self::RelayActive,
        Self::Buffers,
        Self::MemoryHeldBytes,
        Self::HttpClientConnections,
        Self::HttpClientActiveRequests,
        Self::PoolQueued,
    ];

    /// The name of the family, as Prometheus sees it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HttpServerConnections => "millrace_http_server_connections",
            Self::HttpServerActiveRequests => "millrace_http_server_active_requests",
            Self::HttpServerListeners => "millrace_http_server_listeners",
            Self::ReactorThreads => "millrace_reactor_threads",
            Self::SocketsConnected => "millrace_sockets_connected",
            Self::SocketsListeners => "millrace_sockets_listeners",
            Self::SocketsAcceptedOpen => "millrace_sockets_accepted_open",
            Self::RelayActive => "millrace_relay_active",
            Self::Buffers => "millrace_buffers",
            Self::MemoryHeldBytes => "millrace_memory_held_bytes",
            Self::HttpClientConnections => "millrace_http_client_connections",
            Self::HttpClientActiveRequests => "millrace_http_client_active_requests",
            Self::PoolQueued => "millrace_pool_queued",
        }
    }

    /// What it counts, in one line.
    pub const fn help(self) -> &'static str {
        match self {
            Self::HttpServerConnections => "Open connections of HTTP servers",
            Self::HttpServerActiveRequests => "Exchanges in flight",
            Self::HttpServerListeners => "Listening HTTP servers",
            Self::ReactorThreads => "Threads that run a reactor",
            Self::SocketsConnected => "Connections that we began: connecting, or open",
            Self::SocketsListeners => "Raw listeners",
            Self::SocketsAcceptedOpen => "Open connections of raw listeners",
            Self::RelayActive => "Relays that are open",
            Self::Buffers => "Pool buffers in use",
            Self::MemoryHeldBytes => "Memory held for peers: what waits to be written, what was received and not taken",
            Self::HttpClientConnections => "Open HTTP/1.1 connections of HTTP clients",
            Self::HttpClientActiveRequests => "Requests on a connection whose response has not ended",
            Self::PoolQueued => "Requests that wait for a connection",
        }
    }

    /// The label that tells this series from the others of its family, and its value.
    pub const fn label(self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// The base unit, where there is one.
    pub const fn unit(self) -> Option<&'static str> {
        match self {
            Self::MemoryHeldBytes => Some("bytes"),
            _ => None,
        }
    }
}

/// A distribution of durations, recorded in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Histogram {
    /// Time from the first attempt to the connection that won.
    SocketsConnectDuration,
    /// Time of a handshake with a proxy that opened a tunnel.
    ProxyClientHandshakeDuration,
    /// Time from the first byte of a TLS handshake to its end.
    TlsHandshakeDuration,
    /// Time from the first byte of a request to the last byte of its response.
    HttpServerRequestDuration,
    /// Time that one wake of a reactor took, callbacks included.
    ReactorWakeDuration,
    /// Time from a question, which the cache could not answer, to its last answer.
    DnsLookupDuration,
    /// Time from the moment that a request is put on a connection to the last byte of its response.
    HttpClientRequestDuration,
    /// Time that requests waited for a connection.
    PoolWait,
}

impl Histogram {
    /// How many there are.
    pub const COUNT: usize = 8;

    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; Self::COUNT] = [
        Self::SocketsConnectDuration,
        Self::ProxyClientHandshakeDuration,
        Self::TlsHandshakeDuration,
        Self::HttpServerRequestDuration,
        Self::ReactorWakeDuration,
        Self::DnsLookupDuration,
        Self::HttpClientRequestDuration,
        Self::PoolWait,
    ];

    /// The name of the family, as Prometheus sees it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SocketsConnectDuration => "millrace_sockets_connect_duration_seconds",
            Self::ProxyClientHandshakeDuration => "millrace_proxy_client_handshake_duration_seconds",
            Self::TlsHandshakeDuration => "millrace_tls_handshake_duration_seconds",
            Self::HttpServerRequestDuration => "millrace_http_server_request_duration_seconds",
            Self::ReactorWakeDuration => "millrace_reactor_wake_duration_seconds",
            Self::DnsLookupDuration => "millrace_dns_lookup_duration_seconds",
            Self::HttpClientRequestDuration => "millrace_http_client_request_duration_seconds",
            Self::PoolWait => "millrace_pool_wait_seconds",
        }
    }

    /// What it counts, in one line.
    pub const fn help(self) -> &'static str {
        match self {
            Self::SocketsConnectDuration => "Time from the first attempt to the connection that won",
            Self::ProxyClientHandshakeDuration => "Time of a handshake with a proxy that opened a tunnel",
            Self::TlsHandshakeDuration => "Time from the first byte of a TLS handshake to its end",
            Self::HttpServerRequestDuration => "Time from the first byte of a request to the last byte of its response",
            Self::ReactorWakeDuration => "Time that one wake of a reactor took, callbacks included",
            Self::DnsLookupDuration => "Time from a question, which the cache could not answer, to its last answer",
            Self::HttpClientRequestDuration => {
                "Time from the moment that a request is put on a connection to the last byte of its response"
            }
            Self::PoolWait => "Time that requests waited for a connection",
        }
    }

    /// The label that tells this series from the others of its family, and its value.
    pub const fn label(self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// The base unit, where there is one.
    pub const fn unit(self) -> Option<&'static str> {
        match self {
            Self::SocketsConnectDuration
            | Self::ProxyClientHandshakeDuration
            | Self::TlsHandshakeDuration
            | Self::HttpServerRequestDuration
            | Self::ReactorWakeDuration
            | Self::DnsLookupDuration
            | Self::HttpClientRequestDuration
            | Self::PoolWait => Some("seconds"),
        }
    }
}

/// The percentiles that [`crate::fill`] writes.
pub const PERCENTILES: [f64; 6] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9];

/// The upper bounds, in nanoseconds, of the cumulative counts that [`crate::fill`] writes.
pub const BOUNDS_NANOS: [u64; 20] = [
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// How many numbers one histogram takes in the layout of [`crate::fill`].
pub const HISTOGRAM_LEN: usize = 30;

/// How many numbers [`crate::fill`] writes.
pub const FILL_LEN: usize = 369;
