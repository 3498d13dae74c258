// Made by scripts/generate.mjs from crates/metrics/catalogue.json. Do not edit.

export type CounterName =
  | 'millrace_http_server_connections_accepted_total'
  | 'millrace_http_server_connections_refused_total'
  | 'millrace_http_server_requests_total'
  | 'millrace_http_server_responses_total{class="1xx"}'
  | 'millrace_http_server_responses_total{class="2xx"}'
  | 'millrace_http_server_responses_total{class="3xx"}'
  | 'millrace_http_server_responses_total{class="4xx"}'
  | 'millrace_http_server_responses_total{class="5xx"}'
  | 'millrace_http_server_request_errors_total'
  | 'millrace_http_server_aborted_total'
  | 'millrace_http_server_handler_errors_total'
  | 'millrace_http_server_timeouts_total{phase="headers"}'
  | 'millrace_http_server_timeouts_total{phase="body"}'
  | 'millrace_http_server_timeouts_total{phase="request"}'
  | 'millrace_http_server_timeouts_total{phase="send"}'
  | 'millrace_http_server_timeouts_total{phase="idle"}'
  | 'millrace_http_server_timeouts_total{phase="receiveRate"}'
  | 'millrace_http_server_timeouts_total{phase="sendRate"}'
  | 'millrace_http_server_timeouts_total{phase="handler"}'
  | 'millrace_http_server_timeouts_total{phase="tlsHandshake"}'
  | 'millrace_http_server_upgrades_total'
  | 'millrace_limit_exceeded_total{option="maxUrlSize"}'
  | 'millrace_limit_exceeded_total{option="maxHeaderSize"}'
  | 'millrace_limit_exceeded_total{option="maxHeaderFields"}'
  | 'millrace_limit_exceeded_total{option="maxBodySize"}'
  | 'millrace_limit_exceeded_total{option="maxCollectedSize"}'
  | 'millrace_limit_exceeded_total{option="maxConnections"}'
  | 'millrace_limit_exceeded_total{option="chunkExtensions"}'
  | 'millrace_limit_exceeded_total{option="trailers"}'
  | 'millrace_limit_exceeded_total{option="maxConnectionsPerIp"}'
  | 'millrace_limit_exceeded_total{option="deny"}'
  | 'millrace_limit_exceeded_total{option="rateLimits"}'
  | 'millrace_limit_exceeded_total{option="maxMemory"}'
  | 'millrace_limit_exceeded_total{option="reputation"}'
  | 'millrace_limit_exceeded_total{option="maxResponseSize"}'
  | 'millrace_limit_exceeded_total{option="maxMemoryPerRequest"}'
  | 'millrace_limit_exceeded_total{option="maxExpansion"}'
  | 'millrace_limit_exceeded_total{option="maxRedirects"}'
  | 'millrace_limit_exceeded_total{option="contentCodings"}'
  | 'millrace_rate_limit_store_failures_total'
  | 'millrace_sockets_received_bytes_total'
  | 'millrace_sockets_sent_bytes_total'
  | 'millrace_sockets_receive_calls_total'
  | 'millrace_sockets_send_calls_total'
  | 'millrace_reactor_wakes_total'
  | 'millrace_reactor_events_total'
  | 'millrace_reactor_panics_total'
  | 'millrace_log_records_total{level="trace"}'
  | 'millrace_log_records_total{level="debug"}'
  | 'millrace_log_records_total{level="info"}'
  | 'millrace_log_records_total{level="warn"}'
  | 'millrace_log_records_total{level="error"}'
  | 'millrace_log_records_total{level="fatal"}'
  | 'millrace_sockets_connects_started_total'
  | 'millrace_sockets_connects_failed_total'
  | 'millrace_sockets_accepted_total'
  | 'millrace_sockets_refused_total'
  | 'millrace_sockets_accept_failures_total'
  | 'millrace_sockets_connect_attempts_total'
  | 'millrace_proxy_client_handshakes_total'
  | 'millrace_proxy_client_failures_total'
  | 'millrace_relay_started_total'
  | 'millrace_relay_failed_total'
  | 'millrace_relay_timeouts_total{phase="idle"}'
  | 'millrace_relay_timeouts_total{phase="total"}'
  | 'millrace_relay_bytes_total'
  | 'millrace_relay_spliced_bytes_total'
  | 'millrace_proxy_server_tunnels_total'
  | 'millrace_proxy_server_failures_total'
  | 'millrace_tls_handshakes_total{kind="full"}'
  | 'millrace_tls_handshakes_total{kind="resumed"}'
  | 'millrace_tls_failures_total'
  | 'millrace_http_server_validate_refusals_total'
  | 'millrace_http_server_connections_delayed_total'
  | 'millrace_http_server_accept_pauses_total'
  | 'millrace_dns_lookups_total{result="local"}'
  | 'millrace_dns_lookups_total{result="hit"}'
  | 'millrace_dns_lookups_total{result="negativeHit"}'
  | 'millrace_dns_lookups_total{result="miss"}'
  | 'millrace_dns_lookups_total{result="merged"}'
  | 'millrace_dns_stale_total'
  | 'millrace_dns_queries_total{kind="A"}'
  | 'millrace_dns_queries_total{kind="AAAA"}'
  | 'millrace_dns_queries_total{kind="getaddrinfo"}'
  | 'millrace_dns_failures_total{reason="notFound"}'
  | 'millrace_dns_failures_total{reason="timeout"}'
  | 'millrace_dns_failures_total{reason="failed"}'
  | 'millrace_http_client_requests_total'
  | 'millrace_http_client_pipelined_total'
  | 'millrace_http_client_responses_total{class="1xx"}'
  | 'millrace_http_client_responses_total{class="2xx"}'
  | 'millrace_http_client_responses_total{class="3xx"}'
  | 'millrace_http_client_responses_total{class="4xx"}'
  | 'millrace_http_client_responses_total{class="5xx"}'
  | 'millrace_http_client_timeouts_total{phase="send"}'
  | 'millrace_http_client_timeouts_total{phase="headers"}'
  | 'millrace_http_client_timeouts_total{phase="body"}'
  | 'millrace_http_client_timeouts_total{phase="total"}'
  | 'millrace_http_client_timeouts_total{phase="acquire"}'
  | 'millrace_http_client_failures_total'
  | 'millrace_http_client_replays_total'
  | 'millrace_pool_connections_created_total'
  | 'millrace_pool_connections_closed_total{reason="idle"}'
  | 'millrace_pool_connections_closed_total{reason="age"}'
  | 'millrace_pool_connections_closed_total{reason="requests"}'
  | 'millrace_pool_connections_closed_total{reason="peer"}'
  | 'millrace_pool_connections_closed_total{reason="stale"}'
  | 'millrace_pool_connections_closed_total{reason="error"}'
  | 'millrace_pool_connections_closed_total{reason="limit"}'
  | 'millrace_pool_connections_closed_total{reason="drain"}'
  | 'millrace_pool_connections_closed_total{reason="discarded"}'
  | 'millrace_pool_acquires_total{kind="created"}'
  | 'millrace_pool_acquires_total{kind="reused"}'
  | 'millrace_pool_refused_total'
  | 'millrace_retry_budget_exhausted_total'
  | 'millrace_circuit_breaker_refused_total';

export type GaugeName =
  | 'millrace_http_server_connections'
  | 'millrace_http_server_active_requests'
  | 'millrace_http_server_listeners'
  | 'millrace_reactor_threads'
  | 'millrace_sockets_connected'
  | 'millrace_sockets_listeners'
  | 'millrace_sockets_accepted_open'
  | 'millrace_relay_active'
  | 'millrace_buffers'
  | 'millrace_memory_held_bytes'
  | 'millrace_http_client_connections'
  | 'millrace_http_client_active_requests'
  | 'millrace_pool_queued';

export type HistogramName =
  | 'millrace_sockets_connect_duration_seconds'
  | 'millrace_proxy_client_handshake_duration_seconds'
  | 'millrace_tls_handshake_duration_seconds'
  | 'millrace_http_server_request_duration_seconds'
  | 'millrace_reactor_wake_duration_seconds'
  | 'millrace_dns_lookup_duration_seconds'
  | 'millrace_http_client_request_duration_seconds'
  | 'millrace_pool_wait_seconds';

export interface MetricRow<Key extends string> {
  /** The name of the series: the family's name and its label. */
  readonly key: Key;
  readonly name: string;
  readonly label: readonly [name: string, value: string] | null;
  readonly unit: 'seconds' | 'bytes' | null;
  readonly help: string;
}

export const COUNTERS: readonly MetricRow<CounterName>[] = [
  {
    key: 'millrace_http_server_connections_accepted_total',
    name: 'millrace_http_server_connections_accepted_total',
    label: null,
    unit: null,
    help: 'Connections that HTTP servers accepted',
  },
  {
    key: 'millrace_http_server_connections_refused_total',
    name: 'millrace_http_server_connections_refused_total',
    label: null,
    unit: null,
    help: 'Connections that HTTP servers refused because maxConnections was reached or the system had no descriptor left',
  },
  {
    key: 'millrace_http_server_requests_total',
    name: 'millrace_http_server_requests_total',
    label: null,
    unit: null,
    help: 'Requests whose head arrived whole and was accepted',
  },
  {
    key: 'millrace_http_server_responses_total{class="1xx"}',
    name: 'millrace_http_server_responses_total',
    label: ['class', '1xx'],
    unit: null,
    help: 'Responses by class of their status code',
  },
  {
    key: 'millrace_http_server_responses_total{class="2xx"}',
    name: 'millrace_http_server_responses_total',
    label: ['class', '2xx'],
    unit: null,
    help: 'Responses by class of their status code',
  },
  {
    key: 'millrace_http_server_responses_total{class="3xx"}',
    name: 'millrace_http_server_responses_total',
    label: ['class', '3xx'],
    unit: null,
    help: 'Responses by class of their status code',
  },
  {
    key: 'millrace_http_server_responses_total{class="4xx"}',
    name: 'millrace_http_server_responses_total',
    label: ['class', '4xx'],
    unit: null,
    help: 'Responses by class of their status code',
  },
  {
    key: 'millrace_http_server_responses_total{class="5xx"}',
    name: 'millrace_http_server_responses_total',
    label: ['class', '5xx'],
    unit: null,
    help: 'Responses by class of their status code',
  },
  {
    key: 'millrace_http_server_request_errors_total',
    name: 'millrace_http_server_request_errors_total',
    label: null,
    unit: null,
    help: 'Malformed requests that were answered with an error or cut',
  },
  {
    key: 'millrace_http_server_aborted_total',
    name: 'millrace_http_server_aborted_total',
    label: null,
    unit: null,
    help: 'Exchanges whose client left before the response was finished',
  },
  {
    key: 'millrace_http_server_handler_errors_total',
    name: 'millrace_http_server_handler_errors_total',
    label: null,
    unit: null,
    help: 'Request handlers that threw, rejected or answered with something that is not a response',
  },
  {
    key: 'millrace_http_server_timeouts_total{phase="headers"}',
    name: 'millrace_http_server_timeouts_total',
    label: ['phase', 'headers'],
    unit: null,
    help: 'Deadlines that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_server_timeouts_total{phase="body"}',
    name: 'millrace_http_server_timeouts_total',
    label: ['phase', 'body'],
    unit: null,
    help: 'Deadlines that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_server_timeouts_total{phase="request"}',
    name: 'millrace_http_server_timeouts_total',
    label: ['phase', 'request'],
    unit: null,
    help: 'Deadlines that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_server_timeouts_total{phase="send"}',
    name: 'millrace_http_server_timeouts_total',
    label: ['phase', 'send'],
    unit: null,
    help: 'Deadlines that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_server_timeouts_total{phase="idle"}',
    name: 'millrace_http_server_timeouts_total',
    label: ['phase', 'idle'],
    unit: null,
    help: 'Deadlines that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_server_timeouts_total{phase="receiveRate"}',
    name: 'millrace_http_server_timeouts_total',
    label: ['phase', 'receiveRate'],
    unit: null,
    help: 'Deadlines that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_server_timeouts_total{phase="sendRate"}',
    name: 'millrace_http_server_timeouts_total',
    label: ['phase', 'sendRate'],
    unit: null,
    help: 'Deadlines that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_server_timeouts_total{phase="handler"}',
    name: 'millrace_http_server_timeouts_total',
    label: ['phase', 'handler'],
    unit: null,
    help: 'Deadlines that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_server_timeouts_total{phase="tlsHandshake"}',
    name: 'millrace_http_server_timeouts_total',
    label: ['phase', 'tlsHandshake'],
    unit: null,
    help: 'Deadlines that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_server_upgrades_total',
    name: 'millrace_http_server_upgrades_total',
    label: null,
    unit: null,
    help: 'Connections handed over after an Upgrade or a CONNECT request',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxUrlSize"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxUrlSize'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxHeaderSize"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxHeaderSize'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxHeaderFields"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxHeaderFields'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxBodySize"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxBodySize'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxCollectedSize"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxCollectedSize'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxConnections"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxConnections'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="chunkExtensions"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'chunkExtensions'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="trailers"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'trailers'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxConnectionsPerIp"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxConnectionsPerIp'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="deny"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'deny'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="rateLimits"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'rateLimits'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxMemory"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxMemory'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="reputation"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'reputation'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxResponseSize"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxResponseSize'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxMemoryPerRequest"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxMemoryPerRequest'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxExpansion"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxExpansion'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="maxRedirects"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'maxRedirects'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_limit_exceeded_total{option="contentCodings"}',
    name: 'millrace_limit_exceeded_total',
    label: ['option', 'contentCodings'],
    unit: null,
    help: 'Refusals by the limit that was passed',
  },
  {
    key: 'millrace_rate_limit_store_failures_total',
    name: 'millrace_rate_limit_store_failures_total',
    label: null,
    unit: null,
    help: 'Times that a store of a rate limit failed or took too long',
  },
  {
    key: 'millrace_sockets_received_bytes_total',
    name: 'millrace_sockets_received_bytes_total',
    label: null,
    unit: 'bytes',
    help: 'Bytes received from sockets',
  },
  {
    key: 'millrace_sockets_sent_bytes_total',
    name: 'millrace_sockets_sent_bytes_total',
    label: null,
    unit: 'bytes',
    help: 'Bytes that the kernel took for sending',
  },
  {
    key: 'millrace_sockets_receive_calls_total',
    name: 'millrace_sockets_receive_calls_total',
    label: null,
    unit: null,
    help: 'System calls made to receive',
  },
  {
    key: 'millrace_sockets_send_calls_total',
    name: 'millrace_sockets_send_calls_total',
    label: null,
    unit: null,
    help: 'System calls made to send',
  },
  {
    key: 'millrace_reactor_wakes_total',
    name: 'millrace_reactor_wakes_total',
    label: null,
    unit: null,
    help: 'Times that a reactor was woken',
  },
  {
    key: 'millrace_reactor_events_total',
    name: 'millrace_reactor_events_total',
    label: null,
    unit: null,
    help: 'Events given to JavaScript',
  },
  {
    key: 'millrace_reactor_panics_total',
    name: 'millrace_reactor_panics_total',
    label: null,
    unit: null,
    help: 'Panics of native code that were caught; each one is a bug of millrace',
  },
  {
    key: 'millrace_log_records_total{level="trace"}',
    name: 'millrace_log_records_total',
    label: ['level', 'trace'],
    unit: null,
    help: 'Log records written, by level',
  },
  {
    key: 'millrace_log_records_total{level="debug"}',
    name: 'millrace_log_records_total',
    label: ['level', 'debug'],
    unit: null,
    help: 'Log records written, by level',
  },
  {
    key: 'millrace_log_records_total{level="info"}',
    name: 'millrace_log_records_total',
    label: ['level', 'info'],
    unit: null,
    help: 'Log records written, by level',
  },
  {
    key: 'millrace_log_records_total{level="warn"}',
    name: 'millrace_log_records_total',
    label: ['level', 'warn'],
    unit: null,
    help: 'Log records written, by level',
  },
  {
    key: 'millrace_log_records_total{level="error"}',
    name: 'millrace_log_records_total',
    label: ['level', 'error'],
    unit: null,
    help: 'Log records written, by level',
  },
  {
    key: 'millrace_log_records_total{level="fatal"}',
    name: 'millrace_log_records_total',
    label: ['level', 'fatal'],
    unit: null,
    help: 'Log records written, by level',
  },
  {
    key: 'millrace_sockets_connects_started_total',
    name: 'millrace_sockets_connects_started_total',
    label: null,
    unit: null,
    help: 'Connections that were begun',
  },
  {
    key: 'millrace_sockets_connects_failed_total',
    name: 'millrace_sockets_connects_failed_total',
    label: null,
    unit: null,
    help: 'Connections that were begun and did not open',
  },
  {
    key: 'millrace_sockets_accepted_total',
    name: 'millrace_sockets_accepted_total',
    label: null,
    unit: null,
    help: 'Connections that raw listeners accepted',
  },
  {
    key: 'millrace_sockets_refused_total',
    name: 'millrace_sockets_refused_total',
    label: null,
    unit: null,
    help: 'Connections that raw listeners refused for a rule, a limit or for want of descriptors',
  },
  {
    key: 'millrace_sockets_accept_failures_total',
    name: 'millrace_sockets_accept_failures_total',
    label: null,
    unit: null,
    help: 'Connections of raw listeners that did not open: their PROXY head or TLS handshake failed, or took too long',
  },
  {
    key: 'millrace_sockets_connect_attempts_total',
    name: 'millrace_sockets_connect_attempts_total',
    label: null,
    unit: null,
    help: 'Addresses that were tried: one connection may try several (RFC 8305)',
  },
  {
    key: 'millrace_proxy_client_handshakes_total',
    name: 'millrace_proxy_client_handshakes_total',
    label: null,
    unit: null,
    help: 'Handshakes with proxies that opened a tunnel',
  },
  {
    key: 'millrace_proxy_client_failures_total',
    name: 'millrace_proxy_client_failures_total',
    label: null,
    unit: null,
    help: 'Handshakes with proxies that failed: refusals, timeouts, malformed answers',
  },
  {
    key: 'millrace_relay_started_total',
    name: 'millrace_relay_started_total',
    label: null,
    unit: null,
    help: 'Relays that were begun: pairs of sockets whose bytes do not enter JavaScript',
  },
  {
    key: 'millrace_relay_failed_total',
    name: 'millrace_relay_failed_total',
    label: null,
    unit: null,
    help: 'Relays that ended before both sides had: resets, timeouts, cuts',
  },
  {
    key: 'millrace_relay_timeouts_total{phase="idle"}',
    name: 'millrace_relay_timeouts_total',
    label: ['phase', 'idle'],
    unit: null,
    help: 'Relays that a time limit ended',
  },
  {
    key: 'millrace_relay_timeouts_total{phase="total"}',
    name: 'millrace_relay_timeouts_total',
    label: ['phase', 'total'],
    unit: null,
    help: 'Relays that a time limit ended',
  },
  {
    key: 'millrace_relay_bytes_total',
    name: 'millrace_relay_bytes_total',
    label: null,
    unit: 'bytes',
    help: 'Bytes that went through relays',
  },
  {
    key: 'millrace_relay_spliced_bytes_total',
    name: 'millrace_relay_spliced_bytes_total',
    label: null,
    unit: 'bytes',
    help: 'Bytes that went through relays without being copied',
  },
  {
    key: 'millrace_proxy_server_tunnels_total',
    name: 'millrace_proxy_server_tunnels_total',
    label: null,
    unit: null,
    help: 'Tunnels that a proxy of ours has opened for its clients, by SOCKS',
  },
  {
    key: 'millrace_proxy_server_failures_total',
    name: 'millrace_proxy_server_failures_total',
    label: null,
    unit: null,
    help: 'SOCKS handshakes of a proxy of ours that failed: wrong credentials, refused or failed requests, malformed messages',
  },
  {
    key: 'millrace_tls_handshakes_total{kind="full"}',
    name: 'millrace_tls_handshakes_total',
    label: ['kind', 'full'],
    unit: null,
    help: 'TLS handshakes that ended well',
  },
  {
    key: 'millrace_tls_handshakes_total{kind="resumed"}',
    name: 'millrace_tls_handshakes_total',
    label: ['kind', 'resumed'],
    unit: null,
    help: 'TLS handshakes that ended well',
  },
  {
    key: 'millrace_tls_failures_total',
    name: 'millrace_tls_failures_total',
    label: null,
    unit: null,
    help: 'TLS sessions that ended with an error: certificates, alerts, malformed messages, connections cut in a handshake',
  },
  {
    key: 'millrace_http_server_validate_refusals_total',
    name: 'millrace_http_server_validate_refusals_total',
    label: null,
    unit: null,
    help: 'Requests that validate refused',
  },
  {
    key: 'millrace_http_server_connections_delayed_total',
    name: 'millrace_http_server_connections_delayed_total',
    label: null,
    unit: null,
    help: 'Connections that reputation let wait before they were served',
  },
  {
    key: 'millrace_http_server_accept_pauses_total',
    name: 'millrace_http_server_accept_pauses_total',
    label: null,
    unit: null,
    help: 'Times that a listener paused for 100 ms because it could not accept: no descriptor or no memory was left',
  },
  {
    key: 'millrace_dns_lookups_total{result="local"}',
    name: 'millrace_dns_lookups_total',
    label: ['result', 'local'],
    unit: null,
    help: 'Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)',
  },
  {
    key: 'millrace_dns_lookups_total{result="hit"}',
    name: 'millrace_dns_lookups_total',
    label: ['result', 'hit'],
    unit: null,
    help: 'Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)',
  },
  {
    key: 'millrace_dns_lookups_total{result="negativeHit"}',
    name: 'millrace_dns_lookups_total',
    label: ['result', 'negativeHit'],
    unit: null,
    help: 'Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)',
  },
  {
    key: 'millrace_dns_lookups_total{result="miss"}',
    name: 'millrace_dns_lookups_total',
    label: ['result', 'miss'],
    unit: null,
    help: 'Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)',
  },
  {
    key: 'millrace_dns_lookups_total{result="merged"}',
    name: 'millrace_dns_lookups_total',
    label: ['result', 'merged'],
    unit: null,
    help: 'Lookups of names, by where the answer came from: local (a literal, localhost, the hosts file), the cache (hit, negativeHit), a question (miss), or the question of another lookup (merged)',
  },
  {
    key: 'millrace_dns_stale_total',
    name: 'millrace_dns_stale_total',
    label: null,
    unit: null,
    help: 'Lookups that were answered with addresses past their time, because there was no answer',
  },
  {
    key: 'millrace_dns_queries_total{kind="A"}',
    name: 'millrace_dns_queries_total',
    label: ['kind', 'A'],
    unit: null,
    help: 'Questions that were asked of name servers, by record type, and of getaddrinfo',
  },
  {
    key: 'millrace_dns_queries_total{kind="AAAA"}',
    name: 'millrace_dns_queries_total',
    label: ['kind', 'AAAA'],
    unit: null,
    help: 'Questions that were asked of name servers, by record type, and of getaddrinfo',
  },
  {
    key: 'millrace_dns_queries_total{kind="getaddrinfo"}',
    name: 'millrace_dns_queries_total',
    label: ['kind', 'getaddrinfo'],
    unit: null,
    help: 'Questions that were asked of name servers, by record type, and of getaddrinfo',
  },
  {
    key: 'millrace_dns_failures_total{reason="notFound"}',
    name: 'millrace_dns_failures_total',
    label: ['reason', 'notFound'],
    unit: null,
    help: 'Lookups that ended without an address: there is none, there was no answer in time, or the question failed',
  },
  {
    key: 'millrace_dns_failures_total{reason="timeout"}',
    name: 'millrace_dns_failures_total',
    label: ['reason', 'timeout'],
    unit: null,
    help: 'Lookups that ended without an address: there is none, there was no answer in time, or the question failed',
  },
  {
    key: 'millrace_dns_failures_total{reason="failed"}',
    name: 'millrace_dns_failures_total',
    label: ['reason', 'failed'],
    unit: null,
    help: 'Lookups that ended without an address: there is none, there was no answer in time, or the question failed',
  },
  {
    key: 'millrace_http_client_requests_total',
    name: 'millrace_http_client_requests_total',
    label: null,
    unit: null,
    help: 'Requests that HTTP clients put on a connection, those that were sent again included',
  },
  {
    key: 'millrace_http_client_pipelined_total',
    name: 'millrace_http_client_pipelined_total',
    label: null,
    unit: null,
    help: 'Requests that were put on a connection behind others that had not been answered',
  },
  {
    key: 'millrace_http_client_responses_total{class="1xx"}',
    name: 'millrace_http_client_responses_total',
    label: ['class', '1xx'],
    unit: null,
    help: 'Responses to HTTP clients by class of their status code',
  },
  {
    key: 'millrace_http_client_responses_total{class="2xx"}',
    name: 'millrace_http_client_responses_total',
    label: ['class', '2xx'],
    unit: null,
    help: 'Responses to HTTP clients by class of their status code',
  },
  {
    key: 'millrace_http_client_responses_total{class="3xx"}',
    name: 'millrace_http_client_responses_total',
    label: ['class', '3xx'],
    unit: null,
    help: 'Responses to HTTP clients by class of their status code',
  },
  {
    key: 'millrace_http_client_responses_total{class="4xx"}',
    name: 'millrace_http_client_responses_total',
    label: ['class', '4xx'],
    unit: null,
    help: 'Responses to HTTP clients by class of their status code',
  },
  {
    key: 'millrace_http_client_responses_total{class="5xx"}',
    name: 'millrace_http_client_responses_total',
    label: ['class', '5xx'],
    unit: null,
    help: 'Responses to HTTP clients by class of their status code',
  },
  {
    key: 'millrace_http_client_timeouts_total{phase="send"}',
    name: 'millrace_http_client_timeouts_total',
    label: ['phase', 'send'],
    unit: null,
    help: 'Deadlines of HTTP clients that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_client_timeouts_total{phase="headers"}',
    name: 'millrace_http_client_timeouts_total',
    label: ['phase', 'headers'],
    unit: null,
    help: 'Deadlines of HTTP clients that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_client_timeouts_total{phase="body"}',
    name: 'millrace_http_client_timeouts_total',
    label: ['phase', 'body'],
    unit: null,
    help: 'Deadlines of HTTP clients that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_client_timeouts_total{phase="total"}',
    name: 'millrace_http_client_timeouts_total',
    label: ['phase', 'total'],
    unit: null,
    help: 'Deadlines of HTTP clients that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_client_timeouts_total{phase="acquire"}',
    name: 'millrace_http_client_timeouts_total',
    label: ['phase', 'acquire'],
    unit: null,
    help: 'Deadlines of HTTP clients that expired, by the phase that took too long',
  },
  {
    key: 'millrace_http_client_failures_total',
    name: 'millrace_http_client_failures_total',
    label: null,
    unit: null,
    help: 'Requests that ended with an error',
  },
  {
    key: 'millrace_http_client_replays_total',
    name: 'millrace_http_client_replays_total',
    label: null,
    unit: null,
    help: 'Requests that were sent again because their connection was dead, or closed before their turn came',
  },
  {
    key: 'millrace_pool_connections_created_total',
    name: 'millrace_pool_connections_created_total',
    label: null,
    unit: null,
    help: 'Connections that pools opened',
  },
  {
    key: 'millrace_pool_connections_closed_total{reason="idle"}',
    name: 'millrace_pool_connections_closed_total',
    label: ['reason', 'idle'],
    unit: null,
    help: 'Connections of pools that ended, by the reason',
  },
  {
    key: 'millrace_pool_connections_closed_total{reason="age"}',
    name: 'millrace_pool_connections_closed_total',
    label: ['reason', 'age'],
    unit: null,
    help: 'Connections of pools that ended, by the reason',
  },
  {
    key: 'millrace_pool_connections_closed_total{reason="requests"}',
    name: 'millrace_pool_connections_closed_total',
    label: ['reason', 'requests'],
    unit: null,
    help: 'Connections of pools that ended, by the reason',
  },
  {
    key: 'millrace_pool_connections_closed_total{reason="peer"}',
    name: 'millrace_pool_connections_closed_total',
    label: ['reason', 'peer'],
    unit: null,
    help: 'Connections of pools that ended, by the reason',
  },
  {
    key: 'millrace_pool_connections_closed_total{reason="stale"}',
    name: 'millrace_pool_connections_closed_total',
    label: ['reason', 'stale'],
    unit: null,
    help: 'Connections of pools that ended, by the reason',
  },
  {
    key: 'millrace_pool_connections_closed_total{reason="error"}',
    name: 'millrace_pool_connections_closed_total',
    label: ['reason', 'error'],
    unit: null,
    help: 'Connections of pools that ended, by the reason',
  },
  {
    key: 'millrace_pool_connections_closed_total{reason="limit"}',
    name: 'millrace_pool_connections_closed_total',
    label: ['reason', 'limit'],
    unit: null,
    help: 'Connections of pools that ended, by the reason',
  },
  {
    key: 'millrace_pool_connections_closed_total{reason="drain"}',
    name: 'millrace_pool_connections_closed_total',
    label: ['reason', 'drain'],
    unit: null,
    help: 'Connections of pools that ended, by the reason',
  },
  {
    key: 'millrace_pool_connections_closed_total{reason="discarded"}',
    name: 'millrace_pool_connections_closed_total',
    label: ['reason', 'discarded'],
    unit: null,
    help: 'Connections of pools that ended, by the reason',
  },
  {
    key: 'millrace_pool_acquires_total{kind="created"}',
    name: 'millrace_pool_acquires_total',
    label: ['kind', 'created'],
    unit: null,
    help: 'Connections that pools gave out, by what they were before',
  },
  {
    key: 'millrace_pool_acquires_total{kind="reused"}',
    name: 'millrace_pool_acquires_total',
    label: ['kind', 'reused'],
    unit: null,
    help: 'Connections that pools gave out, by what they were before',
  },
  {
    key: 'millrace_pool_refused_total',
    name: 'millrace_pool_refused_total',
    label: null,
    unit: null,
    help: 'Requests that a full queue refused',
  },
  {
    key: 'millrace_retry_budget_exhausted_total',
    name: 'millrace_retry_budget_exhausted_total',
    label: null,
    unit: null,
    help: 'Attempts that were not made again because the retry budget was used up',
  },
  {
    key: 'millrace_circuit_breaker_refused_total',
    name: 'millrace_circuit_breaker_refused_total',
    label: null,
    unit: null,
    help: 'Calls that an open circuit breaker refused, or a half-open one whose probes were under way',
  },
];

export const GAUGES: readonly MetricRow<GaugeName>[] = [
  {
    key: 'millrace_http_server_connections',
    name: 'millrace_http_server_connections',
    label: null,
    unit: null,
    help: 'Open connections of HTTP servers',
  },
  {
    key: 'millrace_http_server_active_requests',
    name: 'millrace_http_server_active_requests',
    label: null,
    unit: null,
    help: 'Exchanges in flight',
  },
  {
    key: 'millrace_http_server_listeners',
    name: 'millrace_http_server_listeners',
    label: null,
    unit: null,
    help: 'Listening HTTP servers',
  },
  {
    key: 'millrace_reactor_threads',
    name: 'millrace_reactor_threads',
    label: null,
    unit: null,
    help: 'Threads that run a reactor',
  },
  {
    key: 'millrace_sockets_connected',
    name: 'millrace_sockets_connected',
    label: null,
    unit: null,
    help: 'Connections that we began: connecting, or open',
  },
  {
    key: 'millrace_sockets_listeners',
    name: 'millrace_sockets_listeners',
    label: null,
    unit: null,
    help: 'Raw listeners',
  },
  {
    key: 'millrace_sockets_accepted_open',
    name: 'millrace_sockets_accepted_open',
    label: null,
    unit: null,
    help: 'Open connections of raw listeners',
  },
  {
    key: 'millrace_relay_active',
    name: 'millrace_relay_active',
    label: null,
    unit: null,
    help: 'Relays that are open',
  },
  {
    key: 'millrace_buffers',
    name: 'millrace_buffers',
    label: null,
    unit: null,
    help: 'Pool buffers in use',
  },
  {
    key: 'millrace_memory_held_bytes',
    name: 'millrace_memory_held_bytes',
    label: null,
    unit: 'bytes',
    help: 'Memory held for peers: what waits to be written, what was received and not taken',
  },
  {
    key: 'millrace_http_client_connections',
    name: 'millrace_http_client_connections',
    label: null,
    unit: null,
    help: 'Open HTTP/1.1 connections of HTTP clients',
  },
  {
    key: 'millrace_http_client_active_requests',
    name: 'millrace_http_client_active_requests',
    label: null,
    unit: null,
    help: 'Requests on a connection whose response has not ended',
  },
  {
    key: 'millrace_pool_queued',
    name: 'millrace_pool_queued',
    label: null,
    unit: null,
    help: 'Requests that wait for a connection',
  },
];

export const HISTOGRAMS: readonly MetricRow<HistogramName>[] = [
  {
    key: 'millrace_sockets_connect_duration_seconds',
    name: 'millrace_sockets_connect_duration_seconds',
    label: null,
    unit: 'seconds',
    help: 'Time from the first attempt to the connection that won',
  },
  {
    key: 'millrace_proxy_client_handshake_duration_seconds',
    name: 'millrace_proxy_client_handshake_duration_seconds',
    label: null,
    unit: 'seconds',
    help: 'Time of a handshake with a proxy that opened a tunnel',
  },
  {
    key: 'millrace_tls_handshake_duration_seconds',
    name: 'millrace_tls_handshake_duration_seconds',
    label: null,
    unit: 'seconds',
    help: 'Time from the first byte of a TLS handshake to its end',
  },
  {
    key: 'millrace_http_server_request_duration_seconds',
    name: 'millrace_http_server_request_duration_seconds',
    label: null,
    unit: 'seconds',
    help: 'Time from the first byte of a request to the last byte of its response',
  },
  {
    key: 'millrace_reactor_wake_duration_seconds',
    name: 'millrace_reactor_wake_duration_seconds',
    label: null,
    unit: 'seconds',
    help: 'Time that one wake of a reactor took, callbacks included',
  },
  {
    key: 'millrace_dns_lookup_duration_seconds',
    name: 'millrace_dns_lookup_duration_seconds',
    label: null,
    unit: 'seconds',
    help: 'Time from a question, which the cache could not answer, to its last answer',
  },
  {
    key: 'millrace_http_client_request_duration_seconds',
    name: 'millrace_http_client_request_duration_seconds',
    label: null,
    unit: 'seconds',
    help: 'Time from the moment that a request is put on a connection to the last byte of its response',
  },
  {
    key: 'millrace_pool_wait_seconds',
    name: 'millrace_pool_wait_seconds',
    label: null,
    unit: 'seconds',
    help: 'Time that requests waited for a connection',
  },
];

export type PercentileName = 'p50' | 'p75' | 'p90' | 'p95' | 'p99' | 'p999';

/** The percentiles of a histogram, in the order of the layout. */
export const PERCENTILES: readonly PercentileName[] = ['p50', 'p75', 'p90', 'p95', 'p99', 'p999'];

/** The upper bounds, in nanoseconds, of the cumulative counts of a histogram. */
export const BOUNDS_NANOS: readonly number[] = [
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

/**
 * Where the numbers lie that Rust writes: counters from 0, gauges, then per histogram count, sum, min and max (ns),
 * the percentiles (ns) and the cumulative counts.
 */
export const LAYOUT = {
  gauges: 116,
  histograms: 129,
  histogramLength: 30,
  length: 369,
} as const;
