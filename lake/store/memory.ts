import { readFile } from 'node:fs/promises'
import { checkedPath, checkedPrefix, comparePaths, notFound, type ObjectStore, replaced } from './store.ts'

/** A lake in memory, under the same contract as the others. For tests. */
export const openMemoryStore = ({ nowMs = Date.now }: { nowMs?: () => number } = {}): ObjectStore => {
  const url = 'memory:'
  const objects = new Map<string, { bytes: Uint8Array; modifiedMs: number }>()

  const found = (path: string): Uint8Array => {
    const object = objects.get(checkedPath(path))
    if (!object) throw notFound(url, path)
    return object.bytes
  }
  const set = (path: string, bytes: Uint8Array) => void objects.set(checkedPath(path), { bytes: bytes.slice(), modifiedMs: nowMs() })

  return {
    url,
    get: async (path) => found(path).slice(),
    getRange: async (path, start, end) => found(path).slice(start, Math.max(start, end)),
    pieces: async (path) => {
      const bytes = found(path)
      const first = objects.get(path)
      const read = async (start: number, end: number) => {
        found(path)
        if (objects.get(path) !== first) throw replaced(url, path)
        return bytes.slice(start, Math.max(start, end))
      }
      return { sizeBytes: bytes.length, read }
    },
    put: async (path, bytes) => set(path, bytes),
    putFile: async (path, localFilePath) => set(path, await readFile(localFilePath)),
    putIfAbsent: async (path, bytes) => {
      if (objects.has(checkedPath(path))) return 'exists'
      set(path, bytes)
      return 'created'
    },
    list: async function* (prefix, { startAfter = '' } = {}) {
      checkedPrefix(prefix)
      const paths = [...objects.keys()].filter((path) => path.startsWith(prefix) && comparePaths(path, startAfter) > 0)
      for (const path of paths.sort(comparePaths)) {
        const object = objects.get(path)
        if (object) yield { path, sizeBytes: object.bytes.length, modifiedMs: object.modifiedMs }
      }
    },
    delete: async (path) => void objects.delete(checkedPath(path)),
    localPath: (path) => {
      checkedPath(path)
      return null
    },
    close: async () => {},
  }
}
