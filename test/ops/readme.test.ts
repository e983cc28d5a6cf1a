import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { withConfigTable } from '../../ops/docs/readme.ts'

test('the README lists every knob as it is (npm run docs)', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  assert.equal(withConfigTable(readme), readme)
})
