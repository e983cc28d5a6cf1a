import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { errorLineOf, readTail, tellingLine } from '../../../ops/stack/log-tail.ts'
import { tempDir } from '../../helpers/up.ts'

const log = `2026-01-01 INFO starting (Server)
2026-01-01 ERROR Exiting Kafka due to fatal exception (Kafka$)
java.net.BindException: Address already in use
\tat java.base/sun.nio.ch.Net.bind0(Native Method)
\tat kafka.Kafka.main(Kafka.scala)
\t... 3 more
2026-01-01 INFO shut down (Server)
`

test('the last error says most; a stack trace says nothing', () => {
  assert.equal(tellingLine(log), 'java.net.BindException: Address already in use')
})

test('without an error the last line is what there is, and no error is told', () => {
  assert.equal(tellingLine('a\nb\n\n'), 'b')
  assert.equal(errorLineOf('a\nb\n'), null)
  assert.equal(tellingLine(''), null)
})

test('the end of a log begins where this run began', async (t) => {
  const file = path.join(await tempDir(t), 'service.log')
  assert.equal(readTail(file, 0), '')
  await writeFile(file, 'ERROR of yesterday\nINFO of today\n')
  assert.equal(readTail(file, 'ERROR of yesterday\n'.length), 'INFO of today\n')
})
