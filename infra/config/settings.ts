import { hostname } from 'node:os'
import * as z from 'zod'
import {
  dnsLabel,
  duration,
  listen,
  listOf,
  oneOf,
  parsePattern,
  parseProbe,
  parseTerm,
  secret,
  setting,
  text,
  toggle,
  wholeNumber,
} from './setting.ts'

/** Every setting of every process, in the order in which `--help` lists them. */
export const SETTINGS = {
  redisUrl: setting('redis-url', '<urls>', {
    help: 'Redis: redis://, rediss:// (TLS), unix:///path or /path; several with commas (Sentinel, Cluster)',
    example: 'redis://redis:6379',
    schema: text(),
    alias: 'REDIS_URL',
  }),
  redisMode: setting('redis-mode', '<mode>', {
    help: 'what the URLs point at',
    fallback: 'standalone',
    example: 'sentinel',
    schema: oneOf(['standalone', 'sentinel', 'cluster']),
  }),
  redisSentinelName: setting('redis-sentinel-name', '<name>', {
    help: 'name of the master that the sentinels watch',
    fallback: 'mymaster',
    example: 'mymaster',
    schema: text(),
  }),
  redisUsername: setting('redis-username', '<name>', {
    help: 'user of Redis (default: the one in the URL)',
    example: 'herald-allocator',
    schema: text(),
  }),
  redisPasswordFile: setting('redis-password-file', '<path>', {
    help: 'file that holds the password (or set HERALD_REDIS_PASSWORD; or write it in the URL)',
    example: '/run/secrets/redis',
    schema: text(),
  }),
  redisPassword: secret('HERALD_REDIS_PASSWORD'),
  redisAdminPasswordFile: setting('redis-admin-password-file', '<path>', {
    help: 'file with the password of the Redis user herald-console-admin, who acts upon queues (default: who reads does)',
    example: '/run/secrets/redis-admin',
    schema: text(),
  }),
  redisSentinelPassword: secret('HERALD_REDIS_SENTINEL_PASSWORD'),
  redisCaFile: setting('redis-ca-file', '<path>', {
    help: 'PEM file with the authorities that sign the certificates of a rediss:// server',
    example: '/etc/redis/ca.crt',
    schema: text(),
  }),
  prefix: setting('prefix', '<prefix>', {
    help: 'what all keys in Redis begin with; the braces keep them in one slot of a Redis Cluster',
    fallback: '{herald}',
    example: '{herald}',
    schema: z.string().regex(/^\{[A-Za-z0-9_.-]{1,64}\}$/, {
      error: 'it must be a hash tag: braces around letters, digits, dots, dashes or underscores',
    }),
  }),
  cluster: setting('cluster', '<name>', {
    help: 'name of this Kubernetes cluster; differs for each cluster that shares the Redis',
    fallback: 'default',
    example: 'berlin-1',
    schema: dnsLabel(),
  }),
  clusters: setting('clusters', '<names>', {
    help: 'names of all clusters that share the Redis, with commas (default: this one alone)',
    example: 'berlin-1,berlin-2',
    schema: listOf(dnsLabel()),
  }),
  logLevel: setting('log-level', '<level>', {
    help: 'what is logged: this, and what is worse',
    fallback: 'info',
    example: 'debug',
    schema: oneOf(['error', 'warn', 'info', 'debug']),
  }),
  healthAddress: setting('health-address', '<host:port>', {
    help: 'where /healthz and /readyz answer, or "off"; 0.0.0.0:<port> for the probes of a kubelet',
    example: '0.0.0.0:17471',
    schema: listen(),
  }),
  consoleAddress: setting('console-address', '<host:port>', {
    help: 'where the console is served, or "off"; anybody who reaches it may read',
    fallback: '127.0.0.1:17470',
    example: '0.0.0.0:17470',
    schema: listen(),
  }),
  adminTokenFile: setting('admin-token-file', '<path>', {
    help: 'file with the token that lets its owner act upon queues in the console (or set HERALD_ADMIN_TOKEN; default: nobody may)',
    example: '/run/secrets/herald/admin-token',
    schema: text(),
  }),
  adminToken: secret('HERALD_ADMIN_TOKEN'),
  kubeconfig: setting('kubeconfig', '<path>', {
    help: 'how to reach the API server (default: the service account of the pod)',
    example: '/etc/kubernetes/admin.conf',
    schema: text(),
  }),
  context: setting('context', '<name>', {
    help: 'context of the kubeconfig (default: its current one)',
    example: 'admin@home',
    schema: text(),
  }),
  namespace: setting('namespace', '<name>', {
    help: 'where the configuration lies: IPAddressPools and L2Advertisements, or the ConfigMap "config"',
    fallback: 'metallb-system',
    example: 'metallb-system',
    schema: dnsLabel(),
  }),
  loadBalancerClass: setting('load-balancer-class', '<class>', {
    help: 'serve only Services of this loadBalancerClass (default: only those without one)',
    example: 'herald.io/l2',
    schema: text(),
  }),
  pod: setting('pod', '<name/uid>', {
    help: 'the pod that this runs in, by the downward API: it takes the ConfigurationState along when it goes',
    example: 'herald-watcher-6c9f/0f8fad5b-d9cb-469f-a165-70867728950e',
    schema: z
      .string()
      .regex(/^[a-z0-9.-]+\/[0-9a-f-]+$/, { error: 'it must be a name, a slash and a uid' })
      .transform(both => {
        const [name = '', uid = ''] = both.split('/')
        return { name, uid }
      }),
  }),
  webhook: setting('webhook', '<host:port>', {
    help: 'where admission reviews are answered, or "off" (infra/deploy/webhook.yaml)',
    fallback: 'off',
    example: '0.0.0.0:9443',
    schema: listen(),
  }),
  webhookHost: setting('webhook-host', '<name>', {
    help: 'by which the API server reaches it (default: the Service herald-webhook of the namespace)',
    example: '192.0.2.10',
    schema: text(),
  }),
  concurrency: setting('concurrency', '<number>', {
    help: 'Services decided at the same time by this process',
    fallback: '16',
    example: '16',
    schema: wholeNumber(1, 256),
  }),
  coolDown: setting('cool-down', '<duration>', {
    help: 'how long an address that was given up is kept from other Services; 0: not at all',
    fallback: '60s',
    example: '5m',
    schema: duration(),
  }),
  nodeName: setting('node-name', '<name>', {
    help: 'name of the Kubernetes Node that this process runs on; that of the host where nothing is said',
    fallback: hostname().toLowerCase(),
    example: 'node-a',
    schema: z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, {
      error: 'it must be the name of a Kubernetes Node: small letters, digits, dashes and dots',
    }),
  }),
  excludeInterfaces: setting('exclude-interfaces', '<patterns>', {
    help: 'interfaces to leave alone: regular expressions, with commas',
    // The list that MetalLB ships in its excludel2 ConfigMap, and libvirt's bridges.
    fallback:
      '^docker,^cbr,^dummy,^virbr,^lxcbr,^veth,^lo$,^cali,^tunl,^flannel,^kube-ipvs,^cni,^nodelocaldns,^lxc',
    example: '^docker,^veth,^lo$',
    schema: listOf(z.string().transform(parsePattern)),
  }),
  probe: setting('probe', '<count>x<interval>', {
    help: 'how often a new address is asked for on the LAN before it is announced, or "off"',
    fallback: '3x200ms',
    example: '3x1s',
    schema: z.string().transform(parseProbe),
  }),
  quarantine: setting('quarantine', '<term>', {
    help: 'how long a new address that another host turns out to have is kept back, or "forever"',
    fallback: '10m',
    example: '1h',
    schema: z.string().transform(parseTerm),
  }),
  beatKeysFile: setting('beat-keys-file', '<path>', {
    help: 'file with the secrets of the beats between announcers, with commas or one a line: the first signs, each is believed (or set HERALD_BEAT_KEYS; default: one kept in Redis)',
    example: '/run/secrets/herald/beat-keys',
    schema: text(),
  }),
  beatKeys: secret('HERALD_BEAT_KEYS'),
  windowsKeyFile: setting('windows-key-file', '<path>', {
    help: 'PEM file with the private key (Ed25519) that signs which addresses the pools consist of (default: nothing is signed)',
    example: '/run/secrets/windows/private.pem',
    schema: text(),
  }),
  windowsPublicKeyFile: setting('windows-public-key-file', '<path>', {
    help: 'PEM file with the public key: nothing is announced but what its owner has signed, whatever Redis says (default: all)',
    example: '/run/secrets/windows/public.pem',
    schema: text(),
  }),
  stateDir: setting('state-dir', '<path>', {
    help: 'where the private Redis, the kubeconfig of the sandbox and the last placements are kept',
    fallback: '.herald',
    example: '/var/lib/herald',
    schema: text(),
  }),
  output: setting('output', '<format>', {
    help: 'how the answer is written',
    fallback: 'table',
    example: 'json',
    short: 'o',
    schema: oneOf(['table', 'wide', 'json', 'yaml']),
  }),
  watch: toggle('watch', { help: 'go on and show what changes', short: 'w' }),
  consoleUrl: setting('console-url', '<url>', {
    help: 'a console to ask instead of Redis; it answers for its own cluster',
    example: 'http://127.0.0.1:17470',
    schema: z.url({
      protocol: /^https?$/,
      error: 'it must be the http:// or https:// URL of a console',
    }),
  }),
  dryRun: toggle('dry-run', { help: 'say what would be done, and do nothing' }),
  service: setting('service', '<namespace/name>', {
    help: 'for whom an address is reserved; the Service need not be there yet',
    example: 'default/nginx',
    schema: z.string().regex(/^[a-z0-9-]{1,63}\/[a-z0-9-]{1,63}$/, {
      error: 'it must be namespace/name of a Service',
    }),
  }),
  for: setting('for', '<duration>', {
    help: 'how long an address stays reserved, or "forever"',
    fallback: '24h',
    example: '7d',
    schema: z.string().transform(parseTerm),
  }),
  allocators: setting('allocators', '<number>', {
    help: 'allocator processes to start',
    fallback: '1',
    example: '2',
    schema: wholeNumber(1, 16),
  }),
  watchers: setting('watchers', '<number>', {
    help: 'watcher processes to start',
    fallback: '1',
    example: '2',
    schema: wholeNumber(1, 4),
  }),
} as const

export type SettingName = keyof typeof SETTINGS
