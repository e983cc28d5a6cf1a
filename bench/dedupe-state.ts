// The memory that Silver's dedupe state takes for each key: counted by itself, and as the process has it.
//   node --expose-gc bench/dedupe-state.ts                  100,000 to 3,000,000 keys of one version each
//   node --expose-gc bench/dedupe-state.ts --versions 3     with more versions of each
// One line of JSON for each number of keys.
import { parseArgs } from 'node:util'
import { createDedupeState } from '../consumers/silver/dedupe-state.ts'

const { values: flags } = parseArgs({
  options: { keys: { type: 'string', default: '100000,300000,1000000,3000000' }, versions: { type: 'string', default: '1' } },
})
const versions = Number(flags.versions)
const resident = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().rss
}

for (const keys of flags.keys.split(',').map(Number)) {
  const before = resident()
  const startedMs = performance.now()
  const state = createDedupeState()
  for (let key = 0; key < keys; key++)
    for (let version = 0; version < versions; version++)
      state.accept(`user-${key}:book-${key % 10_000}`, { order: 1_600_000_000_000 + version, hash: key.toString(16).padStart(32, '0') })
  const seconds = (performance.now() - startedMs) / 1000
  const residentBytes = resident() - before
  process.stdout.write(
    `${JSON.stringify({
      keys: state.keys(),
      versions,
      bytesPerKey: Math.round(state.bytes() / keys),
      residentBytesPerKey: Math.round(residentBytes / keys),
      keysPerSecond: Math.round((keys * versions) / seconds),
    })}\n`,
  )
}
