import { createDedupeState, type DedupeState, isNewer, type Version } from './dedupe-state.ts'

/** late: accepted, but older than the newest accepted version of its key. */
export type DedupeVerdict = 'new' | 'late' | 'repeat'

/**
 * Dedupe by key within each partition of a topic. What a flush accepts is held apart until its commit, so
 * that a flush that fails leaves the state as the table is.
 */
export const createDedupe = () => {
  const committed = new Map<string, DedupeState>()
  const stateOf = (partition: string) => {
    const state = committed.get(partition) ?? createDedupeState()
    committed.set(partition, state)
    return state
  }

  /** Starts a flush. */
  const begin = () => {
    const offered: { partition: string; key: string; version: Version }[] = []
    const versions = new Set<string>()
    const newest = new Map<string, Version>()

    /**
     * Offers the next record of a partition. Where the source gives no event time, a record whose content is
     * that of its key's newest version is a repeat, whenever it came.
     */
    const offer = (partition: string, key: string, version: Version, hasEventTime: boolean): DedupeVerdict => {
      const state = stateOf(partition)
      const id = `${partition}\0${key}`
      const versionId = `${id}\0${version.order}\0${version.hash}`
      const latest = newest.get(id) ?? state.newest(key)
      if (versions.has(versionId) || state.has(key, version)) return 'repeat'
      if (!hasEventTime && latest?.hash === version.hash) return 'repeat'
      versions.add(versionId)
      offered.push({ partition, key, version })
      if (latest === null || isNewer(version, latest)) {
        newest.set(id, version)
        return 'new'
      }
      return 'late'
    }

    /** The flush is committed: what it offered is state now. */
    const accept = () => {
      for (const { partition, key, version } of offered) stateOf(partition).accept(key, version)
    }
    return { offer, accept }
  }

  return {
    begin,
    /** Puts back a version that the table holds. */
    restore: (partition: string, key: string, version: Version) => stateOf(partition).accept(key, version),
    keys: () => [...committed.values()].reduce((total, state) => total + state.keys(), 0),
    bytes: () => [...committed.values()].reduce((total, state) => total + state.bytes(), 0),
  }
}

export type Dedupe = ReturnType<typeof createDedupe>
