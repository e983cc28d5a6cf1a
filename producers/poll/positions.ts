import { hash } from 'node:crypto'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { Position } from '../sources/source.ts'

export interface Positions {
  load: () => Promise<Position | null>
  save: (position: Position) => Promise<void>
}

/** Keeps a source's position in the lake, so that a poller on another machine goes on where this one was. */
export const openPositions = (store: ObjectStore, sourceId: string): Positions => {
  const path = `_readflow/positions/${hash('sha256', sourceId, 'hex').slice(0, 16)}.json`
  return {
    load: async () => {
      try {
        const text = new TextDecoder().decode(await store.get(path))
        return (JSON.parse(text) as { position: Position }).position
      } catch (error) {
        if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
        throw error
      }
    },
    save: (position) => store.put(path, new TextEncoder().encode(JSON.stringify({ source: sourceId, position }))),
  }
}
