import { frameAvro } from '../../runtime/avro.ts'
import type { OutgoingRecord } from '../../runtime/kafka/producer.ts'
import { isNewer } from '../silver/dedupe-state.ts'
import { type CleanHeader, goneVersion } from './held.ts'
import { type KeyVersion, type KeyVersions, valueDigest } from './key-versions.ts'
import type { Change } from './rows.ts'

/** The source topic, the clean topic, and the schema that values are written with. */
export interface CleanNames {
  source: string
  topic: string
  schemaId: number
}

const headers = (values: Partial<Record<CleanHeader, string | number | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[`readflow.${name}`, String(value)]])))

/** The record of a change: headers say which version it is and where it comes from. */
const cleanRecord = ({ source, topic, schemaId }: CleanNames, change: Change): OutgoingRecord => ({
  topic,
  key: change.key,
  value: change.value === null ? null : frameAvro(schemaId, change.value),
  headers: headers({
    topic: source,
    'topic-id': change.topicId,
    partition: change.partition,
    offset: change.offset,
    'schema-id': change.schemaId,
    order: change.order,
    hash: change.hash,
  }),
})

/** The deletion of a key that the table has no row of any more. It is no change of the source, and names none. */
const goneRecord = ({ source, topic }: CleanNames, key: string): OutgoingRecord => ({
  topic,
  key,
  value: null,
  headers: headers({ topic: source }),
})

/** Records that go into one transaction, and what the topic holds once it is committed. */
export interface Outgoing {
  records: OutgoingRecord[]
  bytes: number
  held: Map<string, KeyVersion>
}

export const newOutgoing = (): Outgoing => ({ records: [], bytes: 0, held: new Map() })

const add = (outgoing: Outgoing, key: string, { record, version }: { record: OutgoingRecord; version: KeyVersion }) => {
  outgoing.records.push(record)
  outgoing.bytes += (record.value?.length ?? 0) + key.length
  outgoing.held.set(key, version)
}

export const addChange = (outgoing: Outgoing, names: CleanNames, change: Change) =>
  add(outgoing, change.key, {
    record: cleanRecord(names, change),
    version: { order: change.order, hash: change.hash, value: valueDigest(change.value) },
  })

export const addGone = (outgoing: Outgoing, names: CleanNames, key: string) =>
  add(outgoing, key, { record: goneRecord(names, key), version: goneVersion })

/**
 * The records of some changes, in order of partition and offset: of a key each version that is newer than what the topic
 * holds. `isAgain` says where the same version is wanted once more.
 */
export const recordsOf = (
  names: CleanNames,
  held: Pick<KeyVersions, 'get'>,
  changes: readonly Change[],
  isAgain: (change: Change) => boolean,
): Outgoing => {
  const outgoing = newOutgoing()
  for (const change of [...changes].sort((a, b) => a.partition - b.partition || a.offset - b.offset)) {
    const last = outgoing.held.get(change.key) ?? held.get(change.key)
    const isSame = last?.order === change.order && last.hash === change.hash
    if (last === null || isNewer(change, last) || (isSame && isAgain(change))) addChange(outgoing, names, change)
  }
  return outgoing
}
