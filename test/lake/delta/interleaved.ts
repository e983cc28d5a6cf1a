import type { Scheduler } from 'fast-check'
import type { ObjectInfo, ObjectStore } from '../../../lake/store/store.ts'

/** What a process that was killed in the middle of a call never gets to see. */
export class Crash extends Error {}

export interface CrashPoint {
  /** Which call of the store it is, counted from 0. */
  call: number
  /** Whether the call has taken effect. */
  isAfter: boolean
}

/** A store whose calls take effect when the scheduler says so; at the crash point and ever after they throw `Crash`. */
export const interleaved = (store: ObjectStore, scheduler: Scheduler, crash: CrashPoint | null): ObjectStore => {
  let calls = 0
  const at = async <T>(work: () => Promise<T>): Promise<T> => {
    const isHere = crash !== null && calls === crash.call
    if (crash !== null && calls > crash.call) throw new Crash()
    calls++
    await scheduler.schedule(Promise.resolve())
    if (isHere && !crash.isAfter) throw new Crash()
    const result = await work()
    if (isHere) throw new Crash()
    return result
  }
  return {
    ...store,
    get: (path) => at(() => store.get(path)),
    getRange: (path, start, end) => at(() => store.getRange(path, start, end)),
    put: (path, bytes) => at(() => store.put(path, bytes)),
    putIfAbsent: (path, bytes) => at(() => store.putIfAbsent(path, bytes)),
    delete: (path) => at(() => store.delete(path)),
    list: async function* (prefix, options) {
      yield* await at(async () => {
        const found: ObjectInfo[] = []
        for await (const info of store.list(prefix, options)) found.push(info)
        return found
      })
    },
  }
}
