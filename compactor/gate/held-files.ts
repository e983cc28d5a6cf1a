import { readGate } from '../../lake/gate-log.ts'
import type { ObjectStore } from '../../lake/store/store.ts'

/** Files that held builds staged and that a release may still commit, by the table's name: paths as in their actions. */
export const heldFiles = async (store: ObjectStore): Promise<ReadonlyMap<string, readonly string[]>> => {
  const state = (await readGate(store))?.state
  const numbers = new Set(state?.releasable.map(({ number }) => number))
  if (state?.releasing != null) {
    const begun = await readGate(store, { number: state.releasing })
    if (begun?.event.kind === 'release') numbers.add(begun.event.held)
  }
  const files = new Map<string, string[]>()
  for (const number of numbers) {
    const entry = await readGate(store, { number })
    if (entry?.event.kind !== 'held') continue
    for (const { name, adds } of entry.event.changes) files.set(name, [...(files.get(name) ?? []), ...adds.map(({ path }) => path)])
  }
  return files
}
