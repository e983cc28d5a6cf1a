import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { keepTargets, targetsFile } from '../../../ops/up/targets.ts'
import { tempDir } from '../../helpers/up.ts'

test('the file has each program at its newest address, and goes in the end', async (t) => {
  const dataDir = await tempDir(t)
  const read = () => JSON.parse(readFileSync(targetsFile(dataDir), 'utf8'))
  mkdirSync(path.dirname(targetsFile(dataDir)), { recursive: true })
  writeFileSync(targetsFile(dataDir), '[{"targets":["127.0.0.1:1"],"labels":{"program":"old"}}]')
  const targets = keepTargets(dataDir)
  assert.equal(existsSync(targetsFile(dataDir)), false, 'what a killed one left behind')
  targets.set('poll', '127.0.0.1:8091')
  targets.set('serve', '127.0.0.1:8080')
  targets.set('poll', '127.0.0.1:49152')
  assert.deepEqual(read(), [
    { targets: ['127.0.0.1:49152'], labels: { program: 'poll' } },
    { targets: ['127.0.0.1:8080'], labels: { program: 'serve' } },
  ])
  targets.remove()
  assert.equal(existsSync(targetsFile(dataDir)), false)
})
