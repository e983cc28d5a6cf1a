import { setTimeout as sleep } from 'node:timers/promises'
import { runSink } from '../../../consumers/sink/sink.ts'
import { openStore } from '../../../lake/store/open.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { openKafka } from '../../../runtime/kafka/client.ts'
import { openProducer } from '../../../runtime/kafka/producer.ts'
import { createLog } from '../../../runtime/log.ts'
import { openRegistry } from '../../../runtime/registry.ts'
import { composeStage } from '../helpers/compose.ts'
import type { SinkJob } from '../helpers/job.ts'
import { runJob } from './job.ts'
import { countedClient, countedProducer, countedStore, createPoints, say } from './points.ts'

const slowReads = (store: ObjectStore, delayMs: number): ObjectStore =>
  delayMs === 0 ? store : { ...store, getRange: (...range) => sleep(delayMs).then(() => store.getRange(...range)) }

/** One consumer process, made of the real parts. */
runJob(async (job: SinkJob) => {
  const controller = new AbortController()
  process.on('SIGTERM', () => controller.abort())
  // Each wait is told: for this log an hour passes between two lines.
  let hours = 0
  const log = createLog('consume', job.logLevel ?? 'warn', { nowMs: () => 3_600_000 * hours++ })
  const points = createPoints(job.crash ?? null)
  const plain = await openKafka({ brokers: job.brokers, clientId: `test-${job.run}`, log })
  const client = countedClient(plain, points, { metadataMaxAgeMs: job.metadataMaxAgeMs })
  const producer = countedProducer(await openProducer(plain), points, job.run)
  const store = slowReads(countedStore(openStore(job.lakeUrl, job.storeLimits), points), job.readDelayMs ?? 0)
  const registry = openRegistry(job.registryUrl)
  const stage = composeStage(job, { registry, store })
  const outcomes = await runSink({ ...job, stage, store, client, producer, log }, controller.signal)
  say({ done: true, points: points.names(), outcomes })
})
