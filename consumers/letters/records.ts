import { headerText, letterHeader, positionId, REDRIVE_OF } from '../../lineage/letters/headers.ts'
import type { LetterReader } from '../../lineage/letters/read.ts'
import { type LetterCase, nextAttempt } from '../../lineage/letters/states.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { partitionOfKey } from '../../runtime/kafka/partition-of-key.ts'
import type { DeliveredRecord } from '../../runtime/kafka/second/reader.ts'
import type { PlacedRecord } from '../../runtime/kafka/transactions.ts'
import { catalogue, dlqTopic } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'

/** What is sent, or judged, at once. */
const BATCH = { letters: 500, bytes: 4 * 1024 * 1024 }
/** Letters no further apart than this are read in one go. */
const NEAR_OFFSETS = 200

/** Cuts letters into pieces that memory, and one transaction, can hold; a larger letter comes alone. */
export const batchesOf = (cases: readonly LetterCase[]): LetterCase[][] => {
  const batches: LetterCase[][] = []
  let bytes = 0
  for (const each of cases) {
    const size = (each.letter.sizeBytes ?? 0) + 500
    const last = batches.at(-1)
    if (last && last.length < BATCH.letters && bytes + size <= BATCH.bytes) {
      last.push(each)
      bytes += size
    } else {
      batches.push([each])
      bytes = size
    }
  }
  return batches
}

/** The records of some letters of one entity, in their order. Rejects with `records-lost` where the topic has one no more. */
export const recordsOf = async (reader: LetterReader, entity: EntityName, cases: readonly LetterCase[]): Promise<DeliveredRecord[]> => {
  const found = new Map<string, DeliveredRecord>()
  const topic = dlqTopic(entity)
  const topicId = (await reader.topic(topic))?.id ?? ''
  const at = ({ letter }: LetterCase) => `${letter.at.partition}/${letter.at.offset}`
  for (const [partition, of] of Map.groupBy(cases, ({ letter }) => letter.at.partition)) {
    const offsets = of.map(({ letter }) => letter.at.offset).sort((a, b) => a - b)
    for (const { from, to } of runsOf(offsets))
      for await (const { records } of reader.read({ topic, topicId, partition, from, to }))
        for (const record of records) found.set(`${partition}/${record.offset}`, record)
  }
  return cases.map((each) => {
    const record = found.get(at(each))
    if (record) return record
    throw new ReadflowError('records-lost', `The letter ${each.id} is on ${topic} no more, and its bytes with it.`, {
      hint: 'Its record may be in Bronze, under the same offset.',
    })
  })
}

const runsOf = (offsets: readonly number[]): { from: number; to: number }[] => {
  const runs: { from: number; to: number }[] = []
  for (const offset of offsets) {
    const last = runs.at(-1)
    if (last && offset - last.to <= NEAR_OFFSETS) last.to = offset + 1
    else runs.push({ from: offset, to: offset + 1 })
  }
  return runs
}

const onLetters: ReadonlySet<string> = new Set(Object.values(letterHeader))

/**
 * What a redrive publishes: the key, bytes and headers that the record had, and beside them which letter it is of, how often it
 * was refused, and when it arrived first, which gives its order where the source tells no time. To its own partition
 * where the topic is the one that it came from, so that it meets the versions that it was among.
 */
export const redrivenRecord = (
  of: LetterCase,
  record: DeliveredRecord,
  { topicId, partitions }: { topicId: string; partitions: number },
): PlacedRecord => {
  const { origin, letter, entity } = of
  const { key, value } = record
  const headers = record.headers.map(([name, bytes]) => [name?.toString('utf8') ?? '', bytes] as const)
  const own = headers.filter(([name]) => !onLetters.has(name) && name !== REDRIVE_OF)
  const arrived = headerText(headers, letterHeader.arrived) ?? String(letter.arrivedMs ?? letter.refusedMs)
  const { topic } = catalogue[entity]
  const isHome = letter.origin.topicId === topicId && letter.origin.partition < partitions
  return {
    topic,
    key,
    value,
    partition: isHome || key === null ? letter.origin.partition % partitions : partitionOfKey(topic, key, partitions),
    headers: {
      ...Object.fromEntries([...Map.groupBy(own, ([name]) => name)].map(([name, of]) => [name, of.map(([, bytes]) => bytes ?? '')])),
      [letterHeader.attempt]: String(nextAttempt(of) - 1),
      [letterHeader.arrived]: arrived,
      [REDRIVE_OF]: positionId(origin),
    },
  }
}
