import type { Response } from 'express'
import { z } from 'zod'
import { errorLine } from '../../runtime/errors.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import type { EventStreams } from '../http/event-stream.ts'
import { whole } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { type TopicsKafka, topicOf } from './kafka.ts'
import { type Positions, readFrom } from './records.ts'

export const tailQuery = z.strictObject({
  partition: whole(0, 100_000).optional().describe('only this partition'),
  key: z.string().max(1000).optional().describe('only records with this key'),
  last_event_id: z.string().max(2000).optional().describe('the same as the header Last-Event-ID'),
})

const INTERVAL_MS = 500
/** More than this at a time nobody reads: what is beyond is passed over, and told. */
const MAX_AT_ONCE = 100

/** Positions as the id of an event: `0:15,1:7`. */
const idOf = (positions: Positions) =>
  Object.entries(positions)
    .map(([partition, offset]) => `${partition}:${offset}`)
    .join(',')

const positionsOf = (id: string): Positions | null => {
  if (!/^\d{1,6}:\d{1,15}(,\d{1,6}:\d{1,15})*$/.test(id)) return null
  return Object.fromEntries(id.split(',').map((part) => part.split(':').map(Number) as [number, number]))
}

/** Sends records as they come, until the reader goes. A topic that is deleted ends it, Kafka's absence does not. */
export const tailTopic = async (
  { kafka, streams }: { kafka: TopicsKafka; streams: EventStreams },
  name: string,
  { partition, key, last_event_id }: z.output<typeof tailQuery>,
  header: string | undefined,
  response: Response,
): Promise<void> => {
  const given = header ?? last_event_id
  const after = given === undefined || given === '' ? undefined : positionsOf(given)
  if (after === null) throw new Problem(400, 'Last-Event-ID is not an id of an event from here. Leave it out to hear from now on.')
  const first = await kafka.use((browser) => topicOf(browser, name))
  const chosen = first.partitions.filter((each) => partition === undefined || each.partition === partition)
  if (chosen.length === 0) throw new Problem(400, `partition is not one of the ${first.partitions.length} that ${name} has.`)
  // A place beyond the end is one of a topic that was there before: nothing would come until as much has come again.
  const startOf = ({ partition: number, end }: { partition: number; end: number }) => Math.min(after?.[number] ?? end, end)
  let positions: Positions = Object.fromEntries(chosen.map((each) => [each.partition, startOf(each)]))
  const wantedKey = key === undefined ? null : Buffer.from(key)
  const { send, signal } = streams.begin(response)
  let lastFault = ''

  const look = async () => {
    const { found, skipped } = await kafka.use(async (browser) => {
      const topic = await topicOf(browser, name)
      if (topic.id !== first.id) throw new Problem(404, `The topic '${name}' was made anew.`)
      const from: Positions = {}
      let passed = 0
      for (const { partition: number, end } of topic.partitions) {
        if (positions[number] === undefined) continue
        // A filter looks at everything; without one only what a person can read is fetched.
        from[number] = wantedKey ? positions[number] : Math.max(positions[number], end - MAX_AT_ONCE)
        passed += from[number] - positions[number]
      }
      const isWanted = (record: { key: Buffer | null }) => wantedKey === null || (record.key !== null && wantedKey.equals(record.key))
      return { found: await readFrom(browser, topic, from, { limit: MAX_AT_ONCE, isWanted }), skipped: passed }
    })
    const next = { ...positions }
    if (skipped > 0) await send({ type: 'skipped', data: { records: skipped } })
    for (const { partition: number, record } of found.records) {
      next[number] = record.offset + 1
      await send({ id: idOf(next), type: 'record', data: await kafka.decode(number, record) })
    }
    positions = { ...next, ...found.reached }
  }
  while (!signal.aborted) {
    try {
      await look()
      lastFault = ''
    } catch (error) {
      if (error instanceof Problem && error.status === 404) {
        await send({ type: 'gone', data: { detail: error.message } })
        response.end()
        return
      }
      const fault = errorLine(error)
      if (fault !== lastFault) await send({ type: 'waiting', data: { detail: fault } })
      lastFault = fault
    }
    await sleep(INTERVAL_MS, signal).catch(() => undefined)
  }
}
