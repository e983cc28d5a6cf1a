import { openTable, type Table } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { DeliveredRecord, SecondReader } from '../../runtime/kafka/second/reader.ts'
import { catalogue, dlqTopic } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { LETTERS_TOPIC } from '../../schemas/topics.ts'
import type { Position } from './headers.ts'
import { type Letter, letterOf } from './letter.ts'
import { decodeMarker, letterId, type Marker, type Markers } from './markers.ts'
import { lookInSilver } from './silver.ts'
import { casesOf, type LetterCase, nothingKnown, type SilverFindings, sentOf } from './states.ts'

export type LetterReader = Pick<SecondReader, 'topic' | 'read' | 'clusterId'>

/** All markers, to where a read_committed consumer comes now; none where nothing was ever done. */
export const readMarkers = async (reader: LetterReader, signal?: AbortSignal): Promise<Markers> => {
  const markers = new Map<string, Marker>()
  const state = await reader.topic(LETTERS_TOPIC)
  for (const { partition, logStart, end } of state?.partitions ?? [])
    for await (const { records } of reader.read({ topic: LETTERS_TOPIC, topicId: state?.id ?? '', partition, from: logStart, to: end })) {
      signal?.throwIfAborted()
      for (const record of records) {
        const marker = decodeMarker(record)
        if (marker) markers.set(letterId(marker), marker)
      }
    }
  return markers
}

/** Where each partition of an entity's topic of dead letters ends now: what comes later is after it. */
export const letterEnds = async (reader: LetterReader, entity: EntityName): Promise<ReadonlyMap<number, number>> =>
  new Map(((await reader.topic(dlqTopic(entity)))?.partitions ?? []).map(({ partition, end }) => [partition, end]))

/** Goes over the dead letters of an entity, all or those after some ends, partition by partition, oldest first. */
export async function* readLetters(
  reader: LetterReader,
  entity: EntityName,
  {
    after,
    signal,
    onRead = () => undefined,
  }: { after?: ReadonlyMap<number, number>; signal?: AbortSignal | undefined; onRead?: (count: number) => void } = {},
): AsyncGenerator<{ letter: Letter; record: DeliveredRecord }> {
  const topic = dlqTopic(entity)
  const state = await reader.topic(topic)
  for (const { partition, logStart, end } of state?.partitions ?? []) {
    const from = Math.max(logStart, after?.get(partition) ?? 0)
    for await (const { records } of reader.read({ topic, topicId: state?.id ?? '', partition, from, to: end })) {
      signal?.throwIfAborted()
      for (const record of records) {
        const letter = letterOf(entity, partition, record)
        if (letter) yield { letter, record }
      }
      onRead(records.length)
    }
  }
}

export interface LoadOptions {
  reader: LetterReader
  store: ObjectStore
  entities: readonly EntityName[]
  /** Which letters are meant, whatever became of them; all where it is missing. Of the others Silver is not asked. */
  isWanted?: (of: LetterCase) => boolean
  signal?: AbortSignal
  /** Told of letters read so far. */
  onRead?: (count: number) => void
}

/** The table's root in the lake. */
export const silverRoot = (entity: EntityName) => `silver/${entity}`

/**
 * Every letter of some entities and what became of it, oldest first. Markers come first, then what Silver has, then the letters:
 * what a later one says then covers what the one before it does. Memory is some hundred bytes a letter.
 */
export const loadCases = async ({ reader, store, entities, isWanted, signal, onRead }: LoadOptions): Promise<LetterCase[]> => {
  const markers = await readMarkers(reader, signal)
  const all: LetterCase[] = []
  let read = 0
  for (const entity of entities) {
    const snapshot = await openTable(store, silverRoot(entity)).snapshot()
    const topicId = (await reader.topic(catalogue[entity].topic))?.id ?? null
    const letters: Letter[] = []
    const count = (more: number) => {
      read += more
      onRead?.(read)
    }
    for await (const { letter } of readLetters(reader, entity, { signal, onRead: count })) letters.push(letter)
    const wanted = isWanted ? wantedOf(letters, markers, isWanted) : { letters, markers }
    const positions = positionsOf(entity, wanted.letters, wanted.markers)
    const look = { store, root: silverRoot(entity), snapshot, clusterId: reader.clusterId, topicId, signal }
    all.push(...casesOf(wanted.letters, wanted.markers, await lookInSilver(look, positions)))
  }
  return all.sort((a, b) => arrivalOf(a) - arrivalOf(b) || a.origin.partition - b.origin.partition || a.origin.offset - b.origin.offset)
}

/** The letters of those cases that are wanted, and their markers. */
const wantedOf = (letters: readonly Letter[], markers: Markers, isWanted: (of: LetterCase) => boolean) => {
  const ids = new Set(
    casesOf(letters, markers, nothingKnown)
      .filter(isWanted)
      .map(({ id }) => id),
  )
  const sent = sentOf(markers.values())
  const idOf = (own: string) => {
    const of = sent.get(own)
    return of ? letterId(of.marker) : own
  }
  return {
    letters: letters.filter((letter) => ids.has(idOf(letterId(letter)))),
    markers: new Map([...markers].filter(([id]) => ids.has(id))),
  }
}

/** Where the record of a letter may be a row: where it came from, and everywhere that it was sent to. */
export const positionsOf = (entity: EntityName, letters: readonly Letter[], markers: Markers): Position[] => [
  ...letters.map(({ origin }) => origin),
  ...[...markers.values()].filter((each) => each.entity === entity).flatMap(({ attempts }) => attempts.map(({ position }) => position)),
]

const arrivalOf = ({ letter: { arrivedMs, refusedMs } }: LetterCase) => arrivedMs ?? refusedMs

/** What Silver says now of some records of one entity: for who waits for it to come past them. */
export const findingsOf = async (
  { reader, store }: Pick<LoadOptions, 'reader' | 'store'>,
  { entity, table, topicId }: { entity: EntityName; table: Table; topicId: string | null },
  positions: readonly Position[],
): Promise<SilverFindings> =>
  lookInSilver({ store, root: silverRoot(entity), snapshot: await table.snapshot(), clusterId: reader.clusterId, topicId }, positions)
