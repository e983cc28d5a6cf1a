import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeFlags, programEnv } from '../../runtime/node-flags.mjs'

test('consume is started so that it gives memory back; what a person has set wins', () => {
  assert.ok(nodeFlags('consume').some((flag) => flag.startsWith('--max-semi-space-size')))
  assert.ok(!nodeFlags('serve').some((flag) => flag.startsWith('--max-semi-space-size')))
  for (const command of ['consume', 'compact']) assert.equal(programEnv(command, {})['MALLOC_ARENA_MAX'], '2')
  assert.equal(programEnv('consume', { MALLOC_ARENA_MAX: '7' })['MALLOC_ARENA_MAX'], '7')
  assert.equal(programEnv('serve', {})['MALLOC_ARENA_MAX'], undefined)
  assert.equal(programEnv('serve', { A: '1' })['A'], '1')
})
