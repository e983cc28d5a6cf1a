import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ObjectStore } from '../../../lake/store/store.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array) => new TextDecoder().decode(value)
/** Bytes in no pattern that a part boundary would hide. */
const numbered = (length: number) => {
  const made = new Uint8Array(length)
  const words = new Uint32Array(made.buffer, 0, Math.floor(length / 4))
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(index, 2_654_435_761)
  return made
}
const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
export const listed = async (store: ObjectStore, prefix: string, startAfter?: string) => {
  const paths: string[] = []
  for await (const { path } of store.list(prefix, startAfter === undefined ? {} : { startAfter })) paths.push(path)
  return paths
}

/** What every object store does, whatever it is made of. */
export const conformance = (name: string, open: (folder: string) => ObjectStore) =>
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

    it('gives an object in pieces that are of one object', async () => {
      await store.put('pieces/a', bytes('0123456789'))
      const { sizeBytes, read } = await store.pieces('pieces/a')
      assert.equal(sizeBytes, 10)
      assert.equal(text(await read(0, 4)) + text(await read(4, 50)), '0123456789')
      assert.equal((await read(10, 20)).length, 0)
      for (const firstBytes of [1, 4, 10, 50]) {
        const { read: readOn } = await store.pieces('pieces/a', firstBytes)
        assert.equal(
          text(await readOn(0, 4)) + text(await readOn(4, 9)) + text(await readOn(9, 50)),
          '0123456789',
          `${firstBytes} first bytes`,
        )
      }
      await store.put('pieces/a', bytes('another one'))
      await assert.rejects(read(4, 8), { code: 'lake-invalid' })
      await store.delete('pieces/a')
      await assert.rejects(store.pieces('pieces/a'), { code: 'lake-not-found' })
      await assert.rejects(read(0, 1), { code: 'lake-not-found' })
    })

    it('gives a range, cut at the end of the object', async () => {
      await store.put('range/a', bytes('0123456789'))
      assert.equal(text(await store.getRange('range/a', 2, 5)), '234')
      assert.equal(text(await store.getRange('range/a', 8, 50)), '89')
      assert.equal(text(await store.getRange('range/a', 0, 10)), '0123456789')
      assert.equal(text(await store.getRange('range/a', 9, 10)), '9')
      for (const [start, end] of [
        [5, 5],
        [0, 0],
        [10, 12],
        [50, 60],
        [6, 2],
      ] as const)
        assert.equal(text(await store.getRange('range/a', start, end)), '', `${start} to ${end}`)
      await assert.rejects(store.getRange('range/none', 5, 5), { code: 'lake-not-found' })
    })

    it('keeps an empty object', async () => {
      await store.put('empty/a', bytes(''))
      assert.equal((await store.get('empty/a')).length, 0)
      assert.equal((await store.getRange('empty/a', 0, 5)).length, 0)
      assert.equal(await store.putIfAbsent('empty/a', bytes('x')), 'exists')
      const file = join(folder, 'empty')
      await writeFile(file, '')
      await store.putFile('empty/b', file)
      for await (const info of store.list('empty/')) assert.equal(info.sizeBytes, 0)
    })

    it('keeps large objects, from memory and from a file', async () => {
      const large = numbered(17 * 1024 ** 2 + 3)
      await store.put('large/a', large)
      assert.ok(isSame(await store.get('large/a'), large))
      const file = join(folder, 'large')
      await writeFile(file, large)
      await store.putFile('large/b', file)
      const start = 8 * 1024 ** 2 - 5
      assert.ok(isSame(await store.getRange('large/b', start, start + 11), large.subarray(start, start + 11)))
      assert.ok(isSame(await store.get('large/b'), large))
    })

    it('takes any characters that a path may have', async () => {
      const names = ['a b', 'a+b', 'a%20b', 'a=b', 'a\'b"c', 'a&b<c>', 'a?b#c', 'a:b;c,d@e', 'a*b~c', 'größe', '書評', '\u{1f4da}', 'a\tb']
      for (const name of names) {
        const path = `odd/${name}=1/${name}`
        await store.put(path, bytes(name))
        assert.equal(text(await store.get(path)), name)
        assert.equal(await store.putIfAbsent(path, bytes('x')), 'exists')
        assert.deepEqual(await listed(store, `odd/${name}=`), [path])
      }
      const all = await listed(store, 'odd/')
      assert.equal(all.length, names.length)
      assert.deepEqual(await listed(store, 'odd/', all[4]), all.slice(5))
      for (const path of all) await store.delete(path)
      assert.deepEqual(await listed(store, 'odd/'), [])
    })

    it('creates an object once, whoever comes at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 16 }, (_, index) => store.putIfAbsent('once/a', bytes(String(index)))))
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

    it('lists more than a page of objects, from anywhere', async () => {
      const paths = Array.from({ length: 1100 }, (_, index) => `many/${String(index).padStart(20, '0')}.json`)
      for (let from = 0; from < paths.length; from += 50) {
        await Promise.all(paths.slice(from, from + 50).map((path) => store.put(path, bytes('x'))))
      }
      assert.deepEqual(await listed(store, 'many/'), paths)
      assert.deepEqual(await listed(store, 'many/', paths[1049]), paths.slice(1050))
      assert.deepEqual(await listed(store, 'many/', paths[20]), paths.slice(21))
      assert.deepEqual(await listed(store, 'many/', paths.at(-1)), [])
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
