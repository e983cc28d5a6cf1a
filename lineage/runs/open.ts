import { openTable, type Table } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { errorLine } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import { RUNS_TOPIC, topicSpecs } from '../../schemas/topics.ts'
import { createPublisher } from './publish.ts'
import { RUNS_ROOT } from './read.ts'
import { openRecorder, type RunRecorder } from './recorder.ts'

export interface RunsOptions {
  store: ObjectStore
  /** The program, and others whose runs are published here because they know no Kafka themselves. */
  programs: readonly [string, ...string[]]
  lakeUrl: string
  /** Without brokers runs are rows only. */
  brokers: readonly string[] | undefined
  replicationFactor: number
  /** The table's handle, where the program has one. */
  table?: Table
  log: Log
}

/** The recorder of a program's runs. Kafka is asked only when there is an event to publish, by a client of its own. */
export const openRuns = ({ store, programs, lakeUrl, brokers, replicationFactor, log, ...given }: RunsOptions): Promise<RunRecorder> => {
  const warn = (error: unknown) => log.warn({ error: errorLine(error) }, 'no checkpoint of the runs written; a later one will be')
  const { table = openTable(store, RUNS_ROOT, { warn }) } = given
  const openProducer = async () => {
    // Loaded when it is needed: a compactor without Kafka has no client in memory.
    const [{ openKafka }, kafka] = await Promise.all([import('../../runtime/kafka/client.ts'), import('../../runtime/kafka/producer.ts')])
    // While Kafka is away its client complains of every attempt; the publisher says so once.
    const quiet = log.child({}, { level: 'error' })
    const client = await openKafka({ brokers: brokers ?? [], clientId: `readflow-${programs[0]}-runs`, log: quiet })
    try {
      await client.ensureTopics(topicSpecs({ partitions: 1, replicationFactor }).filter(({ topic }) => topic === RUNS_TOPIC))
      const { send, close } = await kafka.openProducer(client)
      return { send, close: () => close().finally(client.close) }
    } catch (error) {
      await client.close()
      throw error
    }
  }
  const publisher = brokers?.length ? createPublisher({ table, programs, places: { lakeUrl, brokers }, openProducer, log }) : null
  return openRecorder({ table, program: programs[0], publisher, log })
}
