import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseToolCall } from '../../../ops/kafka-tool/tools.ts'

test('flags before the tool are ours, all behind it is the tool’s', () => {
  const call = parseToolCall(['--data', 'topics', 'consumer-groups', '--list', '--data', 'x'])
  assert.deepEqual([call?.ours, call?.args, call?.needsBrokers], [['--data', 'topics'], ['--list', '--data', 'x'], true])
  assert.equal(call?.className, 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand')
})

test('a broker that is given is left as it is, and help needs none', () => {
  const needsBrokers = (...args: string[]) => parseToolCall(['topics', ...args])?.needsBrokers
  assert.equal(needsBrokers('--list', '--bootstrap-server', 'a:1'), false)
  assert.equal(needsBrokers('--list', '--bootstrap-server=a:1'), false)
  assert.equal(needsBrokers('--help'), false)
  assert.equal(needsBrokers('--list'), true)
})

test('the names of Kafka’s own scripts are understood, others are refused with what there is', () => {
  assert.equal(parseToolCall(['kafka-topics.sh', '--list'])?.className, 'org.apache.kafka.tools.TopicCommand')
  assert.throws(() => parseToolCall(['group']), { code: 'config', message: /^'group' is no tool: consumer-groups, / })
  assert.throws(() => parseToolCall([]), { code: 'config', message: /^A tool must be named: / })
  assert.equal(parseToolCall(['--help']), null)
})
