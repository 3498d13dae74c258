import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { UndiciInstrumentationConfig } from '@opentelemetry/instrumentation-undici';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

/** Has OpenTelemetry's instrumentation of undici make spans during the tests of a `describe`, none left of the test before. */
export function undiciSpans(options: UndiciInstrumentationConfig = {}): {
  exporter: InMemorySpanExporter;
  provider: BasicTracerProvider;
} {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  let instrumentation: UndiciInstrumentation;
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    trace.setGlobalTracerProvider(provider);
    instrumentation = new UndiciInstrumentation(options);
    instrumentation.setTracerProvider(provider);
  });
  afterEach(() => exporter.reset());
  afterAll(async () => {
    instrumentation.disable();
    await provider.shutdown();
    trace.disable();
    propagation.disable();
    context.disable();
  });
  return { exporter, provider };
}
