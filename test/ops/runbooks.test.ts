import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseConfig } from '../../runtime/config/config.ts'
import type { Program } from '../../runtime/config/knobs.ts'
import { alertsOf, ruleFiles, runbookOf } from '../helpers/rules.ts'

const at = (file: string) => new URL(`../../${file}`, import.meta.url)
const runbooks = readdirSync(at('ops/runbooks')).filter((file) => file.endsWith('.md'))
const textOf = (file: string) => readFileSync(at(`ops/runbooks/${file}`), 'utf8')

test('each runbook says what is suffered, seen, done, mended and not done, in few lines', () => {
  assert.ok(runbooks.length > 20)
  for (const file of runbooks) {
    const text = textOf(file)
    for (const part of ['What readers suffer', 'See it in a minute', 'What to do', 'It is mended when', 'What not to do'])
      assert.ok(text.includes(`**${part}`), `${file}: ${part}`)
    assert.ok(text.split('\n').length <= 40, file)
  }
})

test('commands of runbooks are such that the programs take', (t) => {
  // Help is no fault, and need not be seen here.
  t.mock.method(process.stdout, 'write', () => true)
  for (const file of runbooks) {
    const commands = [...textOf(file).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.trim().split('\n'))
    assert.ok(commands.length > 1, file)
    for (const command of commands) {
      const [name, program = '', ...argv] = command.split(' ')
      assert.equal(name, 'readflow', `${file}: ${command}`)
      assert.doesNotThrow(() => parseConfig(program as Program, argv, {}), `${file}: ${command}`)
    }
  }
})

test('each alert has its runbook, and each runbook its alert', () => {
  const alerts = [...ruleFiles().values()].flatMap(alertsOf)
  assert.deepEqual([...new Set(alerts.map(({ name }) => runbookOf(name)))].sort(), runbooks.map((file) => file.replace(/\.md$/, '')).sort())
})
