import assert from 'node:assert/strict'
import { userInfo } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { silver, withGate } from '../compactor/gate/lake.ts'
import { rating } from '../compactor/silver.ts'
import { lastJson, readflow } from '../helpers/up.ts'

test('readflow gate says what holds Gold and why, and releases it on record; what it can not do is one line', () =>
  withGate(async ({ dir, addSilver, audited, addBad, published, ratings }) => {
    const gate = (...args: string[]) =>
      readflow(['gate', ...args, '--data', path.join(dir, 'data'), '--lake', `file:${path.join(dir, 'lake')}`])
    await addSilver(silver)
    await audited()
    const open = await gate()
    assert.deepEqual([open.code, open.stdout], [0, `Open: nothing holds Gold; readers see Gold version 0 of 2026-11-01T00:00:00.000Z.\n`])
    await addBad('u3', 'u4')
    const { run } = (await audited()).held!

    const held = await gate()
    assert.equal(held.code, 0)
    assert.match(held.stdout, /^Held since 2026-11-01T00:00:00.000Z; readers see Gold version 0 of 2026-11-01T00:00:00.000Z\.$/m)
    assert.match(held.stdout, /^ {4}2 ratings lie outside of 1 to 5\.$/m)
    assert.match(held.stdout, /^ {4}measured 2; threshold: at most 0 rows outside of 1 to 5$/m)
    assert.match(held.stdout, /^ {4}such as u3:b1, u4:b1$/m)
    assert.ok(held.stdout.includes(`readflow gate release ${run} --why`))
    const json = lastJson(await gate('--json'))
    assert.deepEqual([json.held.run, json.version, json.held.checks[0].measured, json.releasable], [run, 0, 2, [run]])
    assert.ok(json.entries[0].tables.includes('fact_rating') && !json.entries[0].tables.includes('dim_book'))

    for (const [args, code, line] of [
      [['release', '00000000'], 2, /^gate: --why must say why/],
      [['release', run, '--why', '  '], 2, /^gate: --why: must not be empty/],
      [['release', '00000000', '--why', 'x'], 2, /^gate: There is no held run '00000000'/],
      [['release'], 2, /^gate: A run must be named/],
      [['open'], 2, /^gate: 'open' is nothing that the gate can do/],
      [['release', run, 'more', '--why', 'x'], 2, /^gate: Unexpected argument 'more'/],
    ] as const) {
      const answer = await gate(...args)
      assert.deepEqual([answer.code, answer.stdout], [code, ''], args.join(' '))
      assert.match(answer.stderr, line)
      assert.equal(answer.stderr.trimEnd().split('\n').length, 1)
    }
    assert.equal((await published())?.version, 0)

    const released = await gate('release', run, '--why', ' a known fault of the source,\nnine is five ')
    assert.equal(released.stdout, `Run ${run} is Gold version 1 now; waived until they pass: fact_rating.rating.range.\n`)
    assert.deepEqual((await published())?.released, { run, by: userInfo().username, why: 'a known fault of the source, nine is five' })
    assert.equal((await ratings()).length, 4)
    const again = await gate('release', run, '--why', 'x')
    assert.deepEqual([again.code, /^gate: Run .* was released already, at .*\n$/.test(again.stderr)], [1, true])
    assert.match((await gate()).stdout, /^Waived until it passes, by .*: fact_rating\.rating\.range \(measured 2\)$/m)
    await addSilver({ ratings: [rating('u9', 'b1', 3, '2026-03-12')] })
    assert.equal((await audited()).isBuilt, true)
  }))
