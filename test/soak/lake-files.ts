import { readdirSync } from 'node:fs'
import path from 'node:path'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { MAX_FILES_A_COMMIT, MAX_LIVE_FILES } from './bounds.ts'
import type { Checked } from './compare.ts'
import { countFiles } from './sample.ts'

/** Files that readers open and files on disk, of each table of a lake in a folder, against their bounds. */
export const checkLakeFiles = async (lakeDir: string): Promise<Checked> => {
  const store = openStore(`file:${lakeDir}`)
  const faults: string[] = []
  let files = 0
  try {
    const roots = readdirSync(lakeDir, { recursive: true, encoding: 'utf8' })
      .filter((name) => path.basename(name) === '_delta_log')
      .map(path.dirname)
    for (const root of roots) {
      const snapshot = await openTable(store, root).snapshot()
      const onDisk = countFiles(path.join(lakeDir, root), () => true)
      files += onDisk
      if (snapshot.files.size > MAX_LIVE_FILES) faults.push(`${root} has ${snapshot.files.size} live files, more than ${MAX_LIVE_FILES}`)
      const aCommit = onDisk / (snapshot.version + 1)
      // A build of Gold writes a file for each month and genre that it touches: its commits are few and large.
      if (aCommit > MAX_FILES_A_COMMIT && !root.startsWith('gold'))
        faults.push(`${root} has ${onDisk} files after ${snapshot.version + 1} commits`)
    }
  } finally {
    await store.close()
  }
  return {
    what: `lake: at most ${MAX_LIVE_FILES} live files a table, ${MAX_FILES_A_COMMIT} files a commit outside of Gold`,
    count: files,
    faults,
  }
}
