import path from 'node:path'
import { openStore } from '../../../lake/store/open.ts'
import { minioSkip, startTestMinio } from '../../helpers/minio.ts'

/** The kinds of store that a lake of a fault test lies in. */
export const places = ['folder', 'MinIO'] as const
export type Place = (typeof places)[number]

/** For node:test's `skip`: why a place can't be had here, or false. Under CI=true a missing one fails. */
export const placeSkip = (place: Place): string | false => (place === 'folder' ? false : minioSkip())

/** Lakes below a folder and, once it is asked for, in a MinIO. Close it at the end. */
export const openLakes = async ({ dir, hasMinio }: { dir: string; hasMinio: boolean }) => {
  const minio = hasMinio && !minioSkip() ? await startTestMinio() : null
  return {
    url: (name: string, place: Place = 'folder'): string => {
      if (place === 'folder') return `file:${path.join(dir, name)}`
      if (!minio) throw new Error('this world has no MinIO')
      return minio.lakeUrl(name)
    },
    /** The store behind the lakes on MinIO. */
    minio,
    close: async () => minio?.stop(),
  }
}

const COPIES_AT_ONCE = 8

/** Copies every object whose path begins with the prefix from one lake to another, of whatever kinds they are. */
export const copyObjects = async (fromUrl: string, toUrl: string, prefix: string) => {
  const [from, to] = [openStore(fromUrl), openStore(toUrl)]
  const paths: string[] = []
  for await (const { path: at } of from.list(prefix)) paths.push(at)
  const work = async () => {
    for (let at = paths.pop(); at !== undefined; at = paths.pop()) await to.put(at, await from.get(at))
  }
  await Promise.all(Array.from({ length: COPIES_AT_ONCE }, work))
  await from.close()
  await to.close()
}
