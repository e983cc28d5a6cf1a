import { holdReason } from '../pipeline/gate.ts'
import type { StatusParts } from '../pipeline/status.ts'

type Parts = Pick<StatusParts, 'gold' | 'gate'>

/** Whether a version is the one that is served now, or a newer one that is about to be: what is said of it may change. */
export const isServed = ({ gold }: Pick<Parts, 'gold'>, version: number | null): boolean =>
  (version ?? -1) >= (gold.current()?.version ?? -1)

/**
 * What an answer says while newer data is held: fields of its body, and headers. Nothing where nothing is, and of older
 * versions, however they were asked for: what holds the newest one is no matter of theirs.
 */
export const heldOf = (parts: Parts, version: number | null) => {
  const hold = isServed(parts, version) ? parts.gate.held() : null
  if (!hold) return { fields: {}, headers: {} }
  const reason = holdReason(hold)
  return {
    fields: { held_since: hold.since, held_reason: reason },
    // A header has no letters beyond Latin-1, and no line breaks.
    headers: { 'ReadFlow-Held-Since': hold.since, 'ReadFlow-Held-Reason': reason.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '?') },
  }
}

/** The headers that say of which Gold an answer is: none where none is published. */
export const versionHeaders = ({ version, completeThrough }: { version: number | null; completeThrough: string | null }) => ({
  ...(version === null ? {} : { 'ReadFlow-Version': String(version) }),
  ...(completeThrough === null ? {} : { 'ReadFlow-Complete-Through': completeThrough }),
})
