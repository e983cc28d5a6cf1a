import type { ObjectStore } from '../store/store.ts'
import { padded } from './actions.ts'

/** Where a table is. */
export interface TablePlace {
  store: ObjectStore
  /** Its root in the store. */
  root: string
}

/** The log's files as a listing has them, oldest first. */
export interface LogListing {
  entries: { version: number; modifiedMs: number }[]
  /** Those that have all their parts. */
  checkpoints: CheckpointFiles[]
  /** The newest version, and the oldest that the files lead to; -1 where there is none. */
  newestVersion: number
  oldestVersion: number
  /** Whether there are checkpoints of the kind that only tables of newer protocols have. */
  hasNewerKind: boolean
}

export interface CheckpointFiles {
  version: number
  /** Paths in the store: one, or as many as it has parts. */
  paths: string[]
}

/** Path of a checkpoint in one part, below the table's root. */
export const checkpointName = (version: number): string => `_delta_log/${padded(version)}.checkpoint.parquet`

/** Path of the file that points to a recent checkpoint, below the table's root. */
export const LAST_CHECKPOINT = '_delta_log/_last_checkpoint'

/** What a file of the log is, by its name; null for anything else that lies there. */
export const logFileOf = (
  path: string,
):
  | { kind: 'entry' | 'checkpoint' | 'checksum' | 'newer-checkpoint'; version: number }
  | { kind: 'part'; version: number; part: number; parts: number }
  | { kind: 'compacted'; version: number; lastVersion: number }
  | null => {
  const [, text, rest] = /\/_delta_log\/(\d{20})\.([^/]+)$/.exec(path) ?? []
  if (text === undefined || rest === undefined) return null
  const version = Number(text)
  if (rest === 'json') return { kind: 'entry', version }
  if (rest === 'checkpoint.parquet') return { kind: 'checkpoint', version }
  if (rest === 'crc') return { kind: 'checksum', version }
  const [, part, parts] = /^checkpoint\.(\d{10})\.(\d{10})\.parquet$/.exec(rest) ?? []
  if (part !== undefined) return { kind: 'part', version, part: Number(part), parts: Number(parts) }
  if (/^checkpoint\.[^.]+\.(json|parquet)$/.test(rest)) return { kind: 'newer-checkpoint', version }
  const [, last] = /^(\d{20})\.compacted\.json$/.exec(rest) ?? []
  return last === undefined ? null : { kind: 'compacted', version, lastVersion: Number(last) }
}

/** The files of the log from that version on. */
export const listLog = async ({ store, root }: TablePlace, fromVersion = 0): Promise<LogListing> => {
  const entries: LogListing['entries'] = []
  const checkpoints: CheckpointFiles[] = []
  let hasNewerKind = false
  const parts = new Map<string, CheckpointFiles & { parts: number }>()
  for await (const { path, modifiedMs } of store.list(`${root}/_delta_log/`, { startAfter: `${root}/_delta_log/${padded(fromVersion)}` })) {
    const file = logFileOf(path)
    if (file?.kind === 'entry') entries.push({ version: file.version, modifiedMs: Math.floor(modifiedMs) })
    if (file?.kind === 'checkpoint') checkpoints.push({ version: file.version, paths: [path] })
    if (file?.kind === 'newer-checkpoint') hasNewerKind = true
    if (file?.kind !== 'part') continue
    const key = `${file.version}/${file.parts}`
    const checkpoint = parts.get(key) ?? { version: file.version, paths: [], parts: file.parts }
    parts.set(key, checkpoint)
    checkpoint.paths.push(path)
    if (checkpoint.paths.length === checkpoint.parts) checkpoints.push({ version: file.version, paths: checkpoint.paths })
  }
  checkpoints.sort((a, b) => a.version - b.version)
  const newestVersion = Math.max(entries.at(-1)?.version ?? -1, checkpoints.at(-1)?.version ?? -1)
  const oldestVersion = entries[0]?.version === 0 ? 0 : (checkpoints[0]?.version ?? newestVersion)
  return { entries, checkpoints, newestVersion, oldestVersion, hasNewerKind }
}
