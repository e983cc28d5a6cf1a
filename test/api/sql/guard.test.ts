import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { allowedFunctions, allowedTableFunctions } from '../../../api/sql/allowed-functions.ts'
import { judge, type ParsedSql } from '../../../api/sql/guard.ts'

// A bare DuckDB without any table of ours: its own binder says which names it found no common table expression for.
let connection: DuckDBConnection
let instance: DuckDBInstance
before(async () => {
  instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  connection = await instance.connect()
})
after(() => {
  connection.closeSync()
  instance.closeSync()
})

const column = async (sql: string): Promise<string[]> => (await connection.runAndReadAll(sql)).getRows().map(([value]) => String(value))
const parsed = async (sql: string): Promise<ParsedSql> =>
  JSON.parse((await column(`SELECT CAST(json_serialize_sql('${sql.replaceAll("'", "''")}') AS VARCHAR)`))[0]!)

const names = ['alpha', 'beta', 'gamma', 'delta']
const known = new Set(names)

/** What the guard says that is read, or why it refuses; beside it what DuckDB itself could not find among the WITHs. */
const asked = async (sql: string) => {
  const judged = judge(await parsed(sql), known)
  const bound = connection.getTableNames(sql, false).map((name) => name.toLowerCase())
  return { guard: judged.ok ? judged.reads.tables.toSorted() : judged.why, duckdb: [...new Set(bound)].toSorted() }
}

/** Queries over few names, which stand for tables and for common table expressions at once. */
const queries = fc.letrec<{ query: string; ctes: string[]; body: string; source: string }>((tie) => {
  const name = fc.constantFrom(...names, 'ALPHA', '"Beta"')
  const select = (source: string) => `SELECT 1 AS w FROM ${source}`
  const recursive = fc.tuple(name, tie('body'), tie('body')).map(([own, left, right]) => `${own} AS ((${left}) UNION ALL (${right}))`)
  const plain = fc
    .tuple(name, tie('query'), fc.constantFrom('', 'MATERIALIZED ', 'NOT MATERIALIZED '))
    .map(([own, query, how]) => `${own} AS ${how}(${query})`)
  return {
    query: fc.oneof(
      { weight: 2, arbitrary: tie('body') },
      // Each one is asked, as DuckDB looks at no other.
      fc.tuple(fc.constantFrom('WITH', 'WITH RECURSIVE'), tie('ctes'), tie('body')).map(([kind, ctes, body]) => {
        const own = ctes.map((cte, index) => `${cte.split(' ')[0]} AS c${index}`)
        return `${kind} ${ctes.join(', ')} SELECT 1 AS w FROM (${body}) AS b, ${own.join(', ')}`
      }),
    ),
    ctes: fc.uniqueArray(fc.oneof(plain, recursive), {
      minLength: 1,
      maxLength: 3,
      selector: (cte) => cte.split(' ')[0]!.replaceAll('"', '').toLowerCase(),
    }),
    body: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 3, arbitrary: tie('source').map(select) },
      fc.tuple(tie('source'), tie('query')).map(([source, query]) => `${select(source)} WHERE EXISTS (${query})`),
      fc.tuple(tie('query'), tie('source')).map(([query, source]) => `SELECT (${query}) AS w FROM ${source}`),
      fc
        .tuple(tie('query'), tie('query'), fc.constantFrom('UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'))
        .map(([a, b, how]) => `(${a}) ${how} (${b})`),
      fc.tuple(tie('source'), tie('query')).map(([source, query]) => `${select(source)} ORDER BY (${query}) LIMIT (${query})`),
      fc.tuple(tie('query')).map(([query]) => `VALUES ((${query}))`),
    ),
    source: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 4, arbitrary: name },
      fc.tuple(name, name, fc.constantFrom('CROSS', 'POSITIONAL')).map(([a, b, how]) => `${a} AS l ${how} JOIN ${b} AS r`),
      fc
        .tuple(name, name, fc.constantFrom('', 'LEFT', 'FULL', 'SEMI', 'ANTI'))
        .map(([a, b, how]) => `${a} AS l ${how} JOIN ${b} AS r ON true`),
      tie('query').map((query) => `(${query}) AS q`),
      fc.tuple(name, tie('query')).map(([a, query]) => `${a} AS l, LATERAL (${query}) AS q`),
      tie('query').map((query) => `range((${query})) AS f`),
    ),
  }
}).query

describe('what a statement reads', () => {
  it('is what DuckDB itself does not find among its WITHs, whatever is named alike', async () => {
    await fc.assert(
      fc.asyncProperty(queries, async (sql) => {
        const { guard, duckdb } = await asked(sql)
        assert.deepEqual(guard, duckdb, sql)
      }),
      { numRuns: 150 },
    )
  })

  it('is so in places that are easily mistaken', async () => {
    for (const [sql, tables] of [
      ['WITH alpha AS (SELECT 1 FROM alpha) SELECT * FROM alpha', ['alpha']],
      ['WITH alpha AS (SELECT 1) SELECT * FROM alpha', []],
      ['WITH a AS (SELECT 1 FROM alpha), alpha AS (SELECT 1) SELECT * FROM a, alpha', ['alpha']],
      ['WITH RECURSIVE a AS (SELECT 1 FROM alpha), alpha AS (SELECT 1) SELECT * FROM a, alpha', ['alpha']],
      ['SELECT 1 FROM alpha, (WITH alpha AS (SELECT 1) SELECT 1 FROM alpha) x', ['alpha']],
      ['SELECT (WITH alpha AS (SELECT 1) SELECT 1 FROM alpha) FROM alpha', ['alpha']],
      ['(WITH alpha AS (SELECT 1) SELECT 1 FROM alpha) UNION SELECT 1 FROM alpha', ['alpha']],
      ['WITH alpha AS (SELECT 1) SELECT 1 FROM alpha UNION SELECT 1 FROM alpha', []],
      ['WITH alpha AS (SELECT 1) SELECT * FROM main.alpha', ['alpha']],
      ['WITH RECURSIVE alpha AS (SELECT 1 AS w FROM alpha UNION ALL SELECT 1 FROM beta) SELECT 1 FROM alpha', ['alpha', 'beta']],
      ['WITH RECURSIVE alpha AS (SELECT 1 AS w FROM beta UNION ALL SELECT 1 FROM alpha) SELECT 1 FROM alpha', ['beta']],
      ['WITH alpha AS (SELECT 1) SELECT * FROM (WITH alpha AS (SELECT * FROM alpha) SELECT * FROM alpha)', []],
      ['WITH alpha AS (SELECT 1 AS w) SELECT count(*) FROM beta HAVING (SELECT 1 FROM alpha) > 0', ['beta']],
      ['SELECT 1 FROM beta QUALIFY row_number() OVER (ORDER BY (SELECT 1 FROM alpha)) = 1', ['alpha', 'beta']],
      ['TABLE alpha', ['alpha']],
      ['DESCRIBE alpha', ['alpha']],
      ['SUMMARIZE alpha', ['alpha']],
      ['SHOW alpha', ['alpha']],
    ] as const) {
      const { guard, duckdb } = await asked(sql)
      assert.deepEqual([guard, duckdb], [tables, tables], sql)
    }
  })
})

describe("DuckDB's own catalogue", () => {
  it('can not be named, nor can anything be named like it', async () => {
    const own = await column("SELECT DISTINCT view_name FROM duckdb_views() WHERE internal AND schema_name <> 'information_schema'")
    assert.ok(own.includes('duckdb_views') && own.includes('pg_settings') && own.includes('sqlite_master'))
    for (const view of own) {
      for (const sql of [
        `SELECT * FROM ${view}`,
        `SELECT * FROM main.${view}`,
        `WITH ${view} AS (SELECT * FROM ${view}) SELECT * FROM ${view}`,
        `WITH ${view.toUpperCase()} AS (SELECT 1) SELECT * FROM ${view}`,
        `SELECT * FROM ${view}, (WITH ${view} AS (SELECT 1) SELECT * FROM ${view}) x`,
        `WITH a AS (SELECT * FROM ${view}), ${view} AS (SELECT 1) SELECT * FROM a`,
        // The sign of Kelvin, which is no K to DuckDB.
        `WITH "${view.replaceAll('k', '\u212a')}" AS (SELECT 1) SELECT * FROM ${view}`,
      ])
        assert.equal(judge(await parsed(sql), known).ok, false, sql)
    }
  })

  it('is not read by any function that may be called in FROM', async () => {
    const macros = await column("SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'table_macro'")
    assert.ok(macros.includes('histogram'), 'which reads the table whose name it is given')
    assert.deepEqual(
      macros.filter((name) => allowedTableFunctions.has(name)),
      [],
    )
    const readers = await column(
      "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'macro' AND contains(macro_definition, ' FROM ')",
    )
    assert.ok(readers.includes('pg_get_viewdef'))
    assert.deepEqual(
      readers.filter((name) => allowedFunctions.has(name)),
      [],
    )
    for (const sql of [
      "SELECT * FROM histogram('pg_settings', name)",
      'SELECT * FROM histogram_values(pg_settings, name)',
      "FROM repeat('x', 9)",
    ])
      assert.equal(judge(await parsed(sql), known).ok, false, sql)
    assert.equal(judge(await parsed('SELECT histogram(w) FROM alpha'), known).ok, true)
  })
})
