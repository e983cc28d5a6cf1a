const DAY_MS = 86_400_000

/** The UTC day of a time, in days since 1970-01-01. */
export const dayOf = (epochMs: number): number => Math.floor(epochMs / DAY_MS)
