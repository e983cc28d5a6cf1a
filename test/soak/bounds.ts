import type { Bound, Measure } from './flat.ts'

const NEVER = Number.POSITIVE_INFINITY

/**
 * How much a process may have, and grow by in a minute once it is warm. README names them. A consumer holds an entry for
 * every version of a key, and a broker and MinIO the pages of what they keep: some growth under load is theirs by right.
 */
const node: Partial<Record<Measure, Bound>> = {
  // What DuckDB and column buffers take was seen to go up and down by some 150 MB in four minutes.
  'memory MB': { perMinute: 5, swing: 150, most: 1000 },
  // What waits for a full collection: seen to rise by 60 MB in two minutes, and to fall again.
  'heap MB': { perMinute: 4, swing: 40, most: 500 },
  'open files': { perMinute: 4, most: 400 },
  handles: { perMinute: 4, most: 200 },
}
const server: Partial<Record<Measure, Bound>> = {
  'memory MB': { perMinute: 25, most: 1500 },
  'open files': { perMinute: 20, most: 3000 },
}
const folders: Record<string, Bound> = {
  'temporary files in data': { perMinute: 10, most: 2000 },
  'temporary files in data-2': { perMinute: 10, most: 2000 },
  // As many as --cache-max-bytes has room for: they stay until it is full.
  'copies of data files': { perMinute: NEVER, most: 10_000 },
  'unfinished files of the lake': { perMinute: 2, most: 500 },
}

export const boundOf = (name: string, measure: Measure): Bound => {
  const bound = measure === 'files' ? folders[name] : (['kafka', 'registry', 'minio'].includes(name) ? server : node)[measure]
  return bound ?? { perMinute: NEVER, most: NEVER }
}

/** Files of a table's data that a reader opens: what optimize leaves of many small ones. */
export const MAX_LIVE_FILES = 600
/** Objects of the lake for one commit of a table: the entry, data files of its partitions, and what is waiting for vacuum. */
export const MAX_FILES_A_COMMIT = 12
