/**
 * OpenTelemetry traces, from the watch event to what is announced. Off unless the environment names where they go: then
 * no module of the SDK is loaded, and a step is its act and no more (the API's own no-ops take six times as long).
 *
 * bullmq-otel is not used: it makes a span of every look for a job and every extended lock, and ours shall say what was answered.
 */
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { Logger } from './log.ts'

/** A stop waits so long for the collector to take the rest. */
const SEND_REST_MS = 1000

let on = false

/** What only a trace is told need not be asked for when this is false. */
export const isTracing = (): boolean => on

/**
 * Turns tracing on if OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set and OTEL_SDK_DISABLED is
 * not `true`. All else that OpenTelemetry has variables for (headers, sampler, batches) the SDK reads by itself.
 * Returns what sends the rest and ends it. Whatever is wrong with it, the process does its job.
 */
export async function startTracing(
  service: string,
  log: Pick<Logger, 'warn'>,
): Promise<() => Promise<void>> {
  const { env } = process
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT
  if (!endpoint || env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return async () => {}
  try {
    const shutdown = await register(service)
    on = true
    const limit = () => new Promise<void>(resolve => setTimeout(resolve, SEND_REST_MS).unref())
    return () => Promise.race([shutdown().catch(() => {}), limit()])
  } catch (error) {
    log.warn({ error, endpoint }, 'no traces: OpenTelemetry cannot be started; see OTEL_ variables')
    return async () => {}
  }
}

async function register(service: string): Promise<() => Promise<void>> {
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, resources] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
  const named = resources.detectResources({ detectors: [resources.envDetector] })
  const provider = new NodeTracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': service }).merge(named),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  })
  provider.register()
  return () => provider.shutdown()
}

/** The current trace as a `traceparent` of W3C Trace Context, section 3.2; undefined when off. */
export function traceparent(): string | undefined {
  if (!on) return undefined
  const carrier: { traceparent?: string } = {}
  propagation.inject(context.active(), carrier)
  return carrier.traceparent
}

/** One step of a trace, within the step under way. A step that throws is marked as failed. */
export function step<T>(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  act: () => Promise<T>,
): Promise<T> {
  if (!on) return act()
  return during(name, { attributes, kind: SpanKind.INTERNAL }, context.active(), act)
}

/** The answer to a bell, in the trace of who rang it. */
export function answerStep<T>(
  name: string,
  { key, parent }: { readonly key: string; readonly parent: string | undefined },
  act: () => Promise<T>,
): Promise<T> {
  if (!on) return act()
  const rung = propagation.extract(ROOT_CONTEXT, { traceparent: parent })
  const options = { kind: SpanKind.CONSUMER, attributes: { 'herald.key': key } }
  return during(name, options, rung, act)
}

/** Links the step under way to steps of other traces, by their `traceparent`: it is the answer to these, too. */
export function link(traceparents: readonly string[]): void {
  const span = trace.getActiveSpan()
  const own = span?.spanContext().traceId
  for (const one of new Set(traceparents)) {
    const carried = propagation.extract(ROOT_CONTEXT, { traceparent: one })
    const other = trace.getSpanContext(carried)
    if (other && other.traceId !== own) span?.addLink({ context: other })
  }
}

function during<T>(
  name: string,
  options: { kind: SpanKind; attributes: Record<string, string | number> },
  parent: typeof ROOT_CONTEXT,
  act: () => Promise<T>,
): Promise<T> {
  return trace.getTracer('herald').startActiveSpan(name, options, parent, async span => {
    try {
      return await act()
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  })
}
