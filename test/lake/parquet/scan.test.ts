import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Field } from '../../../lake/columns/column.ts'
import { type ParquetSource, scanParquet } from '../../../lake/parquet/scan.ts'
import { encodeParquet } from '../../../lake/parquet/write.ts'
import { type DuckDb, openDuckDb } from '../../../runtime/duckdb.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { batchOf, emptyRow, everyField, everyRow, field, nullRow, type Row, rowsOf } from '../sample.ts'

const sourceOf = (bytes: Uint8Array) => {
  const reads: [number, number][] = []
  const source: ParquetSource = {
    path: 'f.parquet',
    sizeBytes: bytes.length,
    read: async (start, end) => {
      reads.push([start, end])
      return bytes.slice(start, end)
    },
  }
  return { source, reads, readBytes: () => reads.reduce((sum, [start, end]) => sum + end - start, 0) }
}

const rowsIn = async (bytes: Uint8Array, fields: readonly Field[]) => {
  const rows: Row[] = []
  for await (const batch of scanParquet(sourceOf(bytes).source, fields)) rows.push(...rowsOf(batch))
  return rows
}

describe('scan of a Parquet file', () => {
  let folder: string
  let db: DuckDb
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'readflow-scan-'))
    db = await openDuckDb({})
  })
  after(async () => {
    await db.close()
    await rm(folder, { recursive: true })
  })
  const written = async (select: string, options = '') => {
    const file = join(folder, 'x.parquet')
    await db.run(`COPY (${select}) TO '${file}' (FORMAT parquet ${options})`)
    return readFile(file)
  }

  it('gives every kind of value as it was written', async () => {
    assert.deepEqual(await rowsIn(encodeParquet(batchOf(everyField, [everyRow, nullRow, emptyRow])), everyField), [
      everyRow,
      nullRow,
      emptyRow,
    ])
  })

  it('gives columns in any order, and nulls for what the file lacks, at any depth', async () => {
    const bytes = encodeParquet(batchOf(everyField, [everyRow]))
    const inner: Field = {
      name: 'work',
      type: { kind: 'struct', fields: [field('new', 'double'), field('id', 'long')] },
      nullable: true,
    }
    assert.deepEqual(await rowsIn(bytes, [field('later', 'string'), inner, field('id', 'long')]), [
      { later: null, work: { new: null, id: 2 ** 40 }, id: 1 },
    ])
    assert.deepEqual(await rowsIn(bytes, [field('later', 'string')]), [{ later: null }])
    assert.deepEqual(await rowsIn(bytes, []), [{}])
  })

  it('reads little more than the columns that it is asked for, whoever wrote the file', async () => {
    const select = 'SELECT i AS id, md5(i::VARCHAR) AS text, [i, i + 1] AS list, -i AS last FROM range(100000) t(i)'
    for (const options of [
      ', COMPRESSION zstd',
      ', COMPRESSION snappy, ROW_GROUP_SIZE 20000',
      ", PARQUET_VERSION 'V2', COMPRESSION zstd",
    ]) {
      const bytes = await written(select, options)
      const { source, readBytes } = sourceOf(bytes)
      let next = 0
      for await (const { columns, length } of scanParquet(source, [field('last', 'long'), field('id', 'long')])) {
        assert.ok(length <= 65_536)
        for (let row = 0; row < length; row++, next++) {
          assert.equal(columns[1]!.data[row * 2], next)
          assert.equal(columns[0]!.data[row * 2], -next | 0)
        }
      }
      assert.equal(next, 100_000)
      assert.ok(readBytes() < bytes.length / 2, `${readBytes()} of ${bytes.length}`)
    }
  })

  it('gives wide rows a few at a time', async () => {
    const rows = Array.from({ length: 40 }, (_, id) => ({ id, raw: randomBytes(1024 ** 2) }))
    const fields = [field('id', 'long'), field('raw', 'binary')]
    const sizes: number[] = []
    for await (const batch of scanParquet(sourceOf(encodeParquet(batchOf(fields, rows))).source, fields)) {
      for (const [index, row] of rowsOf(batch).entries()) {
        const id = sizes.reduce((sum, size) => sum + size, 0) + index
        assert.equal(row['id'], id)
        assert.ok(rows[id]!.raw.equals(row['raw'] as Uint8Array))
      }
      sizes.push(batch.length)
    }
    assert.deepEqual(sizes, [15, 15, 10])
  })

  it('reads numbers of any width, times of any unit and decimals as the types of the table', async () => {
    const bytes = await written(
      `SELECT 7::TINYINT AS a, -7::INTEGER AS b, 1.5::FLOAT AS c, TIMESTAMP_NS '1969-12-31 23:59:59.999999999' AS d,
        TIMESTAMP_MS '2026-11-22 01:02:03.004' AS e, -1.05::DECIMAL(30, 2) AS f, [1::SMALLINT] AS g, MAP {'k': 1::INTEGER} AS h`,
    )
    const fields: Field[] = [
      ...(['a', 'b'] as const).map((name) => field(name, 'long')),
      field('c', 'double'),
      field('d', 'timestamp'),
      field('e', 'timestamp'),
      field('f', 'string'),
      { name: 'g', type: { kind: 'list', element: { kind: 'long' } }, nullable: true },
      { name: 'h', type: { kind: 'map', value: { kind: 'long' } }, nullable: true },
    ]
    assert.deepEqual(await rowsIn(bytes, fields), [
      { a: 7, b: -7, c: 1.5, d: -1, e: Date.UTC(2026, 10, 22, 1, 2, 3, 4), f: '-1.05', g: [1], h: { k: 1 } },
    ])
    await assert.rejects(rowsIn(bytes, [field('a', 'string')]), { code: 'lake-invalid', message: /column a is Int8 .* where a string/ })
  })

  it('says so of bytes that are no Parquet file, or a damaged one, and never ends the process', async () => {
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode('PAR1'), new Uint8Array(500)])
      await assert.rejects(rowsIn(bytes, everyField), { code: 'lake-invalid', message: /f\.parquet/ })
    const whole = encodeParquet(batchOf(everyField, [everyRow, nullRow, emptyRow]))
    let refused = 0
    for (let at = 0; at < whole.length; at += 31) {
      const damaged = whole.slice()
      damaged[at]! ^= 0x5a
      await rowsIn(damaged, everyField).catch((error: unknown) => {
        assert.ok(error instanceof ReadflowError && error.code === 'lake-invalid', String(error))
        refused++
      })
    }
    assert.ok(refused > 10, String(refused))
    assert.deepEqual(await rowsIn(whole, everyField), [everyRow, nullRow, emptyRow])
  })

  it('passes on what the store says', async () => {
    const { source } = sourceOf(encodeParquet(batchOf(everyField, [everyRow])))
    const away = { ...source, read: () => Promise.reject(new ReadflowError('lake-unavailable', 'away')) }
    await assert.rejects(
      async () => {
        for await (const _ of scanParquet(away, everyField)) assert.fail('no rows')
      },
      { code: 'lake-unavailable' },
    )
  })
})
