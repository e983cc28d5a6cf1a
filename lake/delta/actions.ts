import { ReadflowError } from '../../runtime/errors.ts'

/*
 * The actions of the Delta transaction log, as https://github.com/delta-io/delta/blob/master/PROTOCOL.md names them.
 * Reader version 1 and writer version 2: no feature that an older reader lacks.
 */

export interface Protocol {
  minReaderVersion: number
  minWriterVersion: number
}

export interface MetaData {
  id: string
  name?: string
  description?: string
  format: { provider: 'parquet'; options: Record<string, string> }
  schemaString: string
  partitionColumns: string[]
  configuration: Record<string, string>
  /** Epoch milliseconds. */
  createdTime?: number
}

/** A data file of the table. */
export interface AddFile {
  /** Relative to the table's root, URL-encoded; `filePath` decodes it. */
  path: string
  /** Values as text, null where there is none; every partition column has an entry. */
  partitionValues: Record<string, string | null>
  /** Bytes. */
  size: number
  /** Epoch milliseconds. */
  modificationTime: number
  /** Whether rows change by it; false where files are only rewritten. */
  dataChange: boolean
  /** JSON text: numRecords, minValues, maxValues, nullCount. */
  stats?: string
  tags?: Record<string, string>
}

export interface RemoveFile {
  path: string
  /** Epoch milliseconds. */
  deletionTimestamp: number
  dataChange: boolean
  extendedFileMetadata?: boolean
  partitionValues?: Record<string, string | null>
  size?: number
}

/** Progress of an application, replaced by each newer one of the same id. */
export interface Txn {
  appId: string
  version: number
  /** Epoch milliseconds. */
  lastUpdated?: number
}

export interface CommitInfo {
  /** Epoch milliseconds. */
  timestamp: number
  operation: string
  operationParameters?: Record<string, unknown>
  engineInfo?: string
  /** Unique; tells whose an entry of the log is. */
  txnId?: string
  [key: string]: unknown
}

export type Action =
  | { commitInfo: CommitInfo }
  | { protocol: Protocol }
  | { metaData: MetaData }
  | { add: AddFile }
  | { remove: RemoveFile }
  | { txn: Txn }

export const protocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 }

/** One entry of the log as its bytes: a JSON object a line. */
export const encodeActions = (actions: readonly Action[]): Uint8Array =>
  new TextEncoder().encode(actions.map((action) => `${JSON.stringify(action)}\n`).join(''))

/** What an action of each kind can not be without; kinds that are not named here are kept as they are. */
const isWhole: Readonly<Record<string, (action: Record<string, unknown>) => boolean>> = {
  add: ({ path, size }) => typeof path === 'string' && typeof size === 'number',
  remove: ({ path }) => typeof path === 'string',
  txn: ({ appId, version }) => typeof appId === 'string' && typeof version === 'number',
  metaData: ({ schemaString }) => typeof schemaString === 'string',
  protocol: ({ minReaderVersion }) => typeof minReaderVersion === 'number',
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const parsedAction = (line: string): Action => {
  const action: unknown = JSON.parse(line)
  if (!isObject(action)) throw new SyntaxError('a line is no JSON object')
  for (const [kind, body] of Object.entries(action))
    if (isWhole[kind] && !(isObject(body) && isWhole[kind](body))) throw new SyntaxError(`an action "${kind}" lacks what belongs to it`)
  return action as Action
}

/** The actions of one entry; kinds that we do not know are kept as they are. Throws `lake-invalid`, for an empty entry too. */
export const decodeActions = (bytes: Uint8Array, path: string): Action[] => {
  try {
    const lines = new TextDecoder().decode(bytes).split('\n')
    const actions = lines.filter((line) => line.trim() !== '').map(parsedAction)
    // No writer commits nothing: somebody has emptied the file.
    if (actions.length === 0) throw new SyntaxError('it is empty')
    return actions
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ReadflowError('lake-invalid', `the log entry ${path} can not be read: ${reason}`, { cause })
  }
}

/** A version as the names of the log's files have it. */
export const padded = (version: number): string => String(version).padStart(20, '0')

/** Path of a log entry below the table's root. */
export const entryName = (version: number): string => `_delta_log/${padded(version)}.json`

/**
 * Path of a data file below the table's root, from the path in its action. Throws `lake-invalid` for a file that lies
 * elsewhere, as those of a shallow clone do.
 */
export const filePath = (path: string): string => {
  if (/^([a-z][a-z0-9+.-]*:)?\//i.test(path))
    throw new ReadflowError('lake-invalid', `the file ${path} of the table lies outside of its folder, where ReadFlow does not read`)
  try {
    return decodeURIComponent(path)
  } catch (cause) {
    throw new ReadflowError('lake-invalid', `${JSON.stringify(path)} in the log is no URL-encoded path`, { cause })
  }
}
