import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from './api-error.ts'
import type { PlannedFault } from './faults.ts'
import type { RequestInfo } from './request.ts'
import { reset } from './reset.ts'

/** Does what a fault wants; false when the request goes on after it. */
export async function strike(
  fault: PlannedFault,
  info: RequestInfo,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  switch (fault.kind) {
    case 'slow':
      await new Promise(resolve => setTimeout(resolve, fault.delayMs))
      return response.destroyed
    case 'paced':
      await turn(fault, fault.perSecond)
      return response.destroyed
    case 'silence':
      return true
    case 'half-open':
      request.socket.pause()
      request.socket.removeAllListeners('data')
      return true
    case 'disconnect':
      reset(request.socket)
      return true
    case 'gone': {
      const error = new ApiError(
        410,
        'Expired',
        'The resourceVersion for the provided watch is too old.',
      )
      if (info.verb !== 'watch') throw error
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(`${JSON.stringify({ type: 'ERROR', object: error.status() })}\n`)
      return true
    }
    case 'status':
      throw planned(fault.code, fault.retryAfterSeconds)
  }
}

/** When the next request may pass, by fault. */
const turns = new WeakMap<PlannedFault, number>()

async function turn(fault: PlannedFault, perSecond: number): Promise<void> {
  const nowMs = performance.now()
  const atMs = Math.max(nowMs, turns.get(fault) ?? 0)
  turns.set(fault, atMs + 1000 / perSecond)
  if (atMs - nowMs >= 1) await new Promise(resolve => setTimeout(resolve, atMs - nowMs))
}

function planned(code: number, retryAfterSeconds: number | undefined): ApiError {
  const [reason, message] = PLANNED[code] ?? ['Unknown', `a planned ${code}`]
  const details = retryAfterSeconds === undefined ? null : { retryAfterSeconds }
  return new ApiError(code, reason, message, details)
}

const PLANNED: Readonly<Record<number, readonly [string, string]>> = {
  410: ['Expired', 'The resourceVersion for the provided watch is too old.'],
  429: [
    'TooManyRequests',
    'the server has received too many requests and has asked us to try again later',
  ],
  500: ['InternalError', 'Internal error occurred: etcdserver: request timed out'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
}
