import assert from 'node:assert/strict'
import { until } from '../../helpers/up.ts'
import type { Fault } from './world.ts'

const yesterday = () => new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)

/** What can be wrong with the source. */
export const sourceFaults: readonly Fault[] = [
  {
    name: 'a backfill that asks for more than the source grants',
    alerts: [['ReadflowSourceRateLimited', 'review.list']],
    cause: async ({ goodreads, run, must }) => {
      Object.assign(goodreads, { listPages: 400, isLimiting: true })
      const backfill = run(`backfill --from ${yesterday()} --to ${yesterday()}`)
      return async () => {
        await must('backfill --cancel')
        await backfill
        // The poll alone asks for little, which such a source grants.
        Object.assign(goodreads, { listPages: 1, isLimiting: false })
      }
    },
  },
  {
    name: 'a source that fails',
    alerts: [['ReadflowPollFailing'], ['ReadflowPollSilent']],
    cause: async ({ goodreads, run }) => {
      goodreads.status = 500
      return async () => {
        goodreads.status = null
        // One that failed so often is left alone for half a minute.
        await until('a poll that is asked for', async () => (await run('retry poll')).code === 0, 120_000)
      }
    },
  },
  {
    name: 'a source that refuses us: the poller ends until a person has done something',
    alerts: [['ReadflowProgramDown', 'poll']],
    cause: async ({ goodreads, run, must }) => {
      goodreads.status = 401
      return async () => {
        const { code, stdout } = await run('status')
        assert.equal(code, 1)
        assert.match(stdout, /refused \(401/)
        goodreads.status = null
        await must('retry')
      }
    },
  },
  {
    name: 'a source that gives a field that it did not give',
    alerts: [['ReadflowSchemaDrift', 'reviews']],
    cause: async ({ goodreads, url }) => {
      goodreads.hasNewField = true
      // It is over when the finding is no news any more.
      return async () => assert.match(await (await fetch(`${url()}/v1/drift?entity=reviews`)).text(), /"mood"/)
    },
  },
]
