import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { csvLines } from '../../../api/http/formats.ts'

test('a field of CSV with a line break of any kind is quoted', () => {
  for (const value of ['A\nB', 'A\rB', 'A\r\nB', '\n']) {
    assert.equal(csvLines([[value, 1]]), `"${value}",1\r\n`)
  }
})

test('rows of CSV are read back as they were', () => {
  const rows = [
    ['plain', 'with, comma', 'with "quotes"'],
    ['two\nlines', 'old\rlines', ' spaces '],
    ['', 'é 三体', '=1+1'],
  ]
  assert.deepEqual(parse(csvLines(rows), { record_delimiter: '\r\n' }), rows)
})
