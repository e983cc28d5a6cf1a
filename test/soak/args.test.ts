import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArgs } from './args.ts'

const read = (...argv: string[]) => readArgs(argv, () => 42)

test('flags of the soak: defaults, what is given, help', () => {
  assert.deepEqual(read(), { minutes: 20, seed: 42, lake: 'folder' })
  assert.deepEqual(read('--minutes', '1.5', '--seed=7', '--lake', 'minio'), { minutes: 1.5, seed: 7, lake: 'minio' })
  assert.equal(read('--seed', '7', '--help'), 'help')
})

test('a wrong flag is one line that says what is wrong', () => {
  const wrong = [
    ['--minutes', '0'],
    ['--minutes', 'x'],
    ['--minutes='],
    ['--seed', '1.5'],
    ['--seed', '-1'],
    ['--lake', 's3'],
    ['--bogus'],
    ['more'],
  ]
  for (const argv of wrong) {
    const found = read(...argv)
    assert.ok(typeof found === 'object' && 'fault' in found, argv.join(' '))
    assert.match(found.fault, /^[^\n]{10,120}\.$/)
  }
})
