const DAY_MS = 86_400_000
const YEAR_1_MS = -62_135_596_800_000
const YEAR_10000_MS = 253_402_300_800_000

/** The UTC day of a time, in days since 1970-01-01. */
export const dayOf = (epochMs: number): number => Math.floor(epochMs / DAY_MS)

/**
 * When a record arrived, as time and as UTC day. Both null where its timestamp, which may be its producer's word, lies in no
 * year from 1 to 9999: no reader takes such a time, nor a partition of such a day.
 */
export const arrival = (epochMs: number): { timeMs: number | null; day: number | null } =>
  epochMs >= YEAR_1_MS && epochMs < YEAR_10000_MS ? { timeMs: epochMs, day: dayOf(epochMs) } : { timeMs: null, day: null }
