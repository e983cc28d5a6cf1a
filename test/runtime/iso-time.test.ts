import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { parseIsoTime } from '../../runtime/iso-time.ts'

const times = {
  '2026-11-24': '2026-11-24T00:00:00.000Z',
  '2026-11-24T08:00': '2026-11-24T08:00:00.000Z',
  '2026-11-24 08:00': '2026-11-24T08:00:00.000Z',
  '2026-11-24 08:00:00': '2026-11-24T08:00:00.000Z',
  '2026-11-24T08:00:00.123456': '2026-11-24T08:00:00.123Z',
  '2026-11-24T08:00:00z': '2026-11-24T08:00:00.000Z',
  '2026-11-24T08:00:00+02:00': '2026-11-24T06:00:00.000Z',
  '2026-11-24T08:00:00-0530': '2026-11-24T13:30:00.000Z',
  '2024-02-29': '2024-02-29T00:00:00.000Z',
}

test('a time is read the same wherever the machine stands, in UTC where no zone is given', () => {
  for (const [text, iso] of Object.entries(times)) assert.equal(new Date(parseIsoTime(text) ?? Number.NaN).toISOString(), iso, text)
  const module = new URL('../../runtime/iso-time.ts', import.meta.url).href
  const script = `import { parseIsoTime } from ${JSON.stringify(module)}; console.log(JSON.stringify(process.argv.slice(1).map(parseIsoTime)))`
  const printed = execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script, '--', ...Object.keys(times)],
    {
      env: { ...process.env, TZ: 'America/New_York' },
      encoding: 'utf8',
    },
  )
  assert.deepEqual(
    JSON.parse(printed),
    Object.values(times).map((iso) => Date.parse(iso)),
  )
})

test('what is no time is none', () => {
  for (const text of [
    ...['', 'yesterday', '2026', '2026-11', '2026-13-01', '2026-02-30', '2026-11-24 (x)', '2026-11-24T24:00', '2026-11-24T08:60'],
    ...['2026-11-24T8:00', '2026-11-24T08:00:00+25:00', '2026-11-24Z', '24.11.2026', '2026-11-24T08:00:00 UTC'],
  ]) {
    assert.equal(parseIsoTime(text), null, text)
  }
})
