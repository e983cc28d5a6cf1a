import { hash } from 'node:crypto'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { Position } from '../sources/source.ts'

export interface Positions {
  load: () => Promise<Position | null>
  save: (position: Position) => Promise<void>
  /**
   * Loads the position for a poll that goes on from it. After a save that failed it is saved again first, and rejects as long as that
   * does: a lake that can be read and not written would have each attempt publish the same once more.
   */
  resume: () => Promise<Position | null>
}

/**
 * Keeps a source's position in the lake, so that a poller on another machine goes on where this one was. `unsaved` are the sources
 * whose last save failed.
 */
export const openPositions = (store: ObjectStore, sourceId: string, unsaved = new Set<string>()): Positions => {
  const path = `_readflow/positions/${hash('sha256', sourceId, 'hex').slice(0, 16)}.json`
  const load = async () => {
    try {
      const text = new TextDecoder().decode(await store.get(path))
      return (JSON.parse(text) as { position: Position | null }).position
    } catch (error) {
      if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
      throw error
    }
  }
  const save = async (position: Position | null) => {
    unsaved.add(sourceId)
    await store.put(path, new TextEncoder().encode(JSON.stringify({ source: sourceId, position })))
    unsaved.delete(sourceId)
  }
  return {
    load,
    save,
    resume: async () => {
      const position = await load()
      if (unsaved.has(sourceId)) await save(position)
      return position
    },
  }
}

/** The positions of all sources of a poller; one that is opened again knows of a save that failed before. */
export const createPositionsOf = (store: ObjectStore): ((sourceId: string) => Positions) => {
  const unsaved = new Set<string>()
  return (sourceId) => openPositions(store, sourceId, unsaved)
}
