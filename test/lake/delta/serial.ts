import assert from 'node:assert/strict'
import type { Snapshot } from '../../../lake/delta/snapshot.ts'

/** One commit that a writer tries, with what it saw when it planned it. */
export type Attempt = { id: string; outcome: 'open' | 'done' | 'refused' } & (
  | { kind: 'append'; path: string; appId: string; seen: number | null }
  | { kind: 'overwrite'; path: string }
  | { kind: 'remove'; path: string }
  | { kind: 'property'; key: string; value: string | null }
  | { kind: 'column'; name: string }
)

export interface State {
  files: string[]
  txns: Record<string, number>
  configuration: Record<string, string>
  columns: string[]
}

/** What a table says, in the words of `State`. */
export const stateOf = ({ files, txns, metadata }: Snapshot): State => ({
  files: [...files.keys()].sort(),
  txns: Object.fromEntries([...txns].sort()),
  configuration: Object.fromEntries(Object.entries(metadata?.configuration ?? {}).sort()),
  columns: metadata?.fields.map(({ name }) => name) ?? [],
})

/** The state after a commit that nothing came between. Throws where it should have been refused. */
export const after = (state: State, attempt: Attempt): State => {
  switch (attempt.kind) {
    case 'append':
      assert.equal(state.txns[attempt.appId] ?? null, attempt.seen, `${attempt.id} came through with progress that was not its own`)
      return {
        ...state,
        files: [...state.files, attempt.path].sort(),
        txns: Object.fromEntries(Object.entries({ ...state.txns, [attempt.appId]: (attempt.seen ?? 0) + 1 }).sort()),
      }
    case 'overwrite':
      return { ...state, files: [attempt.path] }
    case 'remove':
      assert.ok(state.files.includes(attempt.path), `${attempt.id} removed what was gone`)
      return { ...state, files: state.files.filter((path) => path !== attempt.path) }
    case 'property': {
      const { [attempt.key]: _, ...others } = state.configuration
      const kept = attempt.value === null ? others : { ...others, [attempt.key]: attempt.value }
      return { ...state, configuration: Object.fromEntries(Object.entries(kept).sort()) }
    }
    case 'column':
      return state.columns.includes(attempt.name) ? state : { ...state, columns: [...state.columns, attempt.name] }
  }
}
