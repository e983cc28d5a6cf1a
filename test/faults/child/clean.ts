import { runClean } from '../../../consumers/clean/run.ts'
import { openStore } from '../../../lake/store/open.ts'
import { openKafka } from '../../../runtime/kafka/client.ts'
import { openTransactions } from '../../../runtime/kafka/offset-transactions.ts'
import { createLog } from '../../../runtime/log.ts'
import { openRegistry } from '../../../runtime/registry.ts'
import type { EntityName } from '../../../schemas/records.ts'
import { runJob } from './job.ts'
import { type Crash, createPoints, type Points, say } from './points.ts'

export interface CleanJob {
  brokers: string[]
  registryUrl: string
  lakeUrl: string
  entities: EntityName[]
  isOnce: boolean
  sessionTimeoutMs?: number
  crash?: Crash
}

type Client = Awaited<ReturnType<typeof openKafka>>

/** A client whose transactions are points: before each request, and while it is on its way. */
const countedTransactions = (client: Client, points: Points): Client => {
  const step = async <R>(name: string, action: () => Promise<R>): Promise<R> => {
    points.point(name)
    const answer = action()
    answer.catch(() => undefined)
    if (points.isChosen(`${name} › sent`)) await new Promise((resolve) => setTimeout(resolve, 100))
    points.point(`${name} › sent`)
    return answer
  }
  const kafka = new Proxy(client.kafka, {
    get: (target, name) => {
      if (name !== 'producer') return Reflect.get(target, name)
      return (config: Parameters<typeof target.producer>[0]) => {
        const producer = target.producer(config)
        return {
          ...producer,
          transaction: async () => {
            const begun = await step('begin', () => producer.transaction())
            return {
              ...begun,
              sendBatch: (...args: Parameters<typeof begun.sendBatch>) => step('send', () => begun.sendBatch(...args)),
              sendOffsets: (...args: Parameters<typeof begun.sendOffsets>) => step('sendOffsets', () => begun.sendOffsets(...args)),
              commit: () => step('commit', () => begun.commit()),
            }
          },
        }
      }
    },
  })
  return { ...client, kafka }
}

/** One process that publishes the clean topics, made of the real parts. */
runJob(async (job: CleanJob) => {
  const controller = new AbortController()
  process.on('SIGTERM', () => controller.abort())
  const log = createLog('consume', 'info')
  const points = createPoints(job.crash ?? null)
  const client = await openKafka({ brokers: job.brokers, clientId: 'test-clean', log })
  const counted = countedTransactions(client, points)
  const store = openStore(job.lakeUrl)
  const registry = openRegistry(job.registryUrl)
  const transactions = (id: string) => openTransactions(counted, id)
  const counts = await runClean({ ...job, store, client, registry, transactions, replicationFactor: 1, log }, controller.signal)
  say({ done: true, points: points.names(), counts })
})
