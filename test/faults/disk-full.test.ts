import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it, type TestContext } from 'node:test'
import { openFolderStore } from '../../lake/store/folder.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openMemoryStore } from '../../lake/store/memory.ts'

const SIZE_BYTES = 2 * 1024 ** 2
const skip = process.platform === 'linux' ? false : 'a small disk is mounted on Linux only'

/** As root, or as one who may become it unasked. */
const asRoot = (command: string, ...args: string[]) =>
  (process.getuid?.() === 0 ? spawnSync(command, args) : spawnSync('sudo', ['-n', command, ...args])).status === 0

/** A disk of SIZE_BYTES, and a folder elsewhere; null, with the test skipped, where this user may not mount one. */
const smallDisk = async (t: TestContext) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-full-'))
  const elsewhere = await mkdtemp(path.join(tmpdir(), 'readflow-full-'))
  t.after(async () => {
    asRoot('umount', dir)
    for (const folder of [dir, elsewhere]) await rm(folder, { recursive: true, force: true })
  })
  if (asRoot('mount', '-t', 'tmpfs', '-o', `size=${SIZE_BYTES},mode=777`, 'tmpfs', dir)) return { dir, elsewhere }
  assert.notEqual(process.env['CI'], 'true', 'CI may mount a small disk')
  t.skip('this user may not mount a small disk')
  return null
}

it('a start on a full disk says so in one line, and what to do', { skip }, async (t) => {
  const disk = await smallDisk(t)
  if (!disk) return
  const args = ['--data', path.join(disk.dir, 'data'), '--kafka-port', '0', '--registry-port', '0', '--port', '0', '--metrics-port', '0']
  const started = () => spawnSync(process.execPath, ['bin/readflow.mjs', 'up', '--once', ...args], { encoding: 'utf8', timeout: 60_000 })
  for (const free of [SIZE_BYTES, 16_384, 0]) {
    await writeFile(path.join(disk.dir, 'filler'), new Uint8Array(SIZE_BYTES - free))
    const { status, stderr } = started()
    assert.equal(status, 2, stderr)
    assert.match(stderr, free > 0 ? /^up: The disk of the data folder .* is full: \d MiB are free.*Free some space/ : /^up: .*: ENOSPC/)
    assert.equal(stderr.trim().split('\n').length, 1, stderr)
    await rm(path.join(disk.dir, 'data'), { recursive: true, force: true })
  }
})

it('a full disk is a fault that passes: nothing torn, nothing left, and it works again', { skip }, async (t) => {
  const disk = await smallDisk(t)
  if (!disk) return
  const { dir, elsewhere } = disk
  const store = openFolderStore(path.join(dir, 'lake'))
  const paths = async () => {
    const found: string[] = []
    for await (const info of store.list('')) found.push(`${info.path} ${info.sizeBytes}`)
    return found
  }
  const half = new Uint8Array(SIZE_BYTES / 2).fill(1)
  const file = path.join(elsewhere, 'finished')
  await writeFile(file, half)
  await store.put('a', half)
  await store.put('small', new Uint8Array(10))

  const full = { code: 'lake-unavailable', message: /ENOSPC/, hint: /disk is full/ }
  for (let round = 0; round < 3; round++) {
    await assert.rejects(store.put('b', half), full)
    await assert.rejects(
      store.put(
        'a',
        half.map(() => 2),
      ),
      full,
    )
    await assert.rejects(store.putIfAbsent('log/1', half), full)
    await assert.rejects(store.putFile('c', file), full)
  }
  assert.deepEqual(await paths(), [`a ${half.length}`, 'small 10'])
  assert.equal((await store.get('a'))[0], 1, 'the old object stays whole')
  assert.deepEqual(await readdir(path.join(dir, 'lake', '.tmp')), [])

  const memory = openMemoryStore()
  await memory.put('d', half)
  const copies = openLocalFiles({ store: memory, dir: path.join(dir, 'cache'), maxBytes: SIZE_BYTES })
  await assert.rejects(copies.hold([{ path: 'd', sizeBytes: half.length }]), { code: 'lake-unavailable', message: /no room/ })

  await store.delete('a')
  assert.equal(await store.putIfAbsent('log/1', half), 'created')
  await store.delete('log/1')
  ;(await copies.hold([{ path: 'd', sizeBytes: half.length }])).release()
  await rm(path.join(dir, 'cache'), { recursive: true })
  await store.putFile('c', file)
  assert.deepEqual(await paths(), [`c ${half.length}`, 'small 10'])
  assert.deepEqual(await readdir(elsewhere), [], 'the file was taken in')
})
