import { AsyncLocalStorage } from 'node:async_hooks'
import { writeSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import type { ObjectStore } from '../../../lake/store/store.ts'
import type { KafkaClient } from '../../../runtime/kafka/client.ts'
import type { Producer } from '../../../runtime/kafka/producer.ts'

/** Where a child does something to itself: at the `call`-th point whose name matches the regular expression `at`. */
export interface Crash {
  call: number
  at: string
  signal: 'SIGKILL' | 'SIGSTOP'
}

/** Says a line to the parent at once: what is written later may never be. */
export const say = (message: object) => void writeSync(1, `${JSON.stringify(message)}\n`)

/** Names without what differs from run to run, so that a person can compare them. */
const plainName = (path: string): string => path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '*')

/**
 * Counts what a process does to the world outside, and ends (or stops) the process just before the chosen one.
 * Each point is named, and found by running: a new call is a new point.
 */
export const createPoints = (crash: Crash | null) => {
  const pattern = crash && new RegExp(crash.at)
  const names: string[] = []
  let matching = 0
  const isChosen = (name: string) => pattern?.test(name) === true && matching + 1 === crash?.call
  const point = (name: string, beforeEnd?: () => void) => {
    names.push(name)
    const isHere = isChosen(name)
    if (pattern?.test(name)) matching++
    if (!isHere || !crash) return
    say({ crash: name })
    beforeEnd?.()
    process.kill(process.pid, crash.signal)
    // A signal reaches its own process a moment later: until then nothing more may happen.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, crash.signal === 'SIGKILL' ? 10_000 : 50)
  }
  return { point, isChosen, names: () => names }
}

export type Points = ReturnType<typeof createPoints>

/** A store whose every call is a point; on a folder each step to the disk is one as well, with a file half written. */
export const countedStore = (store: ObjectStore, points: Points): ObjectStore => {
  const inside = new AsyncLocalStorage<string>()
  const isFolder = store.localPath('x') !== null
  if (isFolder) countSteps(points, inside)
  const call =
    <A extends [string, ...unknown[]], R>(kind: string, action: (...args: A) => Promise<R>, isMutation = false) =>
    async (...args: A): Promise<R> => {
      const name = `${kind} ${plainName(args[0])}`
      points.point(name)
      if (!isMutation) return action(...args)
      if (isFolder) return inside.run(name, () => action(...args))
      return inFlight(points, name, () => action(...args))
    }
  return {
    ...store,
    get: call('get', store.get),
    getRange: call('getRange', store.getRange),
    pieces: call('pieces', store.pieces),
    put: call('put', store.put, true),
    putFile: call('putFile', store.putFile, true),
    putIfAbsent: call('putIfAbsent', store.putIfAbsent, true),
    delete: call('delete', store.delete, true),
    list: (prefix, options) => {
      points.point(`list ${prefix}`)
      return store.list(prefix, options)
    },
  }
}

/** One more point while the request is on its way: whether the other side does it, nobody knows. */
const inFlight = async <R>(points: Points, name: string, action: () => Promise<R>): Promise<R> => {
  const step = `${name} › sent`
  if (!points.isChosen(step)) {
    points.point(step)
    return action()
  }
  const answer = action()
  answer.catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 3))
  points.point(step)
  return answer
}

/** Makes a point of every step that the folder store takes on the disk. */
const countSteps = (points: Points, inside: AsyncLocalStorage<string>) => {
  const step = (kind: string, beforeEnd?: () => void) => {
    const name = inside.getStore()
    if (name !== undefined) points.point(`${name} › ${kind}`, beforeEnd)
  }
  for (const kind of ['link', 'rename', 'rm', 'mkdir'] as const) {
    const original = fs[kind] as (...args: unknown[]) => Promise<unknown>
    Object.assign(fs, {
      [kind]: (...args: unknown[]) => {
        step(kind)
        return original(...args)
      },
    })
  }
  const { open } = fs
  Object.assign(fs, {
    open: async (...args: Parameters<typeof open>) => {
      const handle = await open(...args)
      if (args[1] !== 'wx') return handle
      const write = handle.writeFile.bind(handle)
      handle.writeFile = (data, ...rest) => {
        const bytes = data as Uint8Array
        step('half written', () => void writeSync(handle.fd, bytes, 0, Math.floor(bytes.length / 2)))
        return write(data, ...rest)
      }
      const sync = handle.sync.bind(handle)
      handle.sync = () => {
        step('sync')
        return sync()
      }
      return handle
    },
  })
  syncBuiltinESMExports()
}

/** A client whose consumers commit group offsets at a point, and notice new partitions sooner. */
export const countedClient = (
  client: KafkaClient,
  points: Points,
  { metadataMaxAgeMs }: { metadataMaxAgeMs?: number | undefined },
): KafkaClient => {
  const kafka = new Proxy(client.kafka, {
    get: (target, name) => {
      if (name !== 'consumer') return Reflect.get(target, name)
      return (config: Parameters<typeof target.consumer>[0] & object) => {
        const consumer = target.consumer({ ...config, ...(metadataMaxAgeMs === undefined ? {} : { metadataMaxAge: metadataMaxAgeMs }) })
        const { commitOffsets } = consumer
        return Object.assign(consumer, {
          commitOffsets: (...args: Parameters<typeof commitOffsets>) => {
            points.point('commitOffsets')
            return inFlight(points, 'commitOffsets', () => commitOffsets(...args))
          },
        })
      }
    },
  })
  return { ...client, kafka }
}

/** A producer whose dead letters are a point, and carry the name of the run that sent them. */
export const countedProducer = (producer: Producer, points: Points, run: string): Producer => ({
  ...producer,
  send: (records) => {
    if (records.length === 0) return producer.send(records)
    points.point('send dead letters')
    const named = records.map((record) => ({ ...record, headers: { ...record.headers, 'test.run': run } }))
    return inFlight(points, 'send dead letters', () => producer.send(named))
  },
})
