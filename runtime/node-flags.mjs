// How a program of ours is started. Plain JS, runs under Node >= 20.
import { fileURLToPath } from 'node:url'

const FLAGS = ['--disable-warning=TimeoutNegativeWarning', '--disable-warning=ExperimentalWarning']
// What these make is mostly garbage soon: a small young generation is collected before it has grown.
const BOUNDED_FLAGS = ['--max-semi-space-size=8']
// glibc keeps what was freed: its arenas, and blocks below a threshold that grows by itself. Column buffers should go
// back to the system. Other systems' allocators ignore these.
const BOUNDED_ENV = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '131072' }
// A program is a few hundred modules of TypeScript: Node keeps what it compiled, so that the next start has it. Where
// the folder can not be written Node goes without.
const START_ENV = { NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)) }
/** Commands that go through more records than memory holds, and what stays up beside them all day. */
const isBounded = (command) => ['consume', 'compact', 'verify', 'replay', 'rollback'].includes(command)

// It holds little for long: the heap need not grow to a multiple of that before it is collected.
const VERIFY_FLAGS = ['--heap-growing-percent=20']

/** Node's own flags for a command. */
export const nodeFlags = (command) => [
  ...FLAGS,
  ...(isBounded(command) ? BOUNDED_FLAGS : []),
  ...(command === 'verify' ? VERIFY_FLAGS : []),
]

/** The environment of a command: what a person has set there wins. */
export const programEnv = (command, env) => ({ ...START_ENV, ...(isBounded(command) ? BOUNDED_ENV : {}), ...env })
