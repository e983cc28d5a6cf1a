import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openFolderStore } from '../../../lake/store/folder.ts'
import { openLocalFiles } from '../../../lake/store/local-files.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { openProcessFolder } from '../../../lake/store/process-folder.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'

const tempDir = async (t: TestContext) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-files-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

const file = (name: string) => ({ path: `t/day=1/${name}.parquet`, sizeBytes: 10 })

/** A lake of files of ten bytes each, and a count of how often each was read. */
const openLake = async (
  t: TestContext,
  names: string,
  { maxBytes = 30, ...overrides }: Partial<ObjectStore> & { maxBytes?: number } = {},
) => {
  const memory = openMemoryStore()
  for (const name of names) await memory.put(file(name).path, new TextEncoder().encode(name.repeat(10)))
  const reads = new Map<string, number>()
  const getRange: ObjectStore['getRange'] = async (name, start, end) => {
    reads.set(name, (reads.get(name) ?? 0) + 1)
    return memory.getRange(name, start, end)
  }
  const range = overrides.getRange ?? getRange
  const pieces: ObjectStore['pieces'] = async (name) => ({ sizeBytes: 10, read: (start, end) => range(name, start, end) })
  const dir = await tempDir(t)
  const files = openLocalFiles({ store: { ...memory, ...overrides, pieces }, dir, maxBytes })
  const kept = async () => (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.parquet')).length
  const use = async (name: string) => (await files.hold([file(name)])).release()
  return { files, kept, use, readsOf: (name: string) => reads.get(file(name).path) ?? 0 }
}

describe('local files', () => {
  it('are the files themselves where the lake is a folder', async (t) => {
    const dir = await tempDir(t)
    const store = openFolderStore(path.join(dir, 'lake'))
    const held = await openLocalFiles({ store, dir: path.join(dir, 'cache'), maxBytes: 0 }).hold([file('a')])
    assert.equal(held.localPath(file('a').path), store.localPath(file('a').path))
    held.release()
    assert.equal(existsSync(path.join(dir, 'cache')), false)
  })

  it('are copies that keep their folders, fetched once however many ask', async (t) => {
    const { files, readsOf } = await openLake(t, 'a')
    const holds = await Promise.all([files.hold([file('a')]), files.hold([file('a'), file('a')]), files.hold([file('a')])])
    for (const { localPath } of holds) {
      assert.match(localPath(file('a').path), /t\/day=1\/a\.parquet$/)
      assert.equal(await readFile(localPath(file('a').path), 'utf8'), 'aaaaaaaaaa')
    }
    assert.equal(readsOf('a'), 1)
  })

  it('go in the order of their last use, beyond the limit', async (t) => {
    const { use, kept, readsOf } = await openLake(t, 'abcd')
    for (const name of 'abcad') await use(name)
    assert.equal(await kept(), 3)
    await use('a')
    assert.equal(readsOf('a'), 1, 'used after b: kept')
    await use('b')
    assert.equal(readsOf('b'), 2, 'used least lately: removed')
  })

  it('stay while they are held, beyond the limit too, and go when they are released', async (t) => {
    const { files, kept, use } = await openLake(t, 'abcdef')
    const held = await files.hold([...'abcde'].map(file))
    await use('f')
    for (const name of 'abcde') assert.equal(await readFile(held.localPath(file(name).path), 'utf8'), name.repeat(10))
    held.release()
    await use('f')
    assert.equal(await kept(), 3)
  })

  it('leave nothing of a failed hold, and come the next time', async (t) => {
    let isBroken = true
    const memory = openMemoryStore()
    await memory.put(file('b').path, new TextEncoder().encode('bbbbbbbbbb'))
    const { files, kept } = await openLake(t, 'a', {
      getRange: (name, start, end) =>
        isBroken && name.includes('b.parquet') ? Promise.reject(new Error('away')) : memory.getRange(name, start, end),
    })
    await assert.rejects(files.hold([file('b')]), /away/)
    assert.equal(await kept(), 0)
    isBroken = false
    ;(await files.hold([file('b')])).release()
    assert.equal(await kept(), 1)
  })

  it('are not waited for any more once it is to stop, and begun downloads of others go on', async (t) => {
    const gate = Promise.withResolvers<Uint8Array>()
    const started: string[] = []
    const { files } = await openLake(t, '', {
      getRange: (name) => {
        started.push(name)
        return gate.promise
      },
    })
    const controller = new AbortController()
    const stopped = files.hold([...'abcdefgh'].map(file), { signal: controller.signal })
    const other = files.hold([file('a')])
    await new Promise((resolve) => setTimeout(resolve, 50))
    controller.abort(new Error('told to stop'))
    await assert.rejects(stopped, /told to stop/)
    gate.resolve(new Uint8Array(10))
    ;(await other).release()
    assert.equal(started.length, 4, 'what nobody waits for is not begun')
  })
})

describe('process folder', () => {
  it('removes what dead processes left, and nothing of the living', async (t) => {
    const parent = await tempDir(t)
    const old = new Date(Date.now() - 25 * 3_600_000)
    for (const name of [`${hostname()}-999999999`, `${hostname()}-${process.ppid}`, 'elsewhere-1', 'elsewhere-2']) {
      await mkdir(path.join(parent, name))
      if (name === 'elsewhere-2') await utimes(path.join(parent, name), old, old)
    }
    const { dir, close } = await openProcessFolder(parent)
    assert.deepEqual((await readdir(parent)).sort(), ['elsewhere-1', `${hostname()}-${process.ppid}`, path.basename(dir)].sort())
    await close()
    assert.equal(existsSync(dir), false)
  })
})
