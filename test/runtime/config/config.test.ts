import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../../runtime/config/config.ts'
import { ReadflowError } from '../../../runtime/errors.ts'

const faultsOf = (argv: string[], env: NodeJS.ProcessEnv = {}) => {
  try {
    parseConfig('up', argv, env)
  } catch (error) {
    assert.ok(error instanceof ReadflowError)
    assert.equal(error.code, 'config')
    return error.message
  }
  return assert.fail('expected a configuration error')
}

test('defaults, environment and flags: a flag wins', () => {
  const config = parseConfig('up', ['--flush-interval', '2s', '--once'], { READFLOW_FLUSH_INTERVAL: '1m', READFLOW_PORT: '9999' })
  assert.equal(config?.flushIntervalMs, 2000)
  assert.equal(config?.port, 9999)
  assert.equal(config?.isOnce, true)
  assert.equal(config?.flushMaxBytes, 4 * 1024 * 1024)
  assert.deepEqual([...(config?.explicit ?? [])].sort(), ['flushIntervalMs', 'isOnce', 'port'])
})

test('all faults are named at once, each with what would be right', () => {
  const message = faultsOf(['--flush-interval', '10', '--port', '70000'])
  assert.match(message, /--flush-interval: '10' needs a number and a unit/)
  assert.match(message, /--port: '70000' is not a whole number from 0 to 65535/)
})

test('an unknown flag is named', () => assert.match(faultsOf(['--sorce=x']), /--sorce/))

test("a value below zero is the flag's, not a flag", () =>
  assert.equal(parseConfig('replay', ['silver.books', '--from', '-5', '--json'], {})?.replayFrom, '-5'))

test('a broken secret is never shown', () => assert.doesNotMatch(faultsOf(['--port', 'x'], { GOODREADS_API_KEY: 'hunter2' }), /hunter2/))

test('the lake lies in the data folder unless told otherwise', () => {
  assert.match(parseConfig('up', ['--data', '/tmp/some where'], {})?.lakeUrl ?? '', /^file:.*some where.lake$/)
  assert.equal(parseConfig('up', [], { LAKE_URL: 'file:/elsewhere' })?.lakeUrl, 'file:/elsewhere')
})
