import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { ReadflowError } from '../../runtime/errors.ts'
import { createPausable, type StageMessage } from '../../runtime/pausable.ts'

const open = (paused: ('bronze' | 'silver')[] = []) => {
  const channel = new EventEmitter()
  const told: string[] = []
  const send = ({ stage, state, seq }: StageMessage) => told.push(`${stage} ${state} ${seq}`)
  const { run } = createPausable(paused, Object.assign(channel, { send }))
  const tell = (type: 'pause' | 'resume', stage: string, seq: number) => channel.emit('message', { type, stage, seq })
  return { run, tell, told }
}
const stopped = (signal: AbortSignal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a pause is told when the work has ended, not before; the other stage goes on', async () => {
  const { run, tell, told } = open()
  const { signal, ...controller } = controllerOf()
  const flushed = Promise.withResolvers<void>()
  let runs = 0
  const silver = run('silver', signal, async (until) => {
    runs++
    await stopped(until)
    await flushed.promise
  })
  let isBronzeTold = false
  const bronze = run('bronze', signal, (until) => {
    until.addEventListener('abort', () => {
      isBronzeTold = true
    })
    return stopped(until)
  })
  tell('pause', 'silver', 1)
  await turn()
  assert.deepEqual(told, ['silver running 0', 'bronze running 0'])
  flushed.resolve()
  await turn()
  assert.deepEqual(told.slice(2), ['silver paused 1'])
  assert.equal(isBronzeTold, false)
  tell('resume', 'silver', 2)
  await turn()
  assert.deepEqual(told.slice(3), ['silver running 2'])
  assert.equal(runs, 2)
  controller.abort()
  await Promise.all([silver, bronze])
})

test('each message is answered, however fast they come', async () => {
  const { run, tell, told } = open(['silver'])
  const { signal, abort } = controllerOf()
  const silver = run('silver', signal, stopped)
  tell('resume', 'silver', 1)
  tell('pause', 'silver', 2)
  await turn()
  tell('resume', 'silver', 3)
  await turn()
  tell('pause', 'silver', 4)
  tell('resume', 'silver', 5)
  await turn()
  assert.deepEqual(told, ['silver paused 0', 'silver paused 2', 'silver running 3', 'silver running 5'])
  abort()
  await silver
})

test('work that ends by itself ends the stage, and so does a defect; a fault that a pause cut short does not', async () => {
  const { run, tell, told } = open()
  const { signal, abort } = controllerOf()
  assert.equal(await run('bronze', signal, async () => 'done'), 'done')
  await assert.rejects(
    run('bronze', signal, async () => {
      throw new ReadflowError('kafka-unavailable', 'gone')
    }),
    { code: 'kafka-unavailable' },
  )
  const after = (error: Error) => async (until: AbortSignal) => {
    await stopped(until)
    throw error
  }
  const silver = run('silver', signal, after(new ReadflowError('kafka-unavailable', 'gone')))
  tell('pause', 'silver', 1)
  await turn()
  assert.equal(told.at(-1), 'silver paused 1')
  abort()
  await silver
  const defect = open()
  const ended = defect.run('silver', controllerOf().signal, after(new TypeError('a defect')))
  defect.tell('pause', 'silver', 1)
  await assert.rejects(ended, TypeError)
})

test('a stop ends what is paused', async () => {
  const { run } = open(['silver'])
  const { signal, abort } = controllerOf()
  const silver = run('silver', signal, async () => assert.fail('it is paused'))
  abort()
  assert.equal(await silver, undefined)
})

function controllerOf() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
