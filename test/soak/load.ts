import { compatibilityPartitioner, Producer } from '@platformatic/kafka'
import { randomFrom } from '../../producers/sandbox/random.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import { catalogue, entityNames } from '../../schemas/catalogue.ts'
import { createModel, type SchemaIds, type SoakRecord } from './model.ts'

const BATCH = 20
const PAUSE_MS = 150
const RETRY_MS = 300
/** A producer that failed so often in a row is made anew, as people do. */
const ANEW_AFTER = 3

export interface Load {
  /** Everything that the broker has acknowledged, in the order of its sending. */
  acknowledged: readonly SoakRecord[]
  /** Sends of which nobody knows whether the broker has them: each batch is sent again until one is acknowledged. */
  counts: { failedSends: number }
  /** Ends it once the batch on its way is acknowledged. */
  stop: () => Promise<void>
}

/** Registers the schemas as any producer does: by HTTP. */
export const registerSchemas = async (registryUrl: string): Promise<SchemaIds> => {
  const id = async (subject: string, schema: object) => {
    const response = await fetch(`${registryUrl}/subjects/${subject}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema) }),
    })
    const answer = (await response.json()) as { id?: number }
    if (answer.id === undefined) throw new Error(`the registry does not take ${subject}: ${JSON.stringify(answer)}`)
    return answer.id
  }
  const ids = Object.fromEntries(
    await Promise.all(entityNames.map(async (name) => [name, await id(catalogue[name].subject, catalogue[name].schema)])),
  )
  return ids as SchemaIds
}

/** Publishes the model's records to Kafka, a batch after the other, each until it is acknowledged. */
export const startLoad = ({ brokers, schemaIds, seed }: { brokers: string[]; schemaIds: SchemaIds; seed: number }): Load => {
  const model = createModel(schemaIds, randomFrom(seed + 1))
  const acknowledged: SoakRecord[] = []
  const counts = { failedSends: 0 }
  const open = () =>
    new Producer({
      ...{ clientId: 'soak-load', bootstrapBrokers: brokers, autocreateTopics: false, partitioner: compatibilityPartitioner },
      // A retry is ours to make, so that copies come up: nothing here is idempotent.
      ...{ retries: 0, connectTimeout: 3000, requestTimeout: 5000, acks: -1 },
    })
  let isStopped = false
  let producer = open()
  const send = async (batch: readonly SoakRecord[]) => {
    for (let failures = 0; ; ) {
      try {
        await producer.send({
          messages: batch.map(({ id, entity, key, value }) => ({
            topic: catalogue[entity].topic,
            key: key === null ? undefined : Buffer.from(key),
            value: value ?? (null as unknown as undefined),
            headers: new Map([[Buffer.from('soak.id'), Buffer.from(id)]]),
          })),
        })
        acknowledged.push(...batch)
        return
      } catch {
        counts.failedSends++
        if (++failures % ANEW_AFTER === 0) {
          await producer.close(true).catch(() => undefined)
          producer = open()
        }
        await sleep(RETRY_MS)
      }
    }
  }
  const run = async () => {
    while (!isStopped) {
      await send(Array.from({ length: BATCH }, model.next))
      await sleep(PAUSE_MS)
    }
    await producer.close(true).catch(() => undefined)
  }
  const finished = run()
  return {
    acknowledged,
    counts,
    stop: () => {
      isStopped = true
      return finished
    },
  }
}
