/** Which Services are written down in Redis, and as what. */
import { isOurs, POOL_ANNOTATION, type Service } from '../model/service.ts'

/**
 * The record of a Service: itself when it is ours to serve, or when it was and Herald's annotation is
 * still to be taken off; null when it is none of our business (then nothing is held for it).
 */
export function recordOf(service: Service, loadBalancerClass: string | null): Service | null {
  if (isOurs(service, loadBalancerClass)) return service
  const cleanUp = service.type !== 'LoadBalancer' && POOL_ANNOTATION in service.annotations
  return cleanUp ? service : null
}
