import type { AbortedTransaction } from '../record-batch.ts'

/**
 * Which batches of one fetch belong to aborted transactions. The broker's list covers all that the fetch
 * returned, transactions that began before it included, so each fetch has a filter of its own and nothing is
 * carried over. A transaction is open from its first offset to its producer's next abort marker.
 */
export const createAbortFilter = (aborted: readonly AbortedTransaction[]) => {
  const waiting = aborted
    .map(({ producerId, firstOffset }) => ({ producerId: BigInt(producerId), firstOffset: Number(firstOffset) }))
    .sort((a, b) => b.firstOffset - a.firstOffset)
  const open = new Set<bigint>()
  return {
    /** To be asked of every batch in offset order. */
    isAborted: ({ producerId, lastOffset, isTransactional }: { producerId: bigint; lastOffset: number; isTransactional: boolean }) => {
      for (let next = waiting.at(-1); next && next.firstOffset <= lastOffset; next = waiting.at(-1)) {
        open.add(next.producerId)
        waiting.pop()
      }
      return isTransactional && open.has(producerId)
    },
    /** An abort marker of this producer was read. */
    end: (producerId: bigint) => void open.delete(producerId),
  }
}

export type AbortFilter = ReturnType<typeof createAbortFilter>
