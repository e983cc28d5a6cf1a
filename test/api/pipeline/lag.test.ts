import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import pino from 'pino'
import { groups, type LagClient, type LagOptions, watchLag } from '../../../api/pipeline/lag.ts'
import { ReadflowError } from '../../../runtime/errors.ts'

const log = pino({ level: 'silent' })
const lagOf = (topic: string) => ({ topic, partition: 0, committedOffset: 3, endOffset: 10, lag: 7 })
const kafka: LagClient = { groupLag: async (_group: string, topics: readonly string[]) => topics.map(lagOf), close: async () => undefined }

const watch = (t: TestContext, options: Pick<LagOptions, 'brokers' | 'openKafka'>) => {
  const lag = watchLag({ log, ...options })
  lag.follow(1)
  t.after(lag.close)
  return {
    report: lag.report,
    until: async (state: string, detail: RegExp | null = null) => {
      for (;;) {
        const report = lag.report()
        if (report.state === state && (detail === null ? report.detail === null : detail.test(report.detail ?? ''))) return report
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    },
  }
}

describe('the lag', () => {
  it('is not asked for while no broker is known', async (t) => {
    const lag = watch(t, { brokers: () => null, openKafka: async () => assert.fail('asked') })
    assert.deepEqual(lag.report(), { state: 'not-configured', detail: null, partitions: [] })
  })

  it('covers each group over the topics that it reads', async (t) => {
    const lag = watch(t, { brokers: () => ['b:1'], openKafka: async () => kafka })
    const { partitions } = await lag.until('connected')
    for (const [group, topics] of Object.entries(groups)) {
      assert.deepEqual(
        partitions.filter((entry) => entry.group === group).map(({ topic }) => topic),
        topics,
      )
    }
    assert.equal(groups['readflow.bronze']?.includes('goodreads.raw'), true)
    assert.equal(groups['readflow.silver']?.includes('goodreads.raw'), false)
  })

  it('says that Kafka does not answer, and finds it when it comes up', async (t) => {
    let isUp = false
    const lag = watch(t, {
      brokers: () => ['b:1'],
      openKafka: async () => {
        if (!isUp) throw new ReadflowError('kafka-unavailable', 'No Kafka broker answers at b:1.')
        return kafka
      },
    })
    await lag.until('unavailable', /b:1/)
    isUp = true
    await lag.until('connected')
  })

  it('opens a new connection after a question that failed, and closes the old one', async (t) => {
    let opened = 0
    let closed = 0
    const lag = watch(t, {
      brokers: () => ['b:1'],
      openKafka: async () => {
        const number = ++opened
        return {
          groupLag: async (group, topics) => {
            if (number === 1) throw new Error('This server does not host this topic-partition')
            return kafka.groupLag(group, topics)
          },
          close: async () => void closed++,
        }
      },
    })
    await lag.until('connected')
    assert.deepEqual({ opened, closed }, { opened: 2, closed: 1 })
  })

  it('lets a stop wait for no connection in the making, and closes it when it is made', async () => {
    const opening = Promise.withResolvers<LagClient>()
    const closed = Promise.withResolvers<void>()
    const lag = watchLag({ log, brokers: () => ['b:1'], openKafka: () => opening.promise })
    lag.follow(1)
    await lag.close()
    opening.resolve({ ...kafka, close: async () => closed.resolve() })
    await closed.promise
  })
})
