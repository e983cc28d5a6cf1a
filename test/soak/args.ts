import { parseArgs } from 'node:util'
import type { LakePlace } from './plan.ts'

export interface SoakArgs {
  minutes: number
  seed: number
  lake: LakePlace
}

export const usage = `Usage: npm run soak -- [--minutes N] [--seed N] [--lake folder|minio]

Runs the whole pipeline under load while a plan made of the seed kills and pauses its programs and servers, breaks their
network, fills the disk and skews the clock; then proves that nothing was lost, doubled or changed, and that memory, handles
and files stay flat.

  --minutes N   how long the load lasts (default 20; the last quarter has no faults)
  --seed N      repeats a run; a whole number (default: a new one, which is printed)
  --lake PLACE  where the tables are: folder (default) or minio
  --help        shows this

Needs Linux, and for the full disk a user who may mount (root, or sudo without a password), for the clock libfaketime
(apt install faketime), for reading the tables from outside Python with DuckDB (bash test/interop/install.sh).
A run that fails keeps its folder. Exit code: 0 all held, 1 something did not, 2 a wrong flag.
`

/** What a person asks for; `help`; or, where it can not be understood, one line that says so. */
export const readArgs = (argv: readonly string[], newSeed: () => number): SoakArgs | 'help' | { fault: string } => {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { minutes: { type: 'string' }, seed: { type: 'string' }, lake: { type: 'string' }, help: { type: 'boolean' } },
    })
    if (values.help) return 'help'
    const minutes = values.minutes === undefined ? 20 : Number(values.minutes || Number.NaN)
    if (!(minutes >= 0.5 && minutes <= 10_000)) return { fault: `--minutes takes a number from 0.5 to 10000, not "${values.minutes}".` }
    if (values.seed !== undefined && !/^\d{1,9}$/.test(values.seed))
      return { fault: `--seed takes a whole number of at most nine digits, not "${values.seed}".` }
    const lake = values.lake ?? 'folder'
    if (lake !== 'folder' && lake !== 'minio') return { fault: `--lake is folder or minio, not "${lake}".` }
    return { minutes, seed: values.seed === undefined ? newSeed() : Number(values.seed), lake }
  } catch (error) {
    return { fault: (error as Error).message.split(/\. |\n/)[0]!.replace(/\.?$/, '.') }
  }
}
