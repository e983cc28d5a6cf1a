import type { Action } from '../../lake/delta/actions.ts'
import { readEntries } from '../../lake/delta/load.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import type { OutgoingRecord, Producer } from '../../runtime/kafka/producer.ts'
import type { Log } from '../../runtime/log.ts'
import { RUNS_TOPIC } from '../../schemas/topics.ts'
import { openLineageEvent, type Places } from './open-lineage.ts'
import { readRows } from './read.ts'
import type { Run } from './run.ts'

export interface PublisherOptions {
  table: Table
  /** The programs whose rows are published here; the first is our own. */
  programs: readonly string[]
  places: Places
  /** Opened when there is something to publish, with the topic made where it is not there. */
  openProducer: () => Promise<Pick<Producer, 'send' | 'close'>>
  log: Log
}

/**
 * Publishes what is in `ops/runs`, never what is not: the rows of the versions since the one that was published last,
 * which is kept in the table itself, as a `txn` in the next commit. So nothing is lost while Kafka is away, and after a
 * restart some events come once more: at least once. Who reads them takes run id and event type as their identity.
 */
export interface Publisher {
  appId: string
  /** All rows up to this version are in Kafka; null where nothing is known to be. */
  publishedTo: () => number | null
  /** Begins where the table says. */
  open: (snapshot: Snapshot) => void
  /** We wrote these rows as this version. */
  written: (version: number, rows: readonly Run[]) => void
  /** Publishes what is left, unless Kafka does not answer. */
  close: () => Promise<void>
}

const FIRST_RETRY_MS = 5000
const MAX_RETRY_MS = 60_000
/** Entries that are looked through at once. */
const AT_ONCE = 64

export const createPublisher = ({ table, programs, places, openProducer, log }: PublisherOptions): Publisher => {
  const appId = `readflow.runs/published/${programs[0]}`
  /** What we wrote ourselves needs not be read again. */
  const known = new Map<number, readonly Run[]>()
  let publishedTo: number | null = null
  let producer: Promise<Pick<Producer, 'send' | 'close'>> | null = null
  let publishing: Promise<void> | null = null
  let isClosed = false
  let retryMs = 0
  let retryTimer: NodeJS.Timeout | undefined

  const send = async (rows: readonly Run[]) => {
    if (rows.length === 0) return
    producer ??= openProducer()
    const opened = await producer.catch((error) => {
      producer = null
      throw error
    })
    await opened.send(rows.map((run) => recordOf(run, places)))
  }

  const publishNew = async () => {
    for (;;) {
      const { version: newest } = table.known()
      const from = (publishedTo ?? -1) + 1
      if (from > newest) return
      const to = Math.min(newest, from + AT_ONCE - 1)
      const found = await rowsBetween({ table, programs, known }, from, to)
      await send(found.rows)
      publishedTo = found.to
      for (const version of known.keys()) if (version <= found.to) known.delete(version)
    }
  }

  /** One at a time. Never rejects: what fails is tried again. */
  const publish = (): Promise<void> => {
    clearTimeout(retryTimer)
    publishing ??= publishNew()
      .then(() => {
        retryMs = 0
      })
      .catch((error) => {
        retryMs = Math.min(MAX_RETRY_MS, Math.max(FIRST_RETRY_MS, retryMs * 2))
        log.warn({ error: errorLine(error), retry_in_ms: retryMs }, `events of runs wait for the topic ${RUNS_TOPIC}`)
        if (!isClosed) retryTimer = setTimeout(publish, retryMs).unref()
      })
      .finally(() => {
        publishing = null
      })
    return publishing
  }

  return {
    appId,
    publishedTo: () => publishedTo,
    open: (snapshot) => {
      publishedTo = snapshot.txns.get(appId) ?? null
      if (snapshot.version >= 0) void publish()
    },
    written: (version, rows) => {
      known.set(version, rows)
      if (retryMs === 0) void publish()
    },
    close: async () => {
      isClosed = true
      clearTimeout(retryTimer)
      if (retryMs === 0) {
        await publishing
        await publish()
      }
      await producer?.then(({ close }) => close()).catch(() => undefined)
    },
  }
}

interface Written {
  table: Table
  programs: readonly string[]
  known: ReadonlyMap<number, readonly Run[]>
}

/** The rows that some versions added, of those programs. Where the log does not tell any more: all that there are. */
const rowsBetween = async ({ table, programs, known }: Written, from: number, to: number): Promise<{ rows: Run[]; to: number }> => {
  const rows: Run[] = []
  const isOurs = ({ program }: Run) => programs.includes(program)
  try {
    for (let version = from; version <= to; version++) {
      const ours = known.get(version)
      if (ours) {
        rows.push(...ours)
        continue
      }
      const [actions = []] = await readEntries(table, version, version)
      rows.push(...(await readRows(table, table.known(), addedBy(actions, programs))).filter(isOurs))
    }
    return { rows, to }
  } catch (error) {
    if (!(error instanceof ReadflowError) || error.code !== 'lake-not-found') throw error
    const snapshot = await table.snapshot()
    return { rows: (await readRows(table, snapshot, snapshot.files.values())).filter(isOurs), to: snapshot.version }
  }
}

/** The files that an entry added with new rows of these programs; one that does not say whose they are may be theirs. */
const addedBy = (actions: readonly Action[], programs: readonly string[]) => {
  const program = actions.find((action) => 'commitInfo' in action)?.commitInfo['program']
  if (typeof program === 'string' && !programs.includes(program)) return []
  return actions.flatMap((action) => ('add' in action && action.add.dataChange ? [action.add] : []))
}

const recordOf = (run: Run, places: Places): OutgoingRecord => ({
  topic: RUNS_TOPIC,
  key: run.runId,
  value: Buffer.from(JSON.stringify(openLineageEvent(run, places))),
})
