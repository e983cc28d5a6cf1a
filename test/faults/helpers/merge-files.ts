import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createRewrite } from '../../../compactor/upkeep/rewrite.ts'
import { optimize } from '../../../lake/delta/optimize.ts'
import { openTable } from '../../../lake/delta/table.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import type { SinkJob } from './job.ts'

/** Merges the small files of a job's tables, as `readflow optimize` does. */
export const mergeFiles = async (store: ObjectStore, { stage, entities }: Pick<SinkJob, 'stage' | 'entities'>) => {
  const tempDir = await mkdtemp(path.join(tmpdir(), 'readflow-merge-'))
  try {
    for (const entity of entities) {
      const table = openTable(store, `${stage}/${entity}`)
      const failures: unknown[] = []
      const rewrite = createRewrite({ openDuckDb, tempDir })
      const result = await optimize(table, {
        rewrite,
        sortBy: ['_offset'],
        targetBytes: 1 << 24,
        minFiles: 2,
        onFailure: (error) => failures.push(error),
      })
      if (failures.length > 0) throw failures[0]
      await table.settled()
      if (result.conflicts > 0) throw new Error('another writer where there is none')
    }
  } finally {
    await rm(tempDir, { recursive: true, force: true })
  }
}
