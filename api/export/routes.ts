import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { Router } from 'express'
import { z } from 'zod'
import { type Published, readPublished } from '../../lake/published.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import type { GoldReader } from '../gold/reader.ts'
import { STALLED_MS } from '../http/drained.ts'
import { heldOf, versionHeaders } from '../http/held.ts'
import type { RouteModule } from '../http/module.ts'
import { noGoldYet } from '../http/no-gold.ts'
import { documentedHeaders } from '../http/openapi.ts'
import { oneOf } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { parseParameters, versionParameters } from '../http/route.ts'
import { goneVersion, wantedVersion } from '../http/wanted-version.ts'
import type { GateReader } from '../pipeline/gate.ts'
import { type ExportFormat, exportFormats, exportGold, exportName } from './gold-file.ts'

const types: Record<ExportFormat, string> = { duckdb: 'application/vnd.duckdb', parquet: 'application/zip' }

const query = z.strictObject({
  format: oneOf(exportFormats).default('duckdb').describe('duckdb, or parquet (a zip with a file a table)'),
  ...versionParameters,
})

export interface ExportRoutes {
  store: ObjectStore
  files: LocalFiles
  gold: GoldReader
  gate: GateReader
  openDuckDb: () => Promise<DuckDb>
  /** Folder that the files are made in. */
  tempDir: string
}

/** Files that are made or on their way at once: each takes its place on the disk. */
const MAX_FILES = 4

const busy = (why: string) => new Problem(429, `${why} Try again in some seconds.`, { headers: { 'Retry-After': '5' } })

/** `GET /v1/export`: one published Gold as one file. One is made at a time, and some are read meanwhile. */
export const exportRoutes = ({ store, files, gold, gate, openDuckDb, tempDir }: ExportRoutes): RouteModule => {
  const router = Router()
  let isMaking = false
  let kept = 0

  const make = async (published: Published, format: ExportFormat, file: string, signal: AbortSignal) => {
    isMaking = true
    try {
      const duckdb = await openDuckDb()
      try {
        await exportGold({ store, files, duckdb, published, signal }, format, file)
      } finally {
        await duckdb.close()
      }
    } finally {
      isMaking = false
    }
  }

  router.get('/v1/export', async (request, response) => {
    const { format, ...wanted } = parseParameters(query, request.query)
    const version = (await wantedVersion(wanted, undefined, { gold, gate })) ?? gold.current()?.version
    if (version === undefined) throw noGoldYet(gate.held())
    const published = await readPublished(store, { version })
    if (!published) throw goneVersion(version)
    response.set({
      ...versionHeaders(published),
      ...heldOf({ gold, gate }, version).headers,
      'Cache-Control': 'no-store',
      'Content-Type': types[format],
    })
    if (request.method === 'HEAD') return void response.attachment(exportName(published, format)).type(types[format]).end()
    if (isMaking) throw busy('An export is being made already.')
    if (kept >= MAX_FILES) throw busy(`${MAX_FILES} exports are being read already.`)
    kept++
    const leaving = new AbortController()
    response.on('close', () => leaving.abort(new Problem(499, 'Nobody waits for the export any more.')))
    const file = path.join(tempDir, `export-${randomUUID()}`)
    try {
      await make(published, format, file, leaving.signal)
      // Who stops reading keeps its file from nobody for long.
      response.setTimeout(STALLED_MS, () => response.destroy())
      // It is made anew each time, with other bytes: a part of it goes with no other.
      const options = { dotfiles: 'allow', acceptRanges: false, etag: false, lastModified: false, cacheControl: false } as const
      await new Promise<void>((resolve, reject) =>
        response.download(file, exportName(published, format), options, (error) => (error ? reject(error) : resolve())),
      )
    } finally {
      kept--
      await rm(file, { force: true })
    }
  })
  return {
    router,
    operations: [
      {
        method: 'get',
        path: '/v1/export',
        summary: 'One published Gold as one file: a DuckDB database with its tables, or a zip of Parquet files. One at a time is made.',
        query,
        answer: { [types.duckdb]: z.string(), [types.parquet]: z.string() },
        headers: documentedHeaders,
        errors: [404, 410, 503],
      },
    ],
  }
}
