import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { it } from 'node:test'
import { openStore } from '../../../lake/store/open.ts'

it('opens a folder by a relative, an absolute and a real file URL', () => {
  assert.equal(openStore('file:some/lake').localPath('a/b'), resolve('some/lake/a/b'))
  assert.equal(openStore('file:/var/lake').localPath('a'), '/var/lake/a')
  assert.equal(openStore('file:///var/my%20lake').localPath('a'), '/var/my lake/a')
})

it('names the fault of a lake URL that it can not open', () => {
  assert.throws(() => openStore('s3://bucket/x'), { code: 'config', message: /S3/ })
  for (const url of ['', 'lake', 'file:', 'http://x/y', 'file://host/x']) assert.throws(() => openStore(url), { code: 'config' }, url)
})
