import { type Column, columnOf, valueAt } from '../../lake/columns/column.ts'
import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { DriftPolicy } from '../../lineage/drift/drift.ts'
import { letterHeader } from '../../lineage/letters/headers.ts'
import { type LetterReader, silverRoot } from '../../lineage/letters/read.ts'
import type { LetterCase } from '../../lineage/letters/states.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { DeliveredRecord } from '../../runtime/kafka/second/reader.ts'
import type { Registry } from '../../runtime/registry.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { EntityName, TopicName } from '../../schemas/records.ts'
import type { PartitionInput } from '../decode/batches.ts'
import { createSilver } from '../silver/silver.ts'
import type { StageTable } from '../stage.ts'
import { batchesOf, recordsOf, redrivenRecord } from './records.ts'

/** What a redrive would make of a letter. */
export interface Verdict {
  state: 'accepted' | 'late' | 'repeat' | 'refused'
  /** The rule that would refuse it, with what it finds. */
  reason: string | null
  message: string | null
}

export interface RehearseOptions {
  reader: LetterReader
  store: ObjectStore
  registry: Registry
  policies: Partial<Record<TopicName, DriftPolicy>>
  nowMs: () => number
  signal: AbortSignal
  onProgress: (line: string) => void
}

/** Beyond any offset that there is. */
const FIRST_OFFSET = 1_000_000_000_000_000

/**
 * Has Silver judge letters as it would judge them now, one after the other: their bytes by the registry's schemas and by the rules
 * of today, and their versions beside those that the table has. Nothing is written. What waits to be read may change whether a
 * version is late or a repeat. Rejects with `registry-unavailable` and the like; a letter that can't be judged is none.
 */
export const rehearse = async (options: RehearseOptions, cases: readonly LetterCase[]): Promise<Map<string, Verdict>> => {
  const { registry, store, policies } = options
  const verdicts = new Map<string, Verdict>()
  const silver = createSilver({ registry, store, drift: { policies, found: () => undefined } })
  for (const [entity, of] of Map.groupBy(cases, (each) => each.entity))
    await rehearseEntity(options, { entity, table: silver.tables.find((table) => table.entity === entity)!, cases: of }, verdicts)
  return verdicts
}

const rehearseEntity = async (
  { reader, store, nowMs, signal, onProgress }: RehearseOptions,
  { entity, table, cases }: { entity: EntityName; table: StageTable; cases: readonly LetterCase[] },
  verdicts: Map<string, Verdict>,
) => {
  const { topic } = catalogue[entity]
  const state = await reader.topic(topic)
  const target = { topicId: state?.id ?? '', partitions: state?.partitions.length ?? 1 }
  const snapshot = await openTable(store, silverRoot(entity)).snapshot()
  const keys = new Set(cases.flatMap(({ letter: { key } }) => key ?? []))
  const partitions = Array.from({ length: target.partitions }, (_, partition) => ({ topicId: target.topicId, partition }))
  await table.restore(snapshot, partitions, { keys })
  let judged = 0
  for (const batch of batchesOf(cases)) {
    signal.throwIfAborted()
    const records = await recordsOf(reader, entity, batch)
    const sent = batch.map((each, index) => redrivenRecord(each, records[index]!, target))
    const inputs = new Map<number, PartitionInput & { records: KafkaRecord[] }>()
    for (const [index, { partition, headers }] of sent.entries()) {
      const offset = FIRST_OFFSET + judged + index
      const input = inputs.get(partition) ?? { ...{ topic, topicId: target.topicId, partition, fromOffset: offset }, ...noneYet() }
      input.records.push(asDelivered(records[index]!, { headers, offset, timestampMs: nowMs() }))
      inputs.set(partition, { ...input, nextOffset: offset + 1 })
    }
    const { batch: rows, deadLetters, accepted } = await table.transform([...inputs.values()], snapshot.metadata?.fields ?? [])
    accepted()
    const found = new Map<number, Verdict>()
    const [offsets, late] = [columnOf(rows, '_offset'), columnOf(rows, '_late')] as [Column, Column]
    for (let row = 0; row < rows.length; row++)
      found.set(valueAt(offsets, row) as number, { ...none, state: valueAt(late, row) === true ? 'late' : 'accepted' })
    for (const { headers = {} } of deadLetters) {
      const text = (name: string) => String(headers[name] ?? '')
      const verdict: Verdict = { state: 'refused', reason: text(letterHeader.reason), message: text(letterHeader.message) }
      found.set(Number(text(letterHeader.offset)), verdict)
    }
    for (const [index, { id }] of batch.entries())
      verdicts.set(id, found.get(FIRST_OFFSET + judged + index) ?? { ...none, state: 'repeat' })
    judged += batch.length
    if (judged < cases.length) onProgress(`${judged} of ${cases.length} letters of ${entity} judged …`)
  }
}

const none = { reason: null, message: null } as const
const noneYet = () => ({ records: [] as KafkaRecord[], nextOffset: 0, undelivered: 0 })

const asDelivered = (
  { key, value }: DeliveredRecord,
  { headers = {}, ...of }: { headers: ReturnType<typeof redrivenRecord>['headers']; offset: number; timestampMs: number },
): KafkaRecord => ({
  ...of,
  isLogAppendTime: true,
  key,
  value,
  headers: Object.entries(headers ?? {}).flatMap(([name, values]) =>
    [values].flat().map((each): [string, Buffer] => [name, Buffer.from(each)]),
  ),
})
