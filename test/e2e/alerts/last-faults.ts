import assert from 'node:assert/strict'
import { once } from 'node:events'
import { statfsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { until } from '../../helpers/up.ts'
import type { Fault } from './world.ts'

const TOPIC = 'goodreads.ratings'

/** Records that Kafka lost before they were read: what mends it starts `up` anew. */
export const lostFault: Fault = {
  name: 'records that Kafka lost before they were read',
  isLong: true,
  alerts: [['ReadflowPartitionStopped', 'ratings']],
  cause: async ({ run, dataDir, query, restart, must }) => {
    await must('pause silver')
    const waiting = `sum(readflow_consumer_lag_records{group="readflow.silver", topic="${TOPIC}"}) > 100`
    await until('records to wait', async () => (await query(waiting)).length > 0, 120_000)
    const file = path.join(dataDir, 'lost.json')
    // -1: to the end of the partition.
    writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic: TOPIC, partition: 0, offset: -1 }] }))
    await must(`kafka-tool --data ${dataDir} delete-records --offset-json-file ${file}`)
    await must('resume silver')
    return async () => {
      const { code, stdout } = await run('status')
      assert.equal(code, 1)
      assert.match(stdout, /goodreads.ratings\/0.*\n.*--accept-loss/)
      await restart('--accept-loss')
      await until('the gap to be on record', async () => /named gap: .*lost/.test((await run('verify')).stdout), 300_000)
    }
  },
}

const inspect = async (address: string, expression: string): Promise<void> => {
  const socket = new WebSocket(address)
  await once(socket, 'open')
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }))
  await once(socket, 'message')
  socket.close()
}

/** A program that holds on to what it took, which Node's own inspector makes it do. */
export const memoryFault: Fault = {
  name: 'a program whose memory grows',
  isLong: true,
  alerts: [['ReadflowMemoryHigh', 'poll']],
  cause: async ({ pidOf, must }) => {
    process.kill(await pidOf('producers/main.ts'), 'SIGUSR1')
    const targets = () =>
      fetch('http://127.0.0.1:9229/json').then((response) => response.json() as Promise<{ webSocketDebuggerUrl: string }[]>)
    const [target] = await until('the inspector', () => targets().catch(() => null), 30_000)
    await inspect(target!.webSocketDebuggerUrl, 'globalThis.leak = Buffer.alloc(1.3e9, 1)')
    return async () => {
      await must('doctor')
      await must('restart poll')
    }
  },
}

/** A disk that fills, which takes a data folder on a disk of its own. */
export const diskFault: Fault = {
  name: 'a disk that is nearly full',
  isLong: true,
  alerts: [['ReadflowDiskNearlyFull']],
  cause: async ({ dataDir, disk, must }) => {
    const { blocks, bfree, bsize } = statfsSync(dataDir)
    disk?.fill(Math.round(0.08 * (blocks - bfree)) * bsize)
    return async () => {
      await must('vacuum --dry-run')
      await must('vacuum')
      // A larger disk.
      disk?.free()
      await must('doctor')
    }
  },
}
