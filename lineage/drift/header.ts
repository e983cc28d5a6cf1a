/** Header of a record: names in its `extra` that were not known before, or that hold another type than they did; a JSON list. */
export const DRIFT_HEADER = 'readflow.drift'

/** A header is no place for more. */
const MAX_NAMES = 50

export const driftHeader = (names: readonly string[]): string => JSON.stringify(names.slice(0, MAX_NAMES))

/** The names of a header; none where somebody wrote another thing there. */
export const namesInHeader = (header: Uint8Array | null): string[] => {
  try {
    const names: unknown = JSON.parse(Buffer.from(header ?? []).toString('utf8'))
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
  } catch {
    return []
  }
}
