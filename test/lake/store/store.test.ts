import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
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

  it('says in one line what keeps it from writing', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'readflow-store-'))
    t.after(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'file'), '')
    await assert.rejects(openFolderStore(join(folder, 'file')).put('a', bytes('x')), {
      code: 'lake-unavailable',
      message: /cannot use a in the lake/,
      hint: /not a folder/,
    })
  })
})
