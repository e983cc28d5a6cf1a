import { replayFile } from '../../lake/replays.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { letterHeader } from '../../lineage/letters/headers.ts'
import type { OutgoingRecord } from '../../runtime/kafka/producer.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { Outcomes } from '../stage.ts'
import type { LetterChanges, PartitionWork, Work } from './work.ts'

/** The class of each dead letter of a partition whose record is none of the table's rows, by offset. */
export type KnownLetters = ReadonlyMap<number, string>

const SAMPLES = 5

const headerOf = ({ headers }: OutgoingRecord, name: string): string => String(headers?.[name] ?? '')
const count = (of: Outcomes, name: string) => {
  of[name] = (of[name] ?? 0) + 1
}

/**
 * Compares the dead letters of some derived records of a partition with those that are known; counts in `changes` and, of a range
 * that ends before progress, in the work's `deadBefore`. Gives those letters that are to be sent: who has one of its class keeps it.
 */
export const compareLetters = (
  work: PartitionWork,
  { records, letters, known }: { records: readonly KafkaRecord[]; letters: readonly OutgoingRecord[]; known: KnownLetters },
  changes: LetterChanges,
): OutgoingRecord[] => {
  const derived = new Map(letters.map((letter) => [Number(headerOf(letter, letterHeader.offset)), letter]))
  const sample = (sign: '+' | '-', { offset, key }: KafkaRecord, errorClass: string) => {
    if (changes.samples.filter((each) => each.sign === sign).length >= SAMPLES) return
    changes.samples.push({ sign, partition: work.partition, offset, key: key?.toString('utf8') ?? null, errorClass })
  }
  const wanted: OutgoingRecord[] = []
  for (const record of records) {
    const letter = derived.get(record.offset)
    const before = known.get(record.offset)
    const now = letter && headerOf(letter, letterHeader.reason)
    // The live consumer has judged it since this began: it has its letter, which may not be known here.
    const isSince = before === undefined && record.offset >= work.beganAt
    if (before !== undefined) count(work.deadBefore, before)
    else if (isSince && now !== undefined) count(work.deadBefore, now)
    if (letter && now !== undefined && now !== before) {
      wanted.push(letter)
      if (!isSince) {
        count(changes.come, now)
        sample('+', record, now)
      }
    }
    if (before !== undefined && now !== before) {
      count(work.gone, before)
      sample('-', record, before)
    }
  }
  return wanted
}

/**
 * A letter may be left of a record that an earlier replay found to be a repeat: nobody takes it back. Where the topic has more
 * letters than the table counts, those that go now were gone already.
 */
export const discountStale = (
  work: Work,
  letters: ReadonlyMap<number, KnownLetters>,
  /** How many dead letters of a class the table counts of a partition. */
  countedOf: (partition: number, errorClass: string) => number,
) => {
  const go: Outcomes = {}
  for (const of of work.partitions) {
    for (const [errorClass, gone] of Object.entries(of.gone)) {
      const inTopic = [...(letters.get(of.partition)?.values() ?? [])].filter((each) => each === errorClass).length
      const counted = countedOf(of.partition, errorClass)
      const stale = Math.min(gone, Math.max(0, inTopic - counted))
      of.stale[errorClass] = stale
      if (gone > stale) go[errorClass] = (go[errorClass] ?? 0) + gone - stale
    }
  }
  work.letters.go = go
}

const base64 = (bytes: Buffer | string | null) => (bytes === null ? null : Buffer.from(bytes).toString('base64'))

/** Keeps dead letters until the swap; gives the name of the file. */
export const keepLetters = async (store: ObjectStore, id: string, number: number, letters: readonly OutgoingRecord[]): Promise<string> => {
  const path = replayFile(id, `letters-${number}.json`)
  const lines = letters.map(({ topic, key, value, headers = {} }) =>
    JSON.stringify({
      topic,
      key: base64(key),
      value: base64(value),
      headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, [header].flat().map(base64)])),
    }),
  )
  await store.put(path, new TextEncoder().encode(`${lines.join('\n')}\n`))
  return path
}

/** The dead letters of a file as they were kept. */
export const readLetters = async (store: ObjectStore, path: string): Promise<OutgoingRecord[]> => {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'))
  return new TextDecoder()
    .decode(await store.get(path))
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { topic, key, value, headers } = JSON.parse(line) as {
        topic: string
        key: string | null
        value: string | null
        headers: Record<string, string[]>
      }
      return {
        topic,
        key: bytes(key),
        value: bytes(value),
        headers: Object.fromEntries(Object.entries(headers).map(([name, of]) => [name, of.map((header) => Buffer.from(header, 'base64'))])),
      }
    })
}
