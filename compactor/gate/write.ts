import { appendGate, type GateEntry, type GateEvent, type GateState, openState, readGate } from '../../lake/gate-log.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'

const MAX_ATTEMPTS = 10

/** What to write next, seen how things stand; null: nothing. */
export type NextEntry = (state: GateState, number: number) => { event: GateEvent; state: GateState } | null

/**
 * Adds an entry that follows from the newest one; where somebody else wrote first, from theirs. Gives the newest entry
 * then. Throws what `next` throws.
 */
export const writeGate = async (store: ObjectStore, at: string, next: NextEntry): Promise<GateEntry | null> => {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const newest = await readGate(store)
    const planned = next(newest?.state ?? openState, (newest?.number ?? -1) + 1)
    if (planned === null) return newest
    try {
      return await appendGate(store, newest, { at, ...planned })
    } catch (error) {
      if (!(error instanceof ReadflowError && error.code === 'lake-conflict')) throw error
    }
  }
  throw new ReadflowError('lake-conflict', `others wrote to the gate's records ${MAX_ATTEMPTS} times in a row`)
}
