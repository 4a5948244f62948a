/** Which Services are written down in Redis, and as what. */
import { ASSIGNED_CONDITION, isOurs, POOL_ANNOTATION, type Service } from '../model/service.ts'

/**
 * The record of a Service: itself when it is ours to serve, or when it was and Herald's annotation or condition
 * is still to be taken off; null when it is none of our business (then nothing is held for it). A Service of
 * another class is left alone whatever it shows: another Herald may serve that class.
 */
export function recordOf(service: Service, loadBalancerClass: string | null): Service | null {
  if (isOurs(service, loadBalancerClass)) return service
  const marked =
    POOL_ANNOTATION in service.annotations ||
    service.conditions.some(({ type }) => type === ASSIGNED_CONDITION)
  return service.type !== 'LoadBalancer' && marked ? service : null
}
