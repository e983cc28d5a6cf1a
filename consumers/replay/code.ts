import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..', '..')
const folders = ['consumers/bronze', 'consumers/silver', 'consumers/decode', 'schemas']

/** Tells the code that derives rows from another version of it: a hash of its files, and of the choices that it is run with. */
export const codeFingerprint = (choices: unknown): string => {
  const sum = createHash('sha256').update(JSON.stringify(choices ?? null))
  for (const folder of folders)
    for (const file of readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).sort())
      if (/\.(ts|js|avsc)$/.test(file)) sum.update(file).update(readFileSync(path.join(root, folder, file)))
  return sum.digest('hex').slice(0, 16)
}
