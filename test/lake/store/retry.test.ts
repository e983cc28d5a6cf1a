import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openStore } from '../../../lake/store/open.ts'
import { withDeadline, withRetries } from '../../../lake/store/retry.ts'

const isTransient = () => true
const late = () => new Error('late')

it('tries again until it goes, or for as long as its patience lasts', async () => {
  let attempts = 0
  const third = async () => (++attempts === 3 ? 'done' : Promise.reject(new Error('busy')))
  assert.equal(await withRetries(third, { isTransient, patienceMs: 60_000 }), 'done')
  await assert.rejects(
    withRetries(() => Promise.reject(new Error('busy')), { isTransient, patienceMs: 0 }),
    /busy/,
  )
})

it('tries nothing again once it is told to stop', async () => {
  const controller = new AbortController()
  let attempts = 0
  const failing = async () => {
    if (++attempts === 2) controller.abort()
    throw new Error('busy')
  }
  await assert.rejects(withRetries(failing, { isTransient, patienceMs: 60_000, signal: controller.signal }), /busy/)
  assert.equal(attempts, 2)
})

it('waits for what is under way a little longer, and for nothing new', async () => {
  const controller = new AbortController()
  const inTime = withDeadline({ signal: controller.signal, graceMs: 20, late })
  const hanging = inTime(() => new Promise(() => undefined))
  assert.equal(await inTime(async () => 'before'), 'before')
  controller.abort()
  assert.equal(await inTime(async () => 'in the last moment'), 'in the last moment')
  await assert.rejects(hanging, /late/)
  await assert.rejects(
    inTime(async () => 'after'),
    /late/,
  )
})

it('a lake that is away does not keep a program from stopping', { timeout: 20_000 }, async () => {
  const controller = new AbortController()
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-secret' })
  // Nobody listens at port 1.
  const store = openStore('s3://bucket/lake?endpoint=http://127.0.0.1:1', { patienceMs: 600_000, signal: controller.signal })
  const reading = store.get('a')
  setTimeout(() => controller.abort(), 200)
  await assert.rejects(reading, { code: 'lake-unavailable' })
  await store.close()
})
