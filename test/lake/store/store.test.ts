import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openFolderStore } from '../../../lake/store/folder.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array) => new TextDecoder().decode(value)
const listed = async (store: ObjectStore, prefix: string, startAfter?: string) => {
  const paths: string[] = []
  for await (const { path } of store.list(prefix, startAfter === undefined ? {} : { startAfter })) paths.push(path)
  return paths
}

const conformance = (name: string, open: (folder: string) => ObjectStore) =>
  describe(`object store: ${name}`, () => {
    let folder: string
    let store: ObjectStore
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'readflow-store-'))
      store = open(join(folder, 'lake'))
    })
    after(async () => {
      await store.close()
      await rm(folder, { recursive: true })
    })

    it('gives back what was put, and the latest of two puts', async () => {
      await store.put('get/a', bytes('one'))
      await store.put('get/a', bytes('two'))
      assert.equal(text(await store.get('get/a')), 'two')
    })

    it('keeps its own copy of the bytes', async () => {
      const mine = bytes('mine')
      await store.put('copy/a', mine)
      mine.fill(0)
      const got = await store.get('copy/a')
      got.fill(0)
      assert.equal(text(await store.get('copy/a')), 'mine')
    })

    it('says lake-not-found for what is not there, and for a folder', async () => {
      await store.put('missing/folder/a', bytes('a'))
      for (const path of ['missing/none', 'missing/folder', 'missing/folder/a/b']) {
        await assert.rejects(store.get(path), { code: 'lake-not-found' })
        await assert.rejects(store.getRange(path, 0, 1), { code: 'lake-not-found' })
      }
    })

    it('gives a range, cut at the end of the object', async () => {
      await store.put('range/a', bytes('0123456789'))
      assert.equal(text(await store.getRange('range/a', 2, 5)), '234')
      assert.equal(text(await store.getRange('range/a', 8, 50)), '89')
      assert.equal(text(await store.getRange('range/a', 5, 5)), '')
    })

    it('creates an object once, whoever comes at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => store.putIfAbsent('once/a', bytes(String(index)))))
      assert.equal(answers.filter((answer) => answer === 'created').length, 1)
      assert.equal(text(await store.get('once/a')), String(answers.indexOf('created')))
      assert.equal(await store.putIfAbsent('once/a', bytes('late')), 'exists')
    })

    it('takes in a finished local file', async () => {
      const file = join(folder, 'finished')
      await writeFile(file, 'from a file')
      await store.putFile('files/deep/a', file)
      assert.equal(text(await store.get('files/deep/a')), 'from a file')
    })

    it('lists by prefix, not by folder, in the order of the bytes', async () => {
      const paths = ['list/a/2', 'list/a.b', 'list/a/10', 'list/ab', 'list/b/x/y', 'other/list/a', 'list/a/\u{1f600}', 'list/a/\uff5e']
      for (const path of paths) await store.put(path, bytes('x'))
      assert.deepEqual(await listed(store, 'list/'), [
        'list/a.b',
        'list/a/10',
        'list/a/2',
        'list/a/\uff5e',
        'list/a/\u{1f600}',
        'list/ab',
        'list/b/x/y',
      ])
      assert.deepEqual(await listed(store, 'list/a/'), ['list/a/10', 'list/a/2', 'list/a/\uff5e', 'list/a/\u{1f600}'])
      assert.deepEqual(await listed(store, 'list/a'), ['list/a.b', 'list/a/10', 'list/a/2', 'list/a/\uff5e', 'list/a/\u{1f600}', 'list/ab'])
      assert.deepEqual(await listed(store, 'list/', 'list/a/2'), ['list/a/\uff5e', 'list/a/\u{1f600}', 'list/ab', 'list/b/x/y'])
      assert.deepEqual(await listed(store, 'list/b', 'list/b'), ['list/b/x/y'])
      assert.deepEqual(await listed(store, 'nothing/'), [])
      assert.ok((await listed(store, '')).includes('other/list/a'))
    })

    it('lists sizes and times', async () => {
      await store.put('sizes/a', bytes('12345'))
      for await (const info of store.list('sizes/')) {
        assert.equal(info.sizeBytes, 5)
        assert.ok(info.modifiedMs > 1_600_000_000_000)
      }
    })

    it('deletes, and deleting nothing is no fault', async () => {
      await store.put('gone/a', bytes('x'))
      await store.delete('gone/a')
      await store.delete('gone/a')
      assert.deepEqual(await listed(store, 'gone/'), [])
    })

    it('refuses paths that leave the lake or mean two things', async () => {
      for (const path of ['', '/etc/passwd', '../x', 'a/../../x', 'a//b', 'a/./b', 'a/', 'a\\b', 'a\0b', '.tmp/x']) {
        await assert.rejects(async () => store.get(path), { code: 'lake-invalid' }, path)
        await assert.rejects(async () => store.put(path, bytes('x')), { code: 'lake-invalid' }, path)
        assert.throws(() => store.localPath(path), { code: 'lake-invalid' }, path)
      }
      await assert.rejects(listed(store, '../'), { code: 'lake-invalid' })
    })
  })

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
