import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { Router } from 'express'
import { z } from 'zod'
import { readPublished } from '../../lake/published.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import type { GoldReader } from '../gold/reader.ts'
import type { RouteModule } from '../http/module.ts'
import { noGoldYet } from '../http/no-gold.ts'
import { oneOf } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { parseParameters, versionParameters } from '../http/route.ts'
import { goneVersion, wantedVersion } from '../http/wanted-version.ts'
import type { GateReader } from '../pipeline/gate.ts'
import { exportFormats, exportGold, exportName } from './gold-file.ts'

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

/** `GET /v1/export`: one published Gold as one file. One is made at a time. */
export const exportRoutes = ({ store, files, gold, gate, openDuckDb, tempDir }: ExportRoutes): RouteModule => {
  const router = Router()
  let isBusy = false
  router.get('/v1/export', async (request, response) => {
    const wanted = parseParameters(query, request.query)
    const version = (await wantedVersion(wanted, undefined, gold)) ?? gold.current()?.version
    if (version === undefined) throw noGoldYet(gate.held())
    if (isBusy) throw new Problem(429, 'An export is being made already. Try again in some seconds.', { headers: { 'Retry-After': '5' } })
    isBusy = true
    const leaving = new AbortController()
    response.on('close', () => leaving.abort(new Problem(503, 'Nobody waits for the export any more.')))
    const file = path.join(tempDir, `export-${randomUUID()}`)
    try {
      const published = await readPublished(store, { version })
      if (!published) throw goneVersion(version)
      const duckdb = await openDuckDb()
      try {
        await exportGold({ store, files, duckdb, published, signal: leaving.signal }, wanted.format, file)
      } finally {
        await duckdb.close()
      }
      const type = wanted.format === 'duckdb' ? 'application/vnd.duckdb' : 'application/zip'
      response.set({ 'ReadFlow-Version': String(version), 'Cache-Control': 'no-store', 'Content-Type': type })
      await new Promise<void>((resolve, reject) =>
        response.download(file, exportName(published, wanted.format), { dotfiles: 'allow' }, (error) =>
          error ? reject(error) : resolve(),
        ),
      )
    } finally {
      isBusy = false
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
        answer: { 'application/vnd.duckdb': z.string(), 'application/zip': z.string() },
        errors: [404, 410, 503],
      },
    ],
  }
}
