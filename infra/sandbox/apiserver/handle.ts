import type { IncomingMessage, ServerResponse } from 'node:http'
import { admitDeletion, admitted } from './admission.ts'
import { ApiError, methodNotAllowed, pageNotFound } from './api-error.ts'
import type { Authority, User } from './authority.ts'
import { deleteCollection, deleteObject, deletion, doomedBy } from './delete.ts'
import type { Counters, Faults } from './faults.ts'
import { nonResource, notAcceptable } from './non-resource.ts'
import { list } from './read.ts'
import { type Rendering, renderingOf, renderObject } from './render.ts'
import { type RequestInfo, readRequest, resourceOf } from './request.ts'
import type { Resource } from './resources.ts'
import { type Answer, json, jsonText, send, sendError } from './respond.ts'
import { reviewAccess } from './reviews.ts'
import { readScale, writeScale } from './scale.ts'
import { strike } from './strike.ts'
import { type WatchWorld, watch } from './watch.ts'
import { create, isCreatingApply, patch, update, type Write } from './write.ts'

export interface World extends WatchWorld {
  readonly authority: Authority
  readonly faults: Faults
  readonly counters: Counters
  readonly host: () => string
}

/** Answers one request, as a real server would or as a fault wants it. */
export async function handle(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const body = await readBody(request, /protobuf/.test(request.headers['content-type'] ?? ''))
    const info = readRequest(request.method ?? 'GET', request.url ?? '/')
    const user = world.authority.authenticate(request.headers.authorization)
    const seen = { verb: info.verb, resource: resourceOf(info), user: user.name }
    world.counters.count(seen)
    const fault = world.faults.strike({ ...seen, laterPage: info.query.has('continue') })
    if (fault && (await strike(fault, info, request, response))) return
    world.authority.authorize(user, info)
    const told = await answer(world, { request, response, info, body, user })
    if (told) send(response, told)
  } catch (error) {
    sendError(response, error)
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly info: RequestInfo
  readonly body: string
  readonly user: User
}

/** The answer; null where a watch has taken the response over. */
async function answer(world: World, exchange: Exchange): Promise<Answer | null> {
  const { info, request, response, user, body } = exchange
  const { registry, authority } = world
  const accept = request.headers.accept ?? ''
  if (info.plural === '') return nonResource(registry.catalog, info.path, accept, world.host())
  const contentType = request.headers['content-type'] ?? 'application/json'
  const review = reviewAccess(authority, user, info, { body, contentType })
  if (review) return json(review, 201)
  const resource = registry.catalog.find(info.apiVersion, info.plural)
  if (!resource) throw pageNotFound()
  if (info.subresource && !resource.subresources.includes(info.subresource)) throw pageNotFound()
  const rendering = renderingOf(accept, info.query.get('includeObject') ?? '')
  if (!rendering) throw notAcceptable()
  if (info.verb === 'list') {
    const warnings = resource.deprecation ? [resource.deprecation] : []
    return { ...jsonText(list(registry, resource, info, rendering)), warnings }
  }
  if (info.verb !== 'watch') return one(world, exchange, resource, rendering)
  watch(world, resource, info, rendering, user.name, response)
  return null
}

/** Verbs that concern one object, or write. */
async function one(
  world: World,
  exchange: Exchange,
  resource: Resource,
  rendering: Rendering,
): Promise<Answer> {
  const { info, request, body, user } = exchange
  const { registry, authority } = world
  const warnings: string[] = resource.deprecation ? [resource.deprecation] : []
  const contentType = request.headers['content-type'] ?? 'application/json'
  const write: Write = { registry, resource, info, contentType, body, warnings }
  const target = { resource, namespace: info.namespace, name: info.name }
  if (info.verb === 'deletecollection') {
    await admitDeletion(write, user, doomedBy(write))
    return { ...jsonText(deleteCollection(write, rendering)), warnings }
  }
  if (resource.namespaced && info.namespace === '') throw methodNotAllowed(resource)
  if (info.subresource === 'scale') {
    return json(info.verb === 'get' ? readScale(registry.get(target)) : writeScale(write))
  }
  if (info.verb === 'get') {
    return { ...jsonText(renderObject(resource, registry.get(target), rendering)), warnings }
  }
  if (info.verb === 'delete') {
    await admitDeletion(write, user, [registry.get(target)])
    return { ...jsonText(deletion(resource, deleteObject(write))), warnings }
  }
  if (isCreatingApply(write)) authority.authorize(exchange.user, { ...info, verb: 'create' })
  const verbs = { create, update, patch }
  const act = Object.entries(verbs).find(([verb]) => verb === info.verb)?.[1]
  if (!act) throw methodNotAllowed(resource)
  const { code, object } = await admitted(write, user, act)
  return { ...jsonText(renderObject(resource, object, rendering), code), warnings }
}

const BODY_MAX = 3 * 1024 * 1024

/** The body as text; a binary one with an octet in each character. */
async function readBody(request: IncomingMessage, binary: boolean): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > BODY_MAX) {
      throw new ApiError(
        413,
        'RequestEntityTooLarge',
        `Request entity too large: limit is ${BODY_MAX}`,
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString(binary ? 'latin1' : 'utf8')
}
