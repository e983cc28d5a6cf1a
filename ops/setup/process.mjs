// How a program of ours is started. Plain JS, runs under Node >= 20.

const FLAGS = ['--disable-warning=TimeoutNegativeWarning', '--disable-warning=ExperimentalWarning']
// What a flush makes is mostly garbage when it ends: a small young generation is collected before it has grown.
const CONSUME_FLAGS = ['--max-semi-space-size=8']
// glibc keeps what was freed: its arenas, and blocks below a threshold that grows by itself. Column buffers should go
// back to the system. Other systems' allocators ignore these.
const CONSUME_ENV = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '131072' }

/** Node's own flags for a command. */
export const nodeFlags = (command) => [...FLAGS, ...(command === 'consume' ? CONSUME_FLAGS : [])]

/** The environment of a command: what a person has set there wins. */
export const programEnv = (command, env) => (command === 'consume' ? { ...CONSUME_ENV, ...env } : env)
