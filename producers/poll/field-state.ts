import { hash } from 'node:crypto'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'

/** How often a field had a value, in records of one form. */
export interface Presence {
  present: number
  /** How many records there were when it had one last, that record included. */
  lastAt: number
  isGone: boolean
  /** How often it had vanished. */
  timesGone: number
}

/** Records of one entity in one form of answer: they have the same fields. */
export interface FormState {
  records: number
  /** Whether a whole poll has had records of it: what the first one brings is what is known. */
  isKnown: boolean
  fields: Record<string, Presence>
}

/** An entry of `extra`: of each type whether it is drift, which is what came after the first poll. */
export interface ExtraState {
  isDrift: boolean
  types: Record<string, boolean>
}

export interface EntityState {
  forms: Record<string, FormState>
  extra: Record<string, ExtraState>
}

/** What is known of the fields that a source sends, as JSON. */
export type FieldState = Record<string, EntityState>

export interface FieldStates {
  load: () => Promise<FieldState>
  save: (state: FieldState) => Promise<void>
}

/** Keeps what is known of a source's fields in the lake, beside its position. */
export const openFieldStates = (store: ObjectStore, sourceId: string): FieldStates => {
  const path = `_readflow/fields/${hash('sha256', sourceId, 'hex').slice(0, 16)}.json`
  return {
    load: async () => {
      try {
        return (JSON.parse(new TextDecoder().decode(await store.get(path))) as { entities: FieldState }).entities
      } catch (error) {
        // One that is cut or of another hand counts as none: the next poll is the first.
        if (error instanceof SyntaxError || (error instanceof ReadflowError && error.code === 'lake-not-found')) return {}
        throw error
      }
    },
    save: (entities) => store.put(path, new TextEncoder().encode(JSON.stringify({ source: sourceId, entities }))),
  }
}
