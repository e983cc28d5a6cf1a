import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderKafkaConfig } from '../../../ops/stack/kafka.ts'

const config = Object.fromEntries(
  renderKafkaConfig({ port: 19_092, controllerPort: 19_093 })
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
)

test('the broker listens on this machine only', () => {
  assert.equal(config['listeners'], 'PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093')
  assert.equal(config['advertised.listeners'], 'PLAINTEXT://127.0.0.1:19092')
  assert.equal(config['controller.quorum.voters'], '1@127.0.0.1:19093')
})

test('the broker makes no topic by itself and takes records of 16 MiB', () => {
  assert.equal(config['auto.create.topics.enable'], 'false')
  assert.equal(config['message.max.bytes'], String(16 * 1024 ** 2))
})

test('no path of the data folder is in it, so that any folder name will do', () => {
  assert.equal(config['log.dirs'], 'log')
})
