import { randomUUID } from 'node:crypto'
import { type AddFile, filePath } from '../../lake/delta/actions.ts'
import { lastCheckpointVersion } from '../../lake/delta/checkpoint.ts'
import { planOptimize } from '../../lake/delta/optimize-plan.ts'
import { checkpointInterval } from '../../lake/delta/properties.ts'
import { openTable } from '../../lake/delta/table.ts'
import { BEGIN_BYTES, beginsAsParquet } from '../../lake/parquet/footer.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import { type Check, fail, ok, warn } from './check.ts'

const AT_ONCE = 8
const FILES_LOOKED_AT = 20
/** So many checkpoints that should be there and are not. */
const LATE_CHECKPOINTS = 3
const MANY_SMALL_FILES = 64

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** Whether of several who create the same object at once exactly one does, and its bytes stay. All of exactly once stands on it. */
export const checkPutIfAbsent = async (store: ObjectStore): Promise<Check> => {
  const name = 'lake put-if-absent'
  const path = `_readflow/doctor/${randomUUID()}.json`
  try {
    const contents = Array.from({ length: AT_ONCE }, (_, index) => JSON.stringify({ index, id: randomUUID() }))
    const answers = await Promise.all(contents.map((content) => store.putIfAbsent(path, new TextEncoder().encode(content))))
    const winners = contents.filter((_, index) => answers[index] === 'created')
    const late = await store.putIfAbsent(path, new TextEncoder().encode(`"${randomUUID()}"`))
    const stands = text(await store.get(path))
    if (winners.length === 1 && late === 'exists' && stands === winners[0])
      return ok(name, `one of ${AT_ONCE} at once won, and its bytes stay`)
    return fail(
      name,
      `${winners.length + (late === 'created' ? 1 : 0)} writers were told that they created the same object: commits would overwrite each other`,
      'Use a store with conditional writes (If-None-Match), such as AWS S3 or MinIO, or a file system with hard links.',
    )
  } finally {
    await store.delete(path).catch(() => undefined)
  }
}

/**
 * The lake's store. Nothing is written to a folder that has nothing: it may be the place of a lake that is away, and what is
 * written there would be taken for another one.
 */
export const checkStore = async (store: ObjectStore, { isUp }: { isUp: boolean }): Promise<Check> => {
  if (store.localPath('any') === null) return checkPutIfAbsent(store)
  for await (const _ of store.list('')) return checkPutIfAbsent(store)
  const what = `nothing is in ${store.url}`
  if (isUp)
    return fail('lake', `${what}: it is gone, or has just begun`, 'Is its disk mounted? A lake that is new has its first records soon.')
  return warn('lake', `${what} yet, so whether it can be written to was not tried`, 'It is made by the first start; look again then.')
}

/** A table: its log, that each of its files is there whole, the beginning of its newest ones, its checkpoint and its small files. */
export const checkTable = async (store: ObjectStore, root: string, targetBytes: number): Promise<Check[]> => {
  const name = `table ${root.replace('/', '.')}`
  const table = openTable(store, root)
  try {
    const snapshot = await table.snapshot()
    if (snapshot.version < 0) return []
    const live = [...snapshot.files.values()]
    const newest = live.toSorted((a, b) => b.modificationTime - a.modificationTime).slice(0, FILES_LOOKED_AT)
    const gone = await filesNotWhole(store, root, live)
    for (const { path } of newest) if (!gone.has(path) && !(await isParquet(store, `${root}/${filePath(path)}`))) gone.add(path)
    if (gone.size > 0)
      return [fail(name, `${gone.size} of its ${live.length} files are gone or damaged, such as ${[...gone][0]}`, whatToDo(root))]
    const findings: Check[] = []
    const checkpoint = (await lastCheckpointVersion(table)) ?? -1
    const interval = checkpointInterval(snapshot)
    if (snapshot.version - checkpoint > LATE_CHECKPOINTS * interval)
      findings.push(
        warn(
          name,
          `the last checkpoint is ${snapshot.version - checkpoint} versions old, where one is due every ${interval}: opening it takes long`,
          'The logs of consume and compact say why none is written.',
        ),
      )
    const limits = { targetBytes, minFiles: MANY_SMALL_FILES }
    const small = planOptimize({ files: live }, limits).reduce((sum, { files }) => sum + files.length, 0)
    if (small > 0)
      findings.push(
        warn(name, `${small} small files wait to be merged: queries take longer`, `readflow optimize ${root.replace('/', '.')}`),
      )
    return findings.length > 0 ? findings : [ok(name, `version ${snapshot.version}, ${live.length} files`)]
  } catch (error) {
    if (error instanceof ReadflowError && error.code === 'lake-unavailable') throw error
    return [
      fail(name, `can not be read: ${errorLine(error)}`, 'readflow history shows the versions that can; readflow verify what is lost.'),
    ]
  }
}

const whatToDo = (root: string): string =>
  /^(bronze|silver)\//.test(root)
    ? `readflow verify names what is lost; readflow replay ${root.replace('/', '.')} --from earliest derives it again while all records are to be had, else a backup brings it back.`
    : 'Bring it back from a backup.'

/** The live files that are not in the table's folder, or not with the size that the log has of them; one listing tells it of all. */
const filesNotWhole = async (store: ObjectStore, root: string, live: readonly AddFile[]): Promise<Set<string>> => {
  const sought = new Map(live.map((file) => [`${root}/${filePath(file.path)}`, file]))
  for await (const { path, sizeBytes } of store.list(`${root}/`)) if (sought.get(path)?.size === sizeBytes) sought.delete(path)
  return new Set([...sought.values()].map(({ path }) => path))
}

const isParquet = async (store: ObjectStore, path: string): Promise<boolean> => {
  try {
    return beginsAsParquet(await store.getRange(path, 0, BEGIN_BYTES))
  } catch (error) {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return false
    throw error
  }
}
