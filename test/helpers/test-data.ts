import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = process.env['READFLOW_TEST_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))

/**
 * A file or folder of the real test data. Where it is missing, `skip` says so for node:test; under CI=true a
 * missing folder fails instead.
 */
export const testData = (name: string): { path: string; skip: string | false } => {
  const found = path.join(folder, name)
  if (existsSync(found)) return { path: found, skip: false }
  if (process.env['CI'] === 'true') throw new Error(`test data ${found} is missing: set READFLOW_TEST_DATA to its folder`)
  return { path: found, skip: `no test data at ${found}; set READFLOW_TEST_DATA to its folder` }
}
