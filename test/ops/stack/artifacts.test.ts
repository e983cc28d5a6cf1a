import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { cacheDir, fetchArtifacts } from '../../../ops/stack/artifacts.ts'
import type { MavenOptions } from '../../../ops/stack/maven.ts'
import { tempDir } from '../../helpers/up.ts'

const setUp = async (t: TestContext) => {
  const env = { XDG_CACHE_HOME: await tempDir(t) }
  let runs = 0
  const fetch = async ({ defines }: MavenOptions) => {
    runs++
    const dir = path.join(defines['stack.dir'] ?? '', 'kafka')
    await mkdir(dir, { recursive: true })
    await writeFile(path.join(dir, 'kafka.jar'), 'jar')
  }
  return { env, fetch, runs: () => runs, onProgress: () => undefined }
}

test('what is fetched once is used again, without Maven', async (t) => {
  const { runs, ...options } = await setUp(t)
  const { kafkaDir } = await fetchArtifacts(options)
  assert.ok(existsSync(path.join(kafkaDir, 'kafka.jar')))
  await fetchArtifacts(options)
  assert.equal(runs(), 1)
})

test('two that ask at the same time fetch once', async (t) => {
  const { runs, ...options } = await setUp(t)
  await Promise.all([fetchArtifacts(options), fetchArtifacts(options)])
  assert.equal(runs(), 1)
})

test('a cache with a damaged file is fetched again', async (t) => {
  const { runs, ...options } = await setUp(t)
  const { kafkaDir } = await fetchArtifacts(options)
  await writeFile(path.join(kafkaDir, 'kafka.jar'), 'half a jar')
  await fetchArtifacts(options)
  assert.equal(runs(), 2)
})

test('a fetch that fails leaves no cache that looks complete, and no lock', async (t) => {
  const { runs, ...options } = await setUp(t)
  await assert.rejects(fetchArtifacts({ ...options, fetch: () => Promise.reject(new Error('no network')) }), /no network/)
  assert.deepEqual(
    (await readdir(cacheDir(options.env))).filter((name) => name !== 'stack.partial'),
    [],
  )
  await fetchArtifacts(options)
  assert.equal(runs(), 1)
})
