import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { type Position, positionId } from '../../lineage/letters/headers.ts'
import { type Letter, letterOf } from '../../lineage/letters/letter.ts'
import { type Attempt, decodeMarker, letterId, type Marker } from '../../lineage/letters/markers.ts'
import { silverRoot } from '../../lineage/letters/read.ts'
import { lookInSilver } from '../../lineage/letters/silver.ts'
import { historyOf, type LetterCase, type LetterState, sentOf } from '../../lineage/letters/states.ts'
import type { BrowsedTopic, KafkaBrowser } from '../../runtime/kafka/second/browser.ts'
import { catalogue, dlqTopic, entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { LETTERS_TOPIC } from '../../schemas/topics.ts'
import { everything } from './dead-letters.ts'
import { type Found, type FoundRecord, type Positions, readBack } from './records.ts'

export interface LettersQuery {
  reason?: string | undefined
  key?: string | undefined
  fromMs?: number | undefined
  toMs?: number | undefined
  state: LetterState | 'all'
  limit: number
  before?: Positions | undefined
}

export interface FoundLetter extends FoundRecord {
  /** Null for what is on the topic and is no letter of Silver's. */
  of: LetterCase | null
}

/** Letters with what became of them. Markers are read once, and then what is new. */
export const openLetterBook = ({ store }: { store: ObjectStore }) => {
  const tables = new Map(entityNames.map((entity) => [entity, openTable(store, silverRoot(entity))]))
  let known: { topicId: string; next: number; markers: Map<string, Marker> } | null = null
  let reading: Promise<unknown> = Promise.resolve()

  const readMarkers = async (browser: KafkaBrowser): Promise<ReadonlyMap<string, Marker>> => {
    const [topic] = await browser.topics([LETTERS_TOPIC])
    const [partition] = topic?.partitions ?? []
    if (!topic || !partition) return new Map()
    if (known?.topicId !== topic.id) known = { topicId: topic.id, next: 0, markers: new Map() }
    const { markers, next } = known
    const from = Math.max(next, partition.logStart)
    for await (const { records, nextOffset } of browser.read({
      topic: topic.name,
      topicId: topic.id,
      partition: 0,
      from,
      to: partition.end,
    })) {
      for (const record of records) {
        const marker = decodeMarker(record)
        if (marker) markers.set(letterId(marker), marker)
      }
      known.next = nextOffset
    }
    return new Map(markers)
  }

  /** One after the other: what one has read the next goes on from. */
  const markersNow = (browser: KafkaBrowser): Promise<ReadonlyMap<string, Marker>> => {
    const read = reading.then(() => readMarkers(browser))
    reading = read.catch(() => undefined)
    return read
  }

  /** Refusals that may tell what became of the last attempts: a letter comes after its record was sent. */
  const refusalsSince = async (browser: KafkaBrowser, topic: BrowsedTopic, entity: EntityName, unsettled: readonly Marker[]) => {
    const refusals = new Map<string, Letter>()
    if (unsettled.length === 0) return refusals
    const sinceMs = unsettled.reduce((least, { attempts }) => Math.min(least, Date.parse(attempts.at(-1)!.at)), Number.POSITIVE_INFINITY)
    // Clocks differ.
    const starts = await browser.offsetsAt(topic, sinceMs - CLOCK_SLACK_MS)
    for (const { partition, end } of topic.partitions) {
      const from = starts.get(partition) ?? end
      for await (const { records } of browser.read({ topic: topic.name, topicId: topic.id, partition, from, to: end }))
        for (const record of records) {
          const letter = letterOf(entity, partition, record)
          if (letter) refusals.set(letterId(letter), letter)
        }
    }
    return refusals
  }

  const page = async (
    browser: KafkaBrowser,
    entity: EntityName,
    query: LettersQuery,
  ): Promise<{ letters: FoundLetter[] } & Pick<Found, 'scanned' | 'next'>> => {
    const markers = [...(await markersNow(browser))].filter(([, marker]) => marker.entity === entity)
    const byId = new Map(markers)
    const sent = sentOf(byId.values())
    const snapshot = await tables.get(entity)!.snapshot()
    const found = await browser.topics([dlqTopic(entity), catalogue[entity].topic])
    const topic = found.find(({ name }) => name === dlqTopic(entity))
    if (!topic) return { letters: [], scanned: 0, next: null }
    const topicId = found.find(({ name }) => name === catalogue[entity].topic)?.id ?? null
    const look = { store, root: silverRoot(entity), snapshot, clusterId: browser.clusterId, topicId }
    // An acceptance on record holds but for what a replay has made of it; of the rest it is known without looking.
    const isReplayed = ({ topicId: of, partition }: Position) =>
      (snapshot.txns.get(`silver/${browser.clusterId}/${of}/${partition}/epoch`) ?? 0) > 0
    const isUnsettled = ({ position, outcome }: Attempt) => outcome === null || (outcome.state === 'accepted' && isReplayed(position))
    const unsettled = [...byId.values()].filter(({ state, attempts }) => state === 'redriven' && attempts.some(isUnsettled))
    const silver = await lookInSilver(
      look,
      unsettled.flatMap(({ attempts }) => attempts.map(({ position }) => position)),
    )
    const refusals = await refusalsSince(browser, topic, entity, unsettled)

    const caseOf = (letter: Letter): LetterCase | null => {
      const of = sent.get(letterId(letter))
      const marker = of?.marker ?? byId.get(letterId(letter)) ?? null
      const origin = marker?.origin ?? letter.origin
      const history = historyOf({ entity, origin, marker }, refusals, silver)
      // Of a letter that was refused several times the last refusal stands for all.
      if ((of?.index ?? -1) !== history.attempts.findLastIndex(({ outcome }) => outcome?.state === 'refused')) return null
      return { id: letterId({ entity, origin }), entity, origin, letter, marker, discarded: marker?.discarded ?? null, ...history }
    }
    const cases = new Map<string, LetterCase>()
    const seen = new Set<string>()
    const isWanted = (record: FoundRecord['record'], partition: number) => {
      const { reason, key, fromMs, toMs, state } = query
      if ((fromMs !== undefined && record.timestampMs < fromMs) || (toMs !== undefined && record.timestampMs >= toMs)) return false
      const letter = letterOf(entity, partition, record)
      if (!letter) return state === 'all' && reason === undefined && key === undefined
      if ((reason !== undefined && letter.reason !== reason) || (key !== undefined && letter.key !== key)) return false
      const of = caseOf(letter)
      if (!of || (state !== 'all' && of.state !== state && !(state === 'accepted' && of.state === 'open'))) return false
      cases.set(`${partition}/${record.offset}`, of)
      return true
    }
    const { limit, before } = query
    const read = await readBack(browser, topic, everything(topic), { limit, isWanted, ...(before ? { before } : {}) })
    // A replay may have accepted the record itself since.
    const shown = read.records.map((each) => ({ ...each, of: cases.get(`${each.partition}/${each.record.offset}`) ?? null }))
    const { accepted } = await lookInSilver(
      look,
      shown.flatMap(({ of }) => (of?.state === 'open' ? [of.origin] : [])),
    )
    const letters = shown.flatMap((each): FoundLetter[] => {
      const { of } = each
      if (!of) return [each]
      const state = of.state === 'open' && accepted.has(positionId(of.origin)) ? 'accepted' : of.state
      if (seen.has(of.id) || (query.state !== 'all' && state !== query.state)) return []
      seen.add(of.id)
      return [{ ...each, of: { ...of, state } }]
    })
    return { letters, scanned: read.scanned, next: read.next }
  }

  /** How many refusals of each entity and rule are behind us: sent again since, or discarded. */
  const handled = async (browser: KafkaBrowser): Promise<ReadonlyMap<string, number>> => {
    const counts = new Map<string, number>()
    const add = (entity: EntityName, reason: string) => counts.set(`${entity} ${reason}`, (counts.get(`${entity} ${reason}`) ?? 0) + 1)
    for (const { entity, attempts, state, discarded } of (await markersNow(browser)).values()) {
      for (const { reason } of attempts) add(entity, reason)
      if (state === 'discarded' && discarded) add(entity, discarded.reason)
    }
    return counts
  }

  return { page, handled }
}

export type LetterBook = ReturnType<typeof openLetterBook>

const CLOCK_SLACK_MS = 60_000
