import { commit } from '../../lake/delta/commit.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import { epochId } from './ledger.ts'

/*
 * A replay that would always come second to a live consumer asks for room. It raises the epoch of its partitions, so that the
 * consumer loads them anew, and says until when the consumer is to leave them to it before it goes on. The swap takes that back.
 */

/** `txn` of a partition: epoch ms until which a replay wants to come in; 0 or absent where none does. */
export const roomId = (appId: string): string => `${appId}/room`

/** A consumer waits for so long at most, whatever it is told: a replay that died must not stop it. */
const ROOM_MS = 10_000
const LOOK_MS = 100

/** Asks live consumers to leave some partitions to a replay for a moment. Rejects with `lake-fenced` where one has another epoch. */
export const askForRoom = (
  table: Table,
  partitions: readonly { appId: string; epoch: number | null }[],
  nowMs: number,
): Promise<Snapshot> =>
  commit(table, {
    operation: 'MAKE ROOM',
    txns: partitions.flatMap(({ appId, epoch }) => [
      { appId: epochId(appId), version: (epoch ?? 0) + 1 },
      { appId: roomId(appId), version: nowMs + ROOM_MS },
    ]),
    requires: { txns: partitions.map(({ appId, epoch }) => ({ appId: epochId(appId), version: epoch })) },
  })

/** Takes back what a partition asked for. */
export const roomTaken = ({ txns }: Snapshot, appId: string) =>
  (txns.get(roomId(appId)) ?? 0) > 0 ? [{ appId: roomId(appId), version: 0 }] : []

/** The table, once no replay wants to come in at some of its partitions any more, or its time is over. */
export const whenRoomIsLeft = async (
  table: Table,
  appIds: readonly string[],
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<Snapshot> => {
  const untilMs = Date.now() + ROOM_MS
  for (let isTold = false; ; isTold = true) {
    const snapshot = await table.snapshot()
    const nowMs = Date.now()
    const isWanted = appIds.some((appId) => (snapshot.txns.get(roomId(appId)) ?? 0) > nowMs)
    if (!isWanted || nowMs >= untilMs || signal.aborted) return snapshot
    if (!isTold) log.info({ table: table.root }, 'a replay is let in first')
    await sleep(LOOK_MS, signal).catch(() => undefined)
  }
}
