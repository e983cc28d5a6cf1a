import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readflow } from '../helpers/up.ts'

test('without a command it lists them', async () => {
  const { code, stdout } = await readflow([])
  assert.equal(code, 0)
  for (const command of ['up', 'stack', 'poll', 'consume', 'compact', 'serve']) assert.match(stdout, new RegExp(`^  ${command} `, 'm'))
})

test('an unknown command is one line and exit 2', async () => {
  const { code, stdout, stderr } = await readflow(['constructor'])
  assert.equal(code, 2)
  assert.equal(stdout, '')
  assert.match(stderr, /^readflow: there is no command "constructor"\..*\n$/)
})

test('flags reach the program untouched, and its exit code comes back', async () => {
  const { code, stderr } = await readflow(['stack', '--kafka-port=notaport'])
  assert.equal(code, 2)
  assert.match(stderr, /^stack: --kafka-port: 'notaport' .*\n$/)
})

test('with both services given, the stack starts nothing', async () => {
  const { code, stdout } = await readflow(['stack'], { env: { KAFKA_BROKERS: 'a:1,b:2', SCHEMA_REGISTRY_URL: 'http://c:3' } })
  assert.equal(code, 0)
  assert.match(stdout, /^Nothing to start: KAFKA_BROKERS is a:1,b:2 and SCHEMA_REGISTRY_URL is http:\/\/c:3\.\n$/)
})
