import assert from 'node:assert/strict'
import { columnOf, valueAt } from '../../../lake/columns/column.ts'
import { scan } from '../../../lake/delta/scan.ts'
import type { Snapshot } from '../../../lake/delta/snapshot.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openStore } from '../../../lake/store/open.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { catalogue } from '../../../schemas/catalogue.ts'
import type { SinkJob } from './job.ts'
import type { Delivered, World } from './world.ts'

/** Content of each row as text, by partition and offset. */
export type Rows = Map<number, Map<number, string>>

export interface TableState {
  snapshot: Snapshot
  rows: Rows
}

const asText = (_name: string, value: unknown): unknown =>
  typeof value === 'bigint'
    ? `${value}n`
    : value instanceof Map
      ? [...value]
      : value instanceof Uint8Array
        ? Buffer.from(value).toString('hex')
        : value

interface FileRow {
  topicId: string
  partition: number
  offset: number
  text: string
}

/** Reads the rows of a snapshot, each data file once: they never change. */
const createReader = (store: ObjectStore, root: string) => {
  const known = new Map<string, FileRow[]>()
  const readFile = async (snapshot: Snapshot, path: string): Promise<FileRow[]> => {
    const columns = snapshot.metadata?.fields.map(({ name }) => name) ?? []
    const rows: FileRow[] = []
    for await (const batch of scan(store, snapshot, { root, columns, where: (file) => file.path === path })) {
      const [partitions, offsets, topicIds] = ['_partition', '_offset', '_topic_id'].map((name) => columnOf(batch, name))
      for (let row = 0; row < batch.length; row++) {
        const values = batch.fields.map(({ name }, index) => [name, valueAt(batch.columns[index]!, row)] as const)
        rows.push({
          topicId: valueAt(topicIds!, row) as string,
          partition: valueAt(partitions!, row) as number,
          offset: valueAt(offsets!, row) as number,
          text: JSON.stringify(Object.fromEntries(values), asText),
        })
      }
    }
    return rows
  }

  /** A partition and offset that stands there twice is a failure at once. */
  return async (snapshot: Snapshot, only: (topicId: string) => boolean): Promise<Rows> => {
    const rows: Rows = new Map()
    for (const path of snapshot.files.keys()) {
      const id = `${path} ${snapshot.metadata?.fields.length}`
      const ofFile = known.get(id) ?? (await readFile(snapshot, path))
      known.set(id, ofFile)
      for (const { topicId, partition, offset, text } of ofFile) {
        if (!only(topicId)) continue
        const of = rows.get(partition) ?? new Map<number, string>()
        assert.ok(!of.has(offset), `${root} version ${snapshot.version}: partition ${partition} has offset ${offset} twice`)
        rows.set(partition, of.set(offset, text))
      }
    }
    return rows
  }
}

/** Of a long history, this many versions are looked at. */
const MAX_VERSIONS = 60

/** A table at the versions that can be read (of very many, at some), oldest first. */
export const readVersions = async (lakeUrl: string, root: string, only = (_topicId: string) => true): Promise<TableState[]> => {
  const store = openStore(lakeUrl)
  const table = openTable(store, root)
  const read = createReader(store, root)
  const newest = await table.snapshot()
  const step = Math.max(1, Math.floor(newest.version / MAX_VERSIONS))
  const states: TableState[] = []
  for (let version = newest.version; version >= 0; version -= step) {
    const snapshot = await table.snapshot({ version }).catch((error) => {
      if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
      throw error
    })
    if (!snapshot) break
    states.unshift({ snapshot, rows: await read(snapshot, only) })
  }
  await store.close()
  return states
}

const sorted = (offsets: Iterable<number>) => [...offsets].sort((a, b) => a - b)

/** Progress and counters of a partition, by the name after its id: '' is progress. */
const ledgerOf = ({ txns }: Snapshot, stage: string, partition: number, topicId: string): Map<string, number> => {
  const ledger = new Map<string, number>()
  const marks = `/${topicId}/${partition}`
  for (const [appId, value] of txns) {
    const at = appId.indexOf(marks)
    if (!appId.startsWith(`${stage}/`) || at < 0) continue
    const rest = appId.slice(at + marks.length)
    if (rest === '' || rest.startsWith('/')) ledger.set(rest.slice(1), value)
  }
  return ledger
}

/**
 * Proves I1 to I4 for one stage after a run that came to its end:
 * every version of each table holds the rows of whole commits, the last one every delivered record once (Bronze)
 * or what must be accepted (Silver), the counters add up, and the group's offset stands at the progress.
 * `reference` has the rows of an undisturbed run; what they hold must be the same.
 */
export const checkStage = async (
  world: World,
  job: SinkJob,
  { reference, content = (text) => text }: { reference?: Map<string, Rows>; content?: (text: string) => string } = {},
): Promise<void> => {
  const topics = job.entities.map((entity) => catalogue[entity].topic)
  const topicIds = await world.client.topicIds(topics)
  const groupOffsets = await world.client.groupOffsets(job.groupId, topics)
  for (const entity of job.entities) {
    const { topic } = catalogue[entity]
    const topicId = topicIds.get(topic) ?? ''
    const root = `${job.stage}/${entity}`
    const states = await readVersions(job.lakeUrl, root, (id) => id === topicId)
    const last = states.at(-1)
    assert.ok(last, `${root} exists`)
    const delivered = world.delivered(entity)
    for (const [partition, records] of Map.groupBy(delivered, (record) => record.partition)) {
      const where = `${root}/${partition}`
      const kept = records.filter(({ fate }) => job.stage === 'bronze' || fate === 'valid' || fate === 'late')
      for (const { snapshot, rows } of states) {
        const next = ledgerOf(snapshot, job.stage, partition, topicId).get('') ?? 0
        const expected = kept.filter(({ offset }) => offset < next)
        assert.deepEqual(
          sorted(rows.get(partition)?.keys() ?? []),
          sorted(expected.map(({ offset }) => offset)),
          `${where} version ${snapshot.version}: rows of whole commits up to offset ${next}`,
        )
      }
      const ledger = ledgerOf(last.snapshot, job.stage, partition, topicId)
      const next = ledger.get('') ?? -1
      assert.ok(next > Math.max(...records.map(({ offset }) => offset)), `${where}: progress ${next} is past every record`)
      checkCounters(where, job.stage, records, ledger)
      const group = groupOffsets.find((each) => each.topic === topic && each.partition === partition)
      assert.equal(group?.offset, next, `${where}: the group's offset stands at the progress`)
      assert.equal(JSON.parse(group?.metadata || '{}').next, next, `${where}: the group's offset is marked as ours`)
      const wanted = reference?.get(root)?.get(partition)
      if (wanted)
        for (const [offset, text] of last.rows.get(partition) ?? [])
          assert.equal(content(text), content(wanted.get(offset) ?? ''), `${where} offset ${offset}: the same row as without a fault`)
    }
  }
}

const checkCounters = (where: string, stage: 'bronze' | 'silver', records: readonly Delivered[], ledger: Map<string, number>) => {
  const count = (...fates: string[]) => records.filter(({ fate }) => fates.includes(fate)).length
  const found = (name: string) => ledger.get(name) ?? 0
  if (stage === 'bronze') return assert.equal(found('rows'), records.length, `${where}: rows counted`)
  assert.deepEqual(
    { valid: found('valid'), late: found('late'), repeat: found('repeat'), dead: found('dead') },
    { valid: count('valid', 'late'), late: count('late'), repeat: count('repeat'), dead: count('dead') },
    `${where}: what was counted is what was delivered`,
  )
}

/** Rows of the newest version of each table of a job, by table. */
export const newestRows = async (job: SinkJob): Promise<Map<string, Rows>> => {
  const tables = new Map<string, Rows>()
  for (const entity of job.entities) {
    const root = `${job.stage}/${entity}`
    tables.set(root, (await readVersions(job.lakeUrl, root)).at(-1)?.rows ?? new Map())
  }
  return tables
}
