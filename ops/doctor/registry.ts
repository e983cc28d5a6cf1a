import type { Registry } from '../../runtime/registry.ts'
import { type Check, fail, ok, warn } from './check.ts'

const GOOD = ['BACKWARD_TRANSITIVE', 'FULL_TRANSITIVE']

/** A subject of the registry: whether it is there, and whether it lets only schemas in that every reader can go on with. */
export const checkSubject = async (registry: Pick<Registry, 'versions' | 'compatibility'>, subject: string): Promise<Check> => {
  const name = `subject ${subject}`
  const [versions, level] = await Promise.all([registry.versions(subject), registry.compatibility(subject)])
  if (versions.length === 0) return warn(name, 'is not there yet', 'The first poll registers it.')
  const what = `${versions.length} ${versions.length === 1 ? 'version' : 'versions'}, ${level ?? 'no level of its own'}`
  if (level !== null && GOOD.includes(level)) return ok(name, what)
  const todo = 'The next start of poll sets BACKWARD_TRANSITIVE; or set it yourself: PUT /config/SUBJECT.'
  return level === 'NONE'
    ? fail(name, `${what}: any schema is let in, also one that breaks readers`, todo)
    : warn(name, `${what}, where BACKWARD_TRANSITIVE is wanted`, todo)
}
