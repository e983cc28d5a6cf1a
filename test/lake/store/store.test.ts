import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openFolderStore } from '../../../lake/store/folder.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { conformance, listed } from './conformance.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

conformance('memory', () => openMemoryStore())
conformance('folder', (folder) => openFolderStore(folder))

describe('folder store', () => {
  it('leaves no temporary file behind, and lists none', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'readflow-store-'))
    t.after(() => rm(folder, { recursive: true }))
    const store = openFolderStore(folder)
    await store.put('a', bytes('x'))
    await store.putIfAbsent('a', bytes('y'))
    assert.deepEqual(await readdir(join(folder, '.tmp')), [])
    await writeFile(join(folder, '.tmp', 'torn'), 'torn')
    assert.deepEqual(await listed(store, ''), ['a'])
    assert.equal(store.localPath('a'), join(folder, 'a'))
  })

  it('removes what killed processes left, and nothing younger', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'readflow-store-'))
    t.after(() => rm(folder, { recursive: true }))
    await mkdir(join(folder, '.tmp'))
    const old = new Date(Date.now() - 25 * 3_600_000)
    for (const name of ['old', 'young']) await writeFile(join(folder, '.tmp', name), 'torn')
    await utimes(join(folder, '.tmp', 'old'), old, old)
    const store = openFolderStore(folder)
    await store.put('a', bytes('x'))
    await store.close()
    assert.deepEqual(await readdir(join(folder, '.tmp')), ['young'])
  })

  it('is away where its folder is gone or empty, and makes no other in its place', async (t) => {
    const above = await mkdtemp(join(tmpdir(), 'readflow-store-'))
    t.after(() => rm(above, { recursive: true }))
    const [folder, away] = [join(above, 'lake'), join(above, 'away')]
    const store = openFolderStore(folder)
    assert.deepEqual(await listed(store, ''), [], 'one that had nothing yet is empty')
    await store.put('a/b', bytes('x'))
    await rename(folder, away)
    const isAway = { code: 'lake-unavailable', message: /is gone, or empty/, hint: /mounted/ }
    const tryAll = async () => {
      await assert.rejects(store.get('a/b'), isAway)
      await assert.rejects(store.getRange('a/c', 0, 1), isAway)
      await assert.rejects(listed(store, ''), isAway)
      await assert.rejects(listed(store, 'a/'), isAway)
      await assert.rejects(store.put('a/c', bytes('y')), isAway)
      await assert.rejects(store.putIfAbsent('a/c', bytes('y')), isAway)
    }
    await tryAll()
    assert.deepEqual(await readdir(above), ['away'])
    // As a disk that is not mounted leaves it.
    await mkdir(folder)
    await tryAll()
    assert.deepEqual(await readdir(folder), [])
    await assert.rejects(async () => openFolderStore(away).get('nothing'), { code: 'lake-not-found' })
    await rm(folder, { recursive: true })
    await rename(away, folder)
    assert.deepEqual(await listed(store, ''), ['a/b'])
    await assert.rejects(store.get('a/c'), { code: 'lake-not-found' })
  })

  it('makes no other where its folder goes away in the middle of writes', async (t) => {
    const above = await mkdtemp(join(tmpdir(), 'readflow-store-'))
    t.after(() => rm(above, { recursive: true }))
    const [folder, away] = [join(above, 'lake'), join(above, 'away')]
    const store = openFolderStore(folder)
    await store.put('a', bytes('x'))
    for (let round = 0; round < 30; round++) {
      const writes = Array.from({ length: 20 }, (_, n) => store.putIfAbsent(`${round}/${n}/b`, bytes('y')))
      const settled = Promise.allSettled(writes)
      await new Promise((resolve) => setTimeout(resolve, round % 5))
      await rename(folder, away)
      await settled
      assert.deepEqual(await readdir(above), ['away'])
      await rename(away, folder)
    }
    assert.equal(Buffer.from(await store.get('a')).toString(), 'x')
  })

  it('says in one line what keeps it from writing', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'readflow-store-'))
    t.after(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'file'), '')
    for (const prefix of ['', 'a/'])
      await assert.rejects(listed(openFolderStore(join(folder, 'file')), prefix), { code: 'lake-unavailable', message: /is a file/ })
    await assert.rejects(openFolderStore(join(folder, 'file')).put('a', bytes('x')), {
      code: 'lake-unavailable',
      message: /cannot use a in the lake/,
      hint: /not a folder/,
    })
  })
})
