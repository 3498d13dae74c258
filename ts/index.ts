/** The public API of millrace. */
import { COUNTERS } from './metrics/catalogue.generated.js';
import { LEVELS } from './log/level.js';
import { setCounter } from './log/log.js';
import { openNativeLog } from './log/native-log.js';
import { setSource } from './metrics/source.js';
import { native } from './native/loader.js';

setSource({
  snapshot: (target) => native.metricsFill(target, 0),
  totals: (target) => native.metricsFill(target, 1),
  since: (target, baseline) => void native.metricsSince(target, baseline),
  baselineLength: native.metricsSince(new Float64Array(0), new Float64Array(0)),
  percentile: (index, percent) => native.metricsPercentile(index, percent),
  reset: () => native.metricsReset(),
});
openNativeLog();

const FIRST_LEVEL = COUNTERS.findIndex(({ key }) => key === `millrace_log_records_total{level="${LEVELS[0]}"}`);
setCounter((level) => native.count(FIRST_LEVEL + LEVELS.indexOf(level), 1));

export { serve } from './server/serve.js';
export type { AnyResponse, ServeOptions } from './server/serve.js';
export type { AccessLog, AccessRecord } from './server/access-log.js';
export type {
  CloseMessage,
  ListeningMessage,
  RequestErrorMessage,
  RequestRefusedMessage,
  RequestFinishMessage,
  RequestStartMessage,
  TlsErrorMessage,
  TunnelMessage,
} from './server/channels.js';
export { gracefulShutdown } from './server/graceful-shutdown.js';
export type { Closable, GracefulShutdownOptions } from './server/graceful-shutdown.js';
export type { Middleware, Next } from './server/middleware.js';
export { heldMemory, setMaxMemory } from './server/memory.js';
export type { RateLimit } from './server/rate-limit.js';
export type { RateLimitStore } from './server/rate-limit-store.js';
export type { Refusal, RequestHead, Validate } from './server/validate-head.js';
export { Server } from './server/server.js';
export { ServerRequest } from './server/request.js';
export { ServerResponse } from './server/response.js';
export { LazyRequest as Request } from './server/web-request.js';
export { LazyResponse as Response } from './server/web-response.js';
export { InjectedResponse } from './server/inject.js';
export type { RequestLimits } from './server/request-limits.js';
export type { InjectOptions } from './server/inject.js';
export { compress } from './server/compression/compress.js';
export type { Compress } from './server/compression/compress.js';
export type { CompressionOptions } from './server/compression/options.js';
export type { RefusedRequest } from './server/refusals.js';
export type { ReputationOptions } from './server/reputation.js';
export { serveStatic } from './server/static/serve-static.js';
export type { StaticHandler } from './server/static/serve-static.js';
export type { StaticOptions } from './server/static/options.js';
export type { FolderEntry, StaticFolder } from './server/static/folder.js';
export type { LatencyStats, ServerStats } from './server/stats.js';
export type { ListenOptions, ServerLimits, ServerTimeouts } from './options/server.generated.js';
export { Client } from './client/client.js';
export type { ClientOptions, InterceptedRequest, OriginOptions } from './client/client-options.js';
export type { Interceptor } from './client/interceptors.js';
export type { RequestOptions, Timeouts } from './client/request-options.js';
export { ClientResponse } from './client/response.js';
export type { ResponseHead, ResponseInit } from './client/response.js';
export type { Timings as RequestTimings } from './client/timings.js';
export type { ConnectionChoice } from './client/transport.js';
export type { Dispatch, DispatchHandler, DispatchOptions, ExchangeControl } from './client/dispatch.js';
export type {
  DispatchedHead,
  DispatchedRequest,
  DispatchFunction,
  DispatchReceiver,
} from './client/dispatch-function.js';
export { defaultClient, fetch, request } from './client/default.js';
export { ConnectionPool } from './pool/pool.js';
export type { PoolOptions } from './pool/pool.js';
export type { PoolStats } from './pool/stats.js';
export type { PoolKey } from './pool/pool-key.js';
export type { PooledSocket } from './pool/pooled-socket.js';
export { checkAgentOptions } from './net/agent-options.js';
export { connect } from './net/connect.js';
export type { ConnectOptions } from './net/connect.js';
export type { KeepAlive } from './net/keep-alive.js';
export { createProxyServer } from './proxy-server/create-proxy-server.js';
export type { ProxyServerOptions } from './proxy-server/create-proxy-server.js';
export type { ProxyAuth } from './proxy-server/authentication.js';
export type { ProxyRequest } from './proxy-server/gateway.js';
export { ProxyServer } from './proxy-server/proxy-server.js';
export type { ProxyServerStats } from './proxy-server/proxy-server.js';
export type { ProxyRule } from './proxy-server/rules.js';
export type { TunnelStats } from './proxy-server/tunnel.js';
export { proxyFromEnvironment } from './proxy/environment.js';
export type { Environment, ProxyTarget } from './proxy/environment.js';
export { parseProxyUrl } from './proxy/proxy-url.js';
export type { ProxyKind, ProxyUrl } from './proxy/proxy-url.js';
export type { ProxyHop, ProxyOption } from './proxy/route.js';
export { listen } from './net/listen.js';
export type { ListenSocketOptions } from './net/listen.js';
export { Listener } from './net/listener.js';
export type { ListenerStats, OnConnection } from './net/listener.js';
export type { ConnectErrorMessage, ListenerMessage, SocketCloseMessage, SocketMessage } from './net/channels.js';
export type { ConnectTimeouts } from './options/connect-timeouts.generated.js';
export type { RelayCounts } from './net/relay.js';
export { Socket } from './net/socket.js';
export type { DuplexOptions, SocketDuplex } from './net/socket-duplex.js';
export type { PeerCredentials, TcpInfo } from './net/tcp-info.js';
export type { RelayOptions } from './options/relay.generated.js';
export { Resolver } from './dns/resolver.js';
export type { ResolveOptions } from './dns/resolver.js';
export type { ResolverOptions } from './options/resolver.generated.js';
export type { ResolverStats } from './dns/stats.js';
export type { ResolvedAddress } from './dns/resolved-address.js';
export type { LookupCallback, LookupFunction, LookupOptions } from './dns/lookup-function.js';
export type { LookupErrorMessage, LookupFinishMessage, LookupStartMessage } from './dns/channels.js';
export { TlsContext } from './tls/tls-context.js';
export { TlsFacts } from './tls/tls-facts.js';
export type { CrlFacts } from './tls/crl-facts.js';
export type { CtFacts, CtTimestamp, OcspFacts } from './tls/evidence-facts.js';
export { fetchOcsp } from './tls/fetch-ocsp.js';
export type { FetchOcspOptions } from './tls/fetch-ocsp.js';
export type { Certificate } from './tls/identity.js';
export type { OcspSource } from './tls/ocsp-stapler.js';
export type { AutoRefresh } from './tls/crl-source.js';
export type { ClientHello, TlsClientOptions, TlsServerOptions } from './tls/tls-options.js';
export type { Material } from './options/table.js';
export { HeaderView } from './message/header-view.js';
export type { HeadersInput } from './message/head-text.js';
export type { BodyInput } from './message/outgoing-body.js';
export { MillraceError } from './errors/millrace-error.js';
export type { ErrorCategory, ErrorCode, ErrorKind, Phase } from './errors/codes.generated.js';
export { isRetryable } from './errors/retryable.js';
export { CircuitBreaker } from './resilience/circuit-breaker.js';
export type { BreakerChange, BreakerOptions, BreakerStats, OriginStats } from './resilience/circuit-breaker.js';
export { Deadline } from './resilience/deadline.js';
export { reconnect, ReconnectingSocket } from './resilience/reconnecting-socket.js';
export type {
  Connection,
  Greeting,
  ReconnectingState,
  ReconnectingStats,
  ReconnectNotice,
  ReconnectOptions,
} from './resilience/reconnecting-socket.js';
export { retry } from './resilience/retry.js';
export type { Attempt, RetryNotice, RetryOptions } from './resilience/retry.js';
export { RetryBudget } from './resilience/retry-budget.js';
export type { RetryBudgetStats } from './resilience/retry-budget.js';
export type { RetryBudgetOptions } from './options/retry-budget.generated.js';
export { metrics } from './metrics/metrics.js';
export type { PrometheusOptions } from './metrics/metrics.js';
export { MetricsReader } from './metrics/reader.js';
export { OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } from './metrics/prometheus.js';
export type { PromRegistry } from './metrics/prom-registry.js';
export type { Bucket, HistogramSnapshot, Snapshot } from './metrics/snapshot.js';
export { StatsdReader } from './metrics/statsd.js';
export type { StatsdOptions } from './metrics/statsd.js';
export { pushStatsd, StatsdPusher } from './metrics/statsd-pusher.js';
export type { StatsdPushOptions } from './metrics/statsd-pusher.js';
export { getLogContext, withLogContext } from './log/context.js';
export { getLevel, setLevel } from './log/log.js';
export type { Level } from './log/level.js';
export { consoleLogger, setLogger } from './log/logger.js';
export type { Log, Logger } from './log/logger.js';
export type { LogRecord } from './log/record.js';
export { abiVersion, features, version } from './features.js';
export type { Features } from './features.js';
