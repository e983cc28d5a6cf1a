import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ReadflowError } from '../../runtime/errors.ts'
import { encodeActions, entryName } from './actions.ts'
import { type CommitPlan, planCommit } from './plan.ts'
import type { Snapshot } from './snapshot.ts'
import type { Table } from './table.ts'

export type { CommitPlan } from './plan.ts'

const MAX_ATTEMPTS = 30
const MAX_DELAY_MS = 500

/**
 * Writes one entry of the table's log: all of the plan or nothing. Where other writers come first, the plan is checked
 * against what they wrote and tried again. Rejects with `lake-fenced`, `lake-conflict` or `lake-invalid` where the plan
 * no longer holds, and with `lake-conflict` where others came first too often.
 * Resolves to the table after the commit. Every so many versions a checkpoint is written after it, beside what the
 * caller does next; `table.settled()` waits for it.
 */
export const commit = async (table: Table, plan: CommitPlan): Promise<Snapshot> => {
  const context = { commitId: randomUUID(), nowMs: Date.now(), tableId: randomUUID() }
  // What we know suffices for a first attempt: the log itself refuses it where somebody wrote since.
  let snapshot = await table.recent()
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const actions = await planOrRefresh(table, snapshot, (base) => planCommit(base, plan, context))
    const path = `${table.root}/${entryName(actions.base.version + 1)}`
    if ((await table.store.putIfAbsent(path, encodeActions(actions.planned))) === 'created') {
      const committed = table.advance(actions.base, actions.planned)
      await table.checkpointAfter(committed, context.nowMs)
      return committed
    }
    await sleep(Math.random() * Math.min(MAX_DELAY_MS, 5 * 2 ** attempt))
    snapshot = await table.snapshot()
  }
  throw new ReadflowError('lake-conflict', `other writers came first ${MAX_ATTEMPTS} times in a row at ${table.root}`)
}

/** Plans on the snapshot; where the plan does not hold and the snapshot is out of date, on the newest one. */
const planOrRefresh = async <T>(table: Table, base: Snapshot, plan: (base: Snapshot) => T): Promise<{ base: Snapshot; planned: T }> => {
  try {
    return { base, planned: plan(base) }
  } catch (error) {
    const newest = await table.snapshot()
    if (newest.version === base.version) throw error
    return { base: newest, planned: plan(newest) }
  }
}
