import { setTimeout as pause } from 'node:timers/promises'
import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { positionId } from '../../lineage/letters/headers.ts'
import { type Attempt, type Discard, encodeMarker } from '../../lineage/letters/markers.ts'
import { findingsOf, type LetterReader, letterEnds, loadCases, readLetters, silverRoot } from '../../lineage/letters/read.ts'
import { casesOf, isUnsettled, type LetterCase, nextAttempt } from '../../lineage/letters/states.ts'
import { type ErrorCode, errorLine, ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { openTransactions, type PlacedRecord, type Transactions } from '../../runtime/kafka/transactions.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { LETTERS_TOPIC, lettersTopicSpec } from '../../schemas/topics.ts'
import { batchesOf, recordsOf, redrivenRecord } from './records.ts'
import { type Skip, skipOf } from './select.ts'

/** One for all: whoever begins takes it over, so that two never decide about the same letters at once. */
const TRANSACTIONAL_ID = 'readflow.dead-letters'
/** Readers of the topics wait for a transaction that nobody ends for this long. */
const TRANSACTION_TIMEOUT_MS = 30_000
const MAX_TAKEOVERS = 6
/** A broker that failed in the middle is asked again: what has come of it is on record, and nothing is sent twice. */
const MAX_OUTAGES = 3
const TAKEOVER_WAIT_MS = 500
const LOOK_INTERVAL_MS = 500
const SILVER_GROUP = 'readflow.silver'

export interface ActOptions {
  client: KafkaClient
  reader: LetterReader
  store: ObjectStore
  replicationFactor: number
  /** Of which entities letters are wanted. */
  entities: readonly EntityName[]
  isWanted: (letter: LetterCase) => boolean
  /** Who asks. */
  by: string
  nowMs: () => number
  signal: AbortSignal
  onProgress: (line: string) => void
}

export interface Acted {
  /** Letters that something was done to, by name, as they are then. */
  done: Map<string, LetterCase>
  /** Why nothing was done to others that were meant. */
  skipped: Map<Skip, LetterCase[]>
}

/**
 * Sends letters again, and keeps that on record in the same transactions, a few hundred letters each; then waits for Silver to come
 * to them, at most `waitMs`, and puts the outcomes on record. Who comes while another is at it takes over between two
 * transactions, and finds on record what is done: so a letter is sent once, however often and by however many it is asked, and
 * whatever is killed.
 */
export const redrive = (options: ActOptions & { isDiscardedWanted: boolean; waitMs: number }): Promise<Acted> =>
  takingOver(options, async (transactions, wanted, acted) => {
    const chosen = sortOut(wanted, acted, (each) => skipOf(each, catalogue[each.entity].topic, options.isDiscardedWanted))
    const ends = new Map<EntityName, ReadonlyMap<number, number>>()
    for (const [entity, cases] of Map.groupBy(chosen, (each) => each.entity)) {
      ends.set(entity, await letterEnds(options.reader, entity))
      for (const batch of batchesOf(cases)) {
        options.signal.throwIfAborted()
        for (const sent of await sendBatch(options, transactions, entity, batch)) acted.done.set(sent.id, sent)
        if (acted.done.size < chosen.length) options.onProgress(`${acted.done.size} of ${chosen.length} letters sent again …`)
      }
    }
    const known = await awaitOutcomes(options, [...acted.done.values()], ends)
    for (const each of known) acted.done.set(each.id, each)
    // Who has taken over meanwhile finds the outcomes as well.
    await settle(transactions, known.filter(isUnsettled)).catch((error: unknown) => {
      if (!isOf(error, 'kafka-fenced')) throw error
    })
  })

const sendBatch = async (
  { client, reader, by, nowMs }: ActOptions,
  transactions: Transactions,
  entity: EntityName,
  batch: readonly LetterCase[],
): Promise<LetterCase[]> => {
  const { topic } = catalogue[entity]
  const now = (await client.topicStates([topic])).get(topic)
  if (!now) throw new ReadflowError('kafka-invalid', `There is no topic ${topic}.`)
  const target = { topicId: now.id, partitions: now.partitions }
  const records = await recordsOf(reader, entity, batch)
  return transactions.run(async (send) => {
    const written = await send(batch.map((each, index) => redrivenRecord(each, records[index]!, target)))
    const at = new Date(nowMs()).toISOString()
    const after = batch.map((each, index) => {
      const { partition, offset } = written[index]!
      const position = { topicId: now.id, partition, offset }
      return withAttempt(each, { attempt: nextAttempt(each), at, by, reason: each.letter.reason, position, outcome: null })
    })
    await send(after.map(markerRecord))
    return after
  })
}

/** Takes letters off the list, on record. */
export const discard = (options: ActOptions & { why: string }): Promise<Acted> =>
  takingOver(options, async (transactions, wanted, acted) => {
    const { by, why, nowMs, signal } = options
    const chosen = sortOut(wanted, acted, ({ state }) => (state === 'open' ? null : state))
    for (const batch of batchesOf(chosen)) {
      signal.throwIfAborted()
      const after = batch.map((each) => withDiscard(each, { at: new Date(nowMs()).toISOString(), by, why, reason: each.letter.reason }))
      await transactions.run((send) => send(after.map(markerRecord)))
      for (const each of after) acted.done.set(each.id, each)
    }
  })

/** Those that something is to be done to; of the others it is noted why not. */
const sortOut = (wanted: readonly LetterCase[], acted: Acted, skipOf: (each: LetterCase) => Skip | null): LetterCase[] => {
  acted.skipped.clear()
  return wanted.filter((each) => {
    const skip = skipOf(each)
    if (skip && !acted.done.has(each.id)) acted.skipped.set(skip, [...(acted.skipped.get(skip) ?? []), each])
    return skip === null
  })
}

type Work = (transactions: Transactions, wanted: LetterCase[], acted: Acted) => Promise<void>

/** Reads what there is as the one who may act, and acts; who is taken over or cut off meanwhile waits a little and looks again. */
const takingOver = async (options: ActOptions, work: Work): Promise<Acted> => {
  const { client, reader, store, entities, signal, onProgress } = options
  await client.ensureTopics([lettersTopicSpec(options.replicationFactor)])
  const acted: Acted = { done: new Map(), skipped: new Map() }
  for (let attempt = 1; ; attempt++) {
    const transactions = await openTransactions(client, { transactionalId: TRANSACTIONAL_ID, timeoutMs: TRANSACTION_TIMEOUT_MS })
    try {
      const cases = await loadCases({ reader, store, entities, signal, onRead: progressOf(onProgress) })
      await settle(transactions, cases.filter(isUnsettled))
      await work(transactions, cases.filter(options.isWanted), acted)
      return acted
    } catch (error) {
      const isTakenOver = isOf(error, 'kafka-fenced')
      if (!isTakenOver && !(isOf(error, 'kafka-unavailable') && attempt < MAX_OUTAGES)) throw error
      if (attempt === MAX_TAKEOVERS)
        throw new ReadflowError('kafka-fenced', 'Others redrive or discard at the same time, again and again. What is on record is done.', {
          cause: error,
          hint: 'Ask again in a minute; no letter is sent twice.',
        })
      onProgress(isTakenOver ? 'another redrive has taken over; looking again …' : `${errorLine(error)} Looking again …`)
      await pause(TAKEOVER_WAIT_MS * attempt * (1 + Math.random()), undefined, { signal })
    } finally {
      await transactions.close().catch(() => undefined)
    }
  }
}

const isOf = (error: unknown, code: ErrorCode) => error instanceof ReadflowError && error.code === code

const READ_PROGRESS = 20_000
/** Tells of letters read, now and then. */
export const progressOf = (onProgress: (line: string) => void) => {
  let told = 0
  return (count: number) => {
    if (count - told < READ_PROGRESS) return
    told = count
    onProgress(`${count} letters read …`)
  }
}

/** Puts outcomes that were found on record, as the topic of dead letters may be cut one day. */
const settle = async (transactions: Transactions, cases: readonly LetterCase[]) => {
  for (const batch of batchesOf(cases)) await transactions.run((send) => send(batch.map(markerRecord)))
}

const markerRecord = ({ entity, origin, attempts, discarded, marker }: LetterCase): PlacedRecord => {
  const { key, value } = encodeMarker({ entity, origin, attempts, discarded, state: marker?.state ?? 'redriven' })
  return { topic: LETTERS_TOPIC, key, value, partition: 0 }
}

const withAttempt = (of: LetterCase, attempt: Attempt): LetterCase => {
  const { entity, origin, discarded } = of
  const attempts = [...of.attempts, attempt]
  return { ...of, attempts, state: 'pending', marker: { entity, origin, attempts, discarded, state: 'redriven' } }
}

const withDiscard = (of: LetterCase, discarded: Discard): LetterCase => {
  const { entity, origin, attempts } = of
  return { ...of, discarded, state: 'discarded', marker: { entity, origin, attempts, discarded, state: 'discarded' } }
}

/** Waits until Silver has come past what was sent. Gives the letters with their outcomes, those that are not known yet without. */
const awaitOutcomes = async (
  { client, reader, store, nowMs, signal, onProgress, waitMs }: ActOptions & { waitMs: number },
  sent: readonly LetterCase[],
  ends: ReadonlyMap<EntityName, ReadonlyMap<number, number>>,
): Promise<LetterCase[]> => {
  if (sent.length === 0) return []
  const isRunning = waitMs > 0 && (await client.groupMembers(SILVER_GROUP)) > 0
  const untilMs = nowMs() + (isRunning ? waitMs : 0)
  if (isRunning) onProgress(`${sent.length} letters sent again; waiting for Silver to come to them …`)
  const known: LetterCase[] = []
  for (const [entity, cases] of Map.groupBy(sent, (each) => each.entity)) {
    const table = openTable(store, silverRoot(entity))
    const topicId = (await reader.topic(catalogue[entity].topic))?.id ?? null
    const positions = cases.map(({ attempts }) => attempts.at(-1)!.position)
    const look = () => findingsOf({ reader, store }, { entity, table, topicId }, positions)
    let silver = await look()
    while (!positions.every(silver.hasPassed) && nowMs() < untilMs) {
      await pause(LOOK_INTERVAL_MS, undefined, { signal })
      silver = await look()
    }
    const wanted = new Set(positions.map(positionId))
    const letters = cases.map(({ letter }) => letter)
    const after = ends.get(entity)
    for await (const { letter } of readLetters(reader, entity, after ? { after, signal } : { signal }))
      if (wanted.has(positionId(letter.origin))) letters.push(letter)
    known.push(...casesOf(letters, new Map(cases.map(({ id, marker }) => [id, marker!])), silver))
  }
  return known
}
