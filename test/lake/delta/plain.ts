import type { Snapshot } from '../../../lake/delta/snapshot.ts'

/** A snapshot as plain values that can be compared: all that it says, in its order. */
export const plain = ({ files, tombstones, txns, ...rest }: Snapshot) => ({
  ...rest,
  files: [...files.values()],
  tombstones: [...tombstones.values()],
  txns: [...txns],
})
