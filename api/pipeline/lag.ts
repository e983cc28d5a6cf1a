import { errorLine } from '../../runtime/errors.ts'
import type { KafkaClient, PartitionLag } from '../../runtime/kafka/client.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import { catalogue, entityNames, topicNames } from '../../schemas/catalogue.ts'
import { createLagAges } from './lag-age.ts'

export interface GroupLag extends PartitionLag {
  group: string
  /** How long the oldest record that is not committed has waited; absent where nobody measured it. */
  waitingMs?: number
}

export interface LagReport {
  /** `not-configured`: no brokers are known, which is fine for an API that only reads Gold. */
  state: 'not-configured' | 'connecting' | 'connected' | 'unavailable'
  /** Why there is no lag to tell; null where there is. */
  detail: string | null
  partitions: GroupLag[]
}

/** The consumer groups, and the topics that each one reads. */
export const groups: Readonly<Record<string, readonly string[]>> = {
  'readflow.bronze': topicNames.map((name) => catalogue[name].topic),
  'readflow.silver': entityNames.map((name) => catalogue[name].topic),
  // Silver's own lag is in it: it publishes what Silver has.
  'readflow.clean': entityNames.map((name) => catalogue[name].topic),
}

/** What is needed of a Kafka client. */
export interface LagClient extends Pick<KafkaClient, 'groupLag'> {
  close: () => Promise<void>
}

export interface LagOptions {
  /** Brokers to ask; null while they are not known. */
  brokers: () => readonly string[] | null
  openKafka: (brokers: readonly string[]) => Promise<LagClient>
  log: Log
}

/** Knows every group's lag once it follows: asks in the background, however long Kafka takes to come up or come back. */
export const watchLag = ({ brokers, openKafka, log }: LagOptions) => {
  const controller = new AbortController()
  let report: LagReport = { state: 'not-configured', detail: null, partitions: [] }
  let kafka: LagClient | null = null
  const ages = createLagAges()

  const ask = async (addresses: readonly string[]) => {
    try {
      kafka ??= await unlessClosed(openKafka(addresses))
    } catch (error) {
      if (controller.signal.aborted) return
      if (report.state !== 'unavailable') log.info({ error: errorLine(error) }, 'kafka does not answer yet')
      report = { state: 'unavailable', detail: errorLine(error), partitions: report.partitions }
      return
    }
    try {
      const lags = await Promise.all(
        Object.entries(groups).map(async ([group, topics]) => (await kafka!.groupLag(group, topics)).map((lag) => ({ group, ...lag }))),
      )
      const partitions = lags.flat()
      const waiting = ages.waiting(partitions, Date.now())
      report = {
        state: 'connected',
        detail: null,
        partitions: partitions.map((each, index) => ({ ...each, waitingMs: waiting[index] ?? 0 })),
      }
    } catch (error) {
      // It answered, yet not this: topics that are not created yet, or a broker that has just gone.
      report = { state: 'connected', detail: errorLine(error), partitions: [] }
      await disconnect()
    }
  }

  // To open takes its time where nobody answers, and a stop does not wait for it.
  const unlessClosed = (opening: Promise<LagClient>): Promise<LagClient> =>
    new Promise((resolve, reject) => {
      const { signal } = controller
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      opening.then((client) => (signal.aborted ? client.close() : resolve(client))).catch(reject)
    })

  const disconnect = async () => {
    const client = kafka
    kafka = null
    await client?.close().catch((error: unknown) => log.debug({ error: errorLine(error) }, 'kafka connection did not close cleanly'))
  }

  const followUntilClosed = async (intervalMs: number) => {
    while (!controller.signal.aborted) {
      const addresses = brokers()
      if (addresses && addresses.length > 0) {
        if (report.state === 'not-configured') report = { ...report, state: 'connecting' }
        await ask(addresses)
      }
      await sleep(intervalMs, controller.signal).catch(() => undefined)
    }
    await disconnect()
  }
  let following: Promise<void> | undefined

  return {
    report: (): LagReport => report,
    /** Asks from now on, every `intervalMs`, until it is closed. */
    follow: (intervalMs: number) => {
      following ??= followUntilClosed(intervalMs)
    },
    close: async () => {
      controller.abort()
      await following
    },
  }
}
