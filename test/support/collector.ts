/** A small OpenTelemetry collector: takes OTLP over HTTP as JSON, on the loopback of this network namespace and of others. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Scope } from './undo.ts'
import { until } from './until.ts'

export interface Span {
  readonly service: string
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { key: string; value: { stringValue?: string } }[]
    }
    readonly scopeSpans: readonly { readonly spans: readonly Omit<Span, 'service'>[] }[]
  }[]
}

/** `enters`: how to enter each namespace; an empty one is this namespace. All of them listen at `port`. */
export async function collector(
  t: Scope,
  port: number,
  enters: readonly (readonly string[])[],
): Promise<{ readonly spans: readonly Span[] }> {
  const spans: Span[] = []
  let ready = 0
  for (const enter of enters) {
    const [file = '', ...args] = [...enter, process.execPath, '-e', LISTEN, String(port)]
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => child.stdin.end()) // it ends with its input, also when the test is killed
    createInterface(child.stdout).on('line', line => {
      if (line === 'ready') ready++
      else spans.push(...spansOf(JSON.parse(line) as Export))
    })
  }
  await until('the collector listens everywhere', () => ready === enters.length)
  return { spans }
}

function spansOf({ resourceSpans }: Export): Span[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const name = resource.attributes.find(({ key }) => key === 'service.name')
    const service = name?.value.stringValue ?? ''
    return scopeSpans.flatMap(scope => scope.spans.map(span => ({ ...span, service })))
  })
}

const LISTEN = `
process.stdin.resume().on('end', () => process.exit())
require('node:http').createServer(async (request, response) => {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  console.log(JSON.stringify(JSON.parse(text)))
  response.setHeader('content-type', 'application/json').end('{}')
}).listen(Number(process.argv[1]), '127.0.0.1', () => console.log('ready'))`
