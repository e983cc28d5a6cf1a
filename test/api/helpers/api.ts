import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pino from 'pino'
import { createApp } from '../../../api/app.ts'
import { openHub } from '../../../api/events/hub.ts'
import { eventRoutes } from '../../../api/events/routes.ts'
import { exportRoutes } from '../../../api/export/routes.ts'
import { derivedTables } from '../../../api/gold/derived.ts'
import { type GoldOptions, openGold } from '../../../api/gold/reader.ts'
import { createEventStreams } from '../../../api/http/event-stream.ts'
import type { RouteModule } from '../../../api/http/module.ts'
import { watchKeys } from '../../../api/keys/store.ts'
import { openChecksReader } from '../../../api/pipeline/checks.ts'
import { openRuleCounts } from '../../../api/pipeline/contracts.ts'
import { openDriftReader } from '../../../api/pipeline/drift.ts'
import { openGateReader } from '../../../api/pipeline/gate.ts'
import type { LagReport } from '../../../api/pipeline/lag.ts'
import { openLineage } from '../../../api/pipeline/lineage.ts'
import { openProfilesReader } from '../../../api/pipeline/profiles.ts'
import { openRunsReader } from '../../../api/pipeline/runs.ts'
import { watchTables } from '../../../api/pipeline/tables.ts'
import { openArrivals } from '../../../api/shelves/arrival.ts'
import { shelfRoutes } from '../../../api/shelves/routes.ts'
import type { ReadDeadLetters } from '../../../api/sql/dead-letters.ts'
import { openPool, type PoolOptions, sqlLimits } from '../../../api/sql/pool.ts'
import { sqlRoutes } from '../../../api/sql/routes.ts'
import { openSql } from '../../../api/sql/service.ts'
import { openLocalFiles } from '../../../lake/store/local-files.ts'
import { openStore } from '../../../lake/store/open.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { openInbox } from '../../../lineage/shelves/inbox.ts'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import { listen } from '../../../runtime/http/listen.ts'
import type { UpStatus } from '../../../runtime/up-status.ts'

export interface Answer {
  status: number
  headers: Headers
  // Tests read deep into answers of many shapes.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  body: any
}

const noLag: LagReport = { state: 'not-configured', detail: null, partitions: [] }

/** The API over an empty lake, on a free port. Gold is looked for by `gold.refresh()`, or once it follows. */
export const startApi = async (
  t: { after: (release: () => Promise<void>) => void },
  {
    lag = () => noLag,
    upStatus = () => null,
    limits = {},
    readDeadLetters,
    dataKeys = false,
    appOptions = {},
    moreModules = () => [],
    lakeUrl,
    cacheMaxBytes = 0,
    patienceMs,
    wrapStore = (inner) => inner,
    ...goldOptions
  }: {
    lag?: () => LagReport
    upStatus?: () => UpStatus | null
    limits?: Partial<PoolOptions>
    readDeadLetters?: ReadDeadLetters
    /** Asks for the keys of its folder. */
    dataKeys?: boolean
    moreModules?: (store: ObjectStore) => RouteModule[]
    appOptions?: Partial<Parameters<typeof createApp>[0]>
    /** Default: the temporary folder. */
    lakeUrl?: string
    /** Of copies that nobody reads. */
    cacheMaxBytes?: number
    /** With a store that fails in passing. */
    patienceMs?: number
    /** What the API sees of the store. */
    wrapStore?: (inner: ObjectStore) => ObjectStore
  } & Partial<GoldOptions> = {},
) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'readflow-api-'))
  const store = wrapStore(openStore(lakeUrl ?? `file:${folder}`, patienceMs === undefined ? {} : { patienceMs }))
  const log = pino({ level: 'silent' })
  const files = openLocalFiles({ store, dir: path.join(folder, 'cache'), maxBytes: cacheMaxBytes })
  const gold = openGold({
    store,
    files,
    log,

    derived: derivedTables,
    openDuckDb: () => openDuckDb({ memoryLimit: '128MB' }),
    ...goldOptions,
  })
  const gate = openGateReader({ store, log })
  const tempDir = path.join(folder, 'tmp')
  await mkdir(tempDir)
  const copiesDir = path.join(folder, 'sql')
  await mkdir(copiesDir)
  const pool = openPool({ ...sqlLimits, ...limits, tempDir, filesDir: copiesDir })
  const sql = openSql({
    store,
    copies: openLocalFiles({ store: { ...store, localPath: () => null }, dir: copiesDir, maxBytes: cacheMaxBytes }),
    ...{ copiesDir, pool },
    newest: () => gold.current()?.version ?? null,
    ...(readDeadLetters ? { readDeadLetters } : {}),
  })
  const hub = openHub({ store, gold, log, intervalMs: 20 })
  const keys = watchKeys(folder)
  const streams = createEventStreams({ maxReaders: 3, ...(dataKeys ? { keys } : {}) })
  const exports = exportRoutes({ store, files, gold, gate, openDuckDb: () => openDuckDb({ memoryLimit: '128MB' }), tempDir })
  const shelves = shelfRoutes({ inbox: openInbox(folder), gold, arrivals: openArrivals({ store }) })
  const app = createApp({
    modules: [sqlRoutes({ sql, gold, gate }), eventRoutes({ hub, streams }), exports, shelves, ...moreModules(store)],
    ...(dataKeys ? { access: { isOn: true, keys } } : {}),
    ...appOptions,
    host: '127.0.0.1',
    log,
    gold,
    lag,
    upStatus,
    tables: watchTables({ store, maxAgeMs: -1 }),
    gate,
    runs: openRunsReader({ store }),
    checks: openChecksReader({ store }),
    profiles: openProfilesReader({ store }),
    ruleCounts: openRuleCounts({ store }),
    drift: openDriftReader({ store }),
    lineage: openLineage({ store, files, openDuckDb: () => openDuckDb({ memoryLimit: '128MB' }) }),
  })
  const server = await listen({ listener: app, host: '127.0.0.1', port: 0, isPortExplicit: true })
  t.after(async () => {
    streams.close()
    await server.close()
    await hub.close()
    await pool.close()
    await gold.close()
    await store.close()
    await rm(folder, { recursive: true, force: true })
  })

  const get = async (route: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(new URL(route, server.url), init)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.match(/^application\/(json|problem\+json)/)
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  /** With a Host header of one's own, which `fetch` refuses to send. */
  const getAs = (host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const asking = request(new URL('/healthz', server.url), { headers: { host }, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      asking.on('error', reject).end()
    })

  /** What `POST /v1/sql` answers. */
  const sqlAnswer = (text: string, { parameters, query = '' }: { parameters?: unknown; query?: string } = {}) =>
    get(`/v1/sql${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql: text, parameters }),
    })

  return { get, getAs, streams, ask: sqlAnswer, store, gold, gate, folder, url: server.url }
}

export type Api = Awaited<ReturnType<typeof startApi>>
