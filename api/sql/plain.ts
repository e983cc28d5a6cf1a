/** A value of a result as JSON has it: NaN and infinities as text, binary as base64; all others as they are. */
export const plainCell = (value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value)
    ? String(value)
    : value instanceof Uint8Array
      ? Buffer.from(value).toString('base64')
      : value
