// The memory of `readflow consume` on a backlog: produces it, drains it into a new lake, and prints what it took.
//   node bench/consume-memory.ts                                  10 M ratings of 500,000 keys
//   node bench/consume-memory.ts --records 200000 --keys 20000    a quick look
//   node bench/consume-memory.ts --records 300 --value-bytes 1000000
//   node bench/consume-memory.ts --partitions 48
//   … --brokers HOST:PORT --registry URL [--as-it-is]             on a broker that runs, [with the backlog that it has]
// The last line is JSON: peak resident memory, rate, and what the dedupe state has to do with it.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compileAvro, frameAvro } from '../runtime/avro.ts'
import { openKafka } from '../runtime/kafka/client.ts'
import { openProducer } from '../runtime/kafka/producer.ts'
import { createLog } from '../runtime/log.ts'
import { openRegistry } from '../runtime/registry.ts'
import { catalogue } from '../schemas/catalogue.ts'
import { topicSpecs } from '../schemas/topics.ts'
import { startTestStack } from '../test/helpers/stack.ts'

const launcher = fileURLToPath(new URL('../bin/readflow.mjs', import.meta.url))
const SAMPLE_MS = 200
const MIB = 1024 * 1024
const FIRST_MS = Date.UTC(2020, 0, 1)

const { values: flags } = parseArgs({
  options: {
    records: { type: 'string', default: '10000000' },
    keys: { type: 'string', default: '500000' },
    'value-bytes': { type: 'string', default: '0' },
    partitions: { type: 'string', default: '3' },
    runs: { type: 'string', default: '1' },
    stages: { type: 'string', default: 'bronze,silver' },
    brokers: { type: 'string' },
    registry: { type: 'string' },
    'as-it-is': { type: 'boolean', default: false },
  },
})
const records = Number(flags.records)
const keys = Math.min(records, Number(flags.keys))
const valueBytes = Number(flags['value-bytes'])
const partitions = Number(flags.partitions)

/** Ratings; or reviews whose text makes them so large. A key's later records repeat its first. */
const recordMaker = () => {
  if (valueBytes === 0) {
    return {
      entity: 'ratings' as const,
      make: (n: number) => ({
        user_id: `user-${n}`,
        book_id: String(n % 10_000),
        rating: 1 + (n % 5),
        rated_at: FIRST_MS + n,
        review_id: null,
        extra: {},
      }),
    }
  }
  const empty = Object.fromEntries(catalogue.reviews.schema.fields.map((field) => [field.name, field.default ?? null]))
  const texts = Array.from({ length: 8 }, () => randomBytes(valueBytes).toString('base64').slice(0, valueBytes))
  return {
    entity: 'reviews' as const,
    make: (n: number) => ({
      ...empty,
      review_id: String(n),
      book_id: '1',
      rating: 3,
      body: texts[n % texts.length] ?? '',
      date_updated: FIRST_MS + n,
    }),
  }
}

const produce = async (brokers: string[], registryUrl: string) => {
  const client = await openKafka({ brokers, clientId: 'bench', log: createLog('bench', 'error') })
  await client.ensureTopics(topicSpecs({ partitions, replicationFactor: 1 }))
  const { entity, make } = recordMaker()
  const { topic, subject, schema, keyOf } = catalogue[entity]
  const id = await openRegistry(registryUrl).register(subject, schema)
  const codec = compileAvro(schema)
  const producer = await openProducer(client)
  const CHUNK = valueBytes === 0 ? 5000 : 10
  for (let from = 0; from < records; from += CHUNK) {
    const values = Array.from({ length: Math.min(CHUNK, records - from) }, (_, index) => make((from + index) % keys))
    await producer.send(values.map((value) => ({ topic, key: keyOf(value as never), value: frameAvro(id, codec.encode(value)) })))
  }
  await producer.close()
  await client.close()
}

const statusOf = (pid: number) => {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  // utime and stime, behind the name in brackets, in ticks of 10 ms.
  const ticks = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13) ?? []
  const cpuSeconds = ticks.reduce((sum, each) => sum + Number(each), 0) / 100
  return { cpuSeconds, rss: kib('VmRSS') / 1024, peak: kib('VmHWM') / 1024, parent: Number(/^PPid:\s+(\d+)/m.exec(text)?.[1]) }
}
/** The program that the launcher started. */
const programOf = (launcherPid: number): number | undefined =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        return statusOf(pid).parent === launcherPid
      } catch {
        return false // ended meanwhile
      }
    })

const consume = async (brokers: string[], registryUrl: string) => {
  const lake = await mkdtemp(path.join(tmpdir(), 'readflow-bench-'))
  const args = ['consume', '--once', '--brokers', brokers.join(','), '--registry', registryUrl, '--lake', `file:${lake}`]
  const child = spawn(process.execPath, [launcher, ...args, '--stages', flags.stages, '--log-level', 'warn'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.on('data', (text) => {
    stdout += text
  })
  const startedMs = Date.now()
  const rss: number[] = []
  let peak = 0
  let cpuSeconds = 0
  let pid: number | undefined
  const timer = setInterval(() => {
    try {
      pid ??= programOf(child.pid ?? 0)
      if (!pid) return
      const status = statusOf(pid)
      rss.push(status.rss)
      peak = Math.max(peak, status.peak)
      cpuSeconds = status.cpuSeconds
    } catch {
      // It has ended.
    }
  }, SAMPLE_MS)
  const code = await new Promise((resolve) => child.on('close', resolve))
  clearInterval(timer)
  const seconds = (Date.now() - startedMs) / 1000
  await rm(lake, { recursive: true, force: true })
  if (code !== 0) throw new Error(`consume ended with ${code}`)
  rss.sort((a, b) => a - b)
  return {
    records,
    keys,
    valueBytes,
    partitions,
    peakMiB: Math.round(peak),
    medianMiB: Math.round(rss[rss.length >> 1] ?? 0),
    dedupeMiB: Math.round((keys * 168) / MIB),
    seconds: Math.round(seconds),
    cpuSeconds: Math.round(cpuSeconds),
    recordsPerSecond: Math.round(records / seconds),
    summary: JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '{}'),
  }
}

const running =
  flags.brokers && flags.registry ? { brokers: flags.brokers.split(','), registryUrl: flags.registry, stop: async () => undefined } : null
const { brokers, registryUrl, stop } = running ?? (await startTestStack())
try {
  if (!flags['as-it-is']) {
    const startedMs = Date.now()
    await produce(brokers, registryUrl)
    process.stderr.write(`produced ${records} records in ${Math.round((Date.now() - startedMs) / 1000)} s\n`)
  }
  for (let run = 0; run < Number(flags.runs); run++) process.stdout.write(`${JSON.stringify(await consume(brokers, registryUrl))}\n`)
} finally {
  await stop()
}
