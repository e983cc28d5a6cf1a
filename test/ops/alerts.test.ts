import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { documentedMetrics } from '../helpers/metrics.ts'
import { alertsOf, ruleFiles, rulesDir, runbookOf, scaleToSeconds } from '../helpers/rules.ts'
import { tool } from '../helpers/tool.ts'
import { root } from '../helpers/up.ts'

const noPromtool = tool('promtool', ['--version'], 'sudo apt-get install prometheus')
const noAmtool = tool('amtool', ['--version'], 'sudo apt-get install prometheus-alertmanager')
const testsDir = path.join(root, 'ops/prometheus/tests')
const promtoolTests = readdirSync(testsDir).map((file) => path.join(testsDir, file))
const alerts = [...ruleFiles().values()].flatMap(alertsOf)

const run = (command: string, args: string[]) => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  assert.equal(status, 0, `${stdout}${stderr}`)
}

test('promtool takes the rules, and its tests of them pass', { skip: noPromtool }, () => {
  run('promtool', ['check', 'rules', ...[...ruleFiles().keys()].map((file) => path.join(rulesDir, file))])
  run('promtool', ['test', 'rules', ...promtoolTests])
})

test("promtool's tests have a case of each alert", () => {
  const cases = promtoolTests.map((file) => readFileSync(file, 'utf8')).join('\n')
  const without = alerts.filter(({ name }) => !cases.includes(`alertname="${name}"`)).map(({ name }) => name)
  assert.deepEqual(without, [], 'have no case in ops/prometheus/tests')
})

test('amtool takes the configuration of Alertmanager', { skip: noAmtool }, () => {
  run('amtool', ['check-config', path.join(root, 'ops/alertmanager/alertmanager.yml')])
})

test('each alert has a severity, a summary and a runbook that is there', () => {
  assert.ok(alerts.length >= 30)
  assert.equal(new Set(alerts.map(({ name }) => name)).size, alerts.length)
  const missing: string[] = []
  for (const { name, severity, runbookUrl } of alerts) {
    assert.match(severity, /^(critical|warning)$/, name)
    assert.match(name, /^Readflow[A-Z]/)
    const runbook = runbookOf(name)
    assert.equal(runbookUrl, `http://127.0.0.1:8080/runbooks/${runbook}`)
    if (!existsSync(path.join(root, `ops/runbooks/${runbook}.md`))) missing.push(runbook)
  }
  assert.deepEqual(missing, [], 'have no runbook in ops/runbooks')
})

test('expressions ask for documented metrics and their labels only', () => {
  const documented = new Map(documentedMetrics().map(({ name, labels }) => [name, labels]))
  const used = [...ruleFiles().values()].flatMap((text) => [
    ...text.matchAll(/(?<![\w:])((?:readflow|http|process|nodejs)_\w+)(?:\{([^}]*)\})?/g),
  ])
  assert.ok(used.length > 40)
  for (const [, name = '', matchers = ''] of used) {
    const labels = documented.get(name) ?? documented.get(name.replace(/_(bucket|sum|count)$/, ''))
    assert.ok(labels, `${name} is not in docs/metrics.md`)
    for (const [, label = ''] of matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g))
      assert.ok([...labels, 'program', 'job'].includes(label), `${name} has no label ${label}`)
  }
})

test('a minute of the rules becomes a second', () => {
  assert.equal(
    scaleToSeconds('rate(a[10m]) > 5 * 60 offset 1h\n        for: 2m\n        for: 1h\n        for: 0s'),
    'rate(a[10s]) > 5 offset 60s\n        for: 2s\n        for: 10s\n        for: 0s',
  )
})
