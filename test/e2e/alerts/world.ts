import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { targetsFile } from '../../../ops/up/targets.ts'
import { openKafka } from '../../../runtime/kafka/client.ts'
import { openProducer } from '../../../runtime/kafka/producer.ts'
import { createLog } from '../../../runtime/log.ts'
import { readRunFile } from '../../../runtime/run-file.ts'
import { childOf, type Finished, type RunningUp, readflow, startUp, tempDir, until } from '../../helpers/up.ts'
import type { Disk } from '../../soak/disk.ts'
import { startGoodreads } from './goodreads.ts'
import { startMonitoring } from './monitoring.ts'

const START_MS = 300_000
/** A machine that does other work too needs its time. */
const LIMIT_MS = 180_000
const STEADY_MS = 4000
const flags = ['--flush-interval', '1s', '--build-interval', '2s', '--poll-interval', '3s', '--optimize-interval', '5s', '--users', '1']

/** A pipeline that is watched by a real Prometheus, and the source that it polls. `disk` is what the data folder is on, where that can be filled. */
export const openWorld = async (t: Pick<TestContext, 'after'>, dataDir: string, disk: Disk | null) => {
  const goodreads = await startGoodreads(t)
  const start = (more: readonly string[] = []) =>
    startUp(t, ['--data', dataDir, '--metrics-port', '0', '--source', `goodreads-api:${goodreads.url}`, ...flags, ...more], START_MS)
  let up: RunningUp = await start()
  const untilGold = () => until('Gold', async () => (await fetch(`${up.url}/v1/books`)).status === 200, START_MS)
  await untilGold()
  const { firing, told, query } = await startMonitoring(t, await tempDir(t), targetsFile(dataDir))
  const isFiring = async (name: string, of = '') =>
    (await firing()).some(({ alertname, ...labels }) => alertname === name && (of === '' || Object.values(labels).includes(of)))
  const upPid = () => readRunFile(dataDir)?.pid ?? 0
  const run = (command: string): Promise<Finished> =>
    readflow(/ --data /.test(command) ? command.split(' ') : [...command.split(' '), '--data', dataDir])
  return {
    dataDir,
    disk,
    lakeDir: path.join(dataDir, 'lake'),
    goodreads: goodreads.behaviour,
    told,
    query,
    isFiring,
    url: () => up.url,
    brokers: () => up.brokers.split(','),
    registry: () => up.registry,
    fires: (name: string, of = '') => until(`${name} ${of} to fire`, () => isFiring(name, of), LIMIT_MS),
    /** Not for a moment only, as where a scrape got no answer. */
    clears: (name: string, of = '', limitMs = LIMIT_MS) => {
      let sinceMs = Date.now()
      const isClear = async () => {
        if (await isFiring(name, of)) sinceMs = Date.now()
        return Date.now() - sinceMs > STEADY_MS
      }
      return until(`${name} ${of} to clear`, isClear, limitMs)
    },
    /** Process id of a program that `up` runs. */
    pidOf: (main: string) => until(main, async () => childOf(upPid(), main), LIMIT_MS),
    /** A command as a runbook has it, of this pipeline. */
    run,
    /** The same, of one that must do what it is told. */
    must: async (command: string): Promise<void> => {
      const { code, stdout, stderr } = await run(command)
      assert.equal(code, 0, `${command}\n${stdout}${stderr}`)
    },
    /** What a program has logged. */
    logOf: (program: string): string => readFileSync(path.join(dataDir, 'logs', `${program}.log`), 'utf8'),
    /** Stops `up` and starts it with these flags too. */
    restart: async (...more: string[]) => {
      await up.stop()
      up = await start(more)
      await untilGold()
    },
    stop: () => up.stop(),
    /** Publishes records to Kafka, past the poller. */
    publish: async (records: { topic: string; key: Buffer; value: Buffer }[]) => {
      const client = await openKafka({ brokers: up.brokers.split(','), clientId: 'test', log: createLog('test', 'error') })
      const producer = await openProducer(client)
      await producer.send(records)
      await producer.close()
      await client.close()
    },
  }
}

export type World = Awaited<ReturnType<typeof openWorld>>

/** A fault, and the alerts that it must set off. */
export interface Fault {
  name: string
  /** Caused by every `npm test`. */
  isAlways?: true
  /** Takes minutes: never a part of `npm test`. */
  isLong?: true
  /** Each with a value that one of its labels must have, where that matters. */
  alerts: readonly (readonly [alert: string, of?: string])[]
  /** Causes it, and returns what mends it as the runbooks of these alerts say; alerts clear after that. */
  cause: (world: World) => Promise<() => Promise<unknown>>
  /** Those that fire once it is mended. */
  afterwards?: Fault['alerts']
  /** What must be so once the alerts have cleared. */
  after?: (world: World) => Promise<unknown>
}
