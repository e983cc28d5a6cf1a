import { createRequire } from 'node:module'

/** The version of this package. */
export const packageVersion = String(createRequire(import.meta.url)('../../package.json').version)
