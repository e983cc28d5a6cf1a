import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fetchArtifacts } from '../../ops/stack/artifacts.ts'
import { lookAtJava } from '../../ops/stack/java.ts'
import { kafkaSpec, prepareKafka } from '../../ops/stack/kafka.ts'
import { findMinio, minioCredentials, minioLakeUrl, minioSpec } from '../../ops/stack/minio.ts'
import { pickPort } from '../../ops/stack/ports.ts'
import { registrySpec, registryUrl } from '../../ops/stack/registry.ts'
import { type RunningService, startService } from '../../ops/stack/service.ts'
import { startWatcher } from '../../ops/stack/watcher.ts'
import { keepRunning } from '../../ops/up/keep-running.ts'
import { createScope } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import type { LakePlace, Target } from './plan.ts'
import { startTcpProxy, type TcpProxy } from './proxy.ts'

export type ServerName = Extract<Target, 'kafka' | 'registry' | 'minio'>

export interface Servers {
  /** Through the proxy. */
  brokers: string[]
  registryUrl: string
  /** Null where the lake is a folder. */
  minio: { lakeUrl: string; endpoint: string; env: Record<string, string> } | null
  proxies: ReadonlyMap<Target, TcpProxy>
  /** Null while it is being started again. */
  pid: (name: ServerName) => number | null
  stop: () => Promise<void>
}

const BUCKET = 'lake'
const log = createLog('soak', 'silent')
const freePort = async (reserved: Set<number>) => {
  const { port } = await pickPort({ port: 0, isExplicit: false, flag: '--port', reserved })
  reserved.add(port)
  return port
}

/**
 * Broker, registry and, for a lake in it, MinIO: as `up` runs them, each started again when it ends, but with a proxy before
 * the broker and MinIO. MinIO's drive is on the disk that can be filled.
 */
export const startServers = async ({ dir, diskDir, lake }: { dir: string; diskDir: string; lake: LakePlace }): Promise<Servers> => {
  const scope = createScope()
  const { env } = process
  const { java, version: javaVersion } = await lookAtJava(env)
  const artifacts = await fetchArtifacts({ env, onProgress: () => undefined })
  const watcher = startWatcher()
  scope.defer(watcher.close)
  const reserved = new Set<number>()
  const ports = { kafka: await freePort(reserved), controller: await freePort(reserved), registry: await freePort(reserved) }
  const proxies = new Map<Target, TcpProxy>()
  const running = new Map<ServerName, RunningService>()
  const stopping = new AbortController()

  const keep = async (name: ServerName, start: () => Promise<RunningService>) => {
    const ready = Promise.withResolvers<void>()
    const kept = keepRunning({
      start: async () => {
        const service = await start()
        running.set(name, service)
        void service.exited.then(() => running.delete(name))
        return service
      },
      onState: (state, lastError) => {
        if (state === 'running') ready.resolve()
        if (state === 'restarting') ready.reject(new Error(`${name}: ${lastError}`))
      },
    })
    scope.defer(kept.stop)
    await ready.promise
  }
  const proxy = async (name: Target, port: number) => {
    const started = await startTcpProxy(port)
    proxies.set(name, started)
    scope.defer(started.close)
    return started.port
  }

  try {
    const common = { dataDir: dir, java, javaVersion, isArchiving: false, artifacts, env, log }
    const kafkaOptions = { ...common, port: ports.kafka, controllerPort: ports.controller }
    const kafkaProxyPort = await proxy('kafka', ports.kafka)
    const started = [
      keep('kafka', async () => {
        await prepareKafka(kafkaOptions)
        const file = path.join(dir, 'kafka', 'server.properties')
        const text = readFileSync(file, 'utf8')
        // Clients come by the proxy, whatever they asked first.
        writeFileSync(file, text.replace(/^(advertised\.listeners=PLAINTEXT:\/\/127\.0\.0\.1:)\d+$/m, `$1${kafkaProxyPort}`))
        return startService(kafkaSpec(kafkaOptions), { watcher, signal: stopping.signal })
      }),
      keep('registry', () => startService(registrySpec({ ...common, port: ports.registry }), { watcher, signal: stopping.signal })),
    ]
    let minio: Servers['minio'] = null
    if (lake === 'minio') {
      const port = await freePort(reserved)
      const spec = minioSpec({ dataDir: diskDir, port, binary: findMinio(env), bucket: BUCKET, env })
      const { accessKeyId, secretAccessKey } = minioCredentials(diskDir)
      const proxyPort = await proxy('minio', port)
      minio = {
        lakeUrl: minioLakeUrl({ port: proxyPort, bucket: BUCKET }),
        endpoint: `http://127.0.0.1:${port}`,
        env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      }
      started.push(keep('minio', () => startService(spec, { watcher, signal: stopping.signal })))
    }
    await Promise.all(started)
    scope.defer(() => stopping.abort())
    return {
      brokers: [`127.0.0.1:${kafkaProxyPort}`],
      registryUrl: registryUrl(ports.registry),
      minio,
      proxies,
      pid: (name) => running.get(name)?.pid ?? null,
      stop: scope.close,
    }
  } catch (error) {
    stopping.abort()
    await scope.close()
    throw error
  }
}
