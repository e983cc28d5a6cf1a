import { allowedFunctions, allowedTableFunctions } from './allowed-functions.ts'
import { ctesOf, isCte, isNode, type Node, nameOf, placesOf, type Scope } from './tree.ts'

/** What DuckDB's own parser says of a text, as `json_serialize_sql` gives it. */
export interface ParsedSql {
  error: boolean
  error_message?: string
  statements?: unknown[]
}

/** What a statement that may run reads, by the names that people use. */
export interface Reads {
  tables: string[]
  /** Whether it asks what tables there are. */
  catalog: boolean
}

export type Judgement = { ok: true; reads: Reads } | { ok: false; why: string }

/** Views of the catalogue that tell names and types, and nothing of where files are. */
const catalogViews = new Set(['information_schema.tables', 'information_schema.columns'])
/** What SHOW may show where it names no table, by the parser's names. */
const catalogShows = new Set(['"tables"', '"databases"', '"schemas"', '"variables"', '__show_tables_expanded'])
/** How the views of DuckDB's own that are found without a schema are called: nothing of a query may be called so. */
const reserved = /^(duckdb|pg|pragma|sqlite)_/

const SHOWN = 60
const shown = (name: unknown) => `'${String(name).slice(0, SHOWN)}'`

/**
 * Whether a statement may run: one SELECT, of tables that there are, with functions that are allowed. `known` has the names
 * of the tables; `sql` is the text, for a reason that helps.
 */
export const judge = (parsed: ParsedSql, known: ReadonlySet<string>, sql = ''): Judgement => {
  if (parsed.error) return { ok: false, why: refusalOf(parsed.error_message ?? 'it can not be parsed', sql) }
  const statements = parsed.statements ?? []
  if (statements.length !== 1) return { ok: false, why: `one statement at a time: this has ${statements.length}` }
  const tables = new Set<string>()
  let catalog = false
  for (const { node, scope } of placesOf(statements)) {
    const why = wrongName(node) ?? wrongFunction(node)
    if (why) return { ok: false, why }
    const read = readOf(node, scope, known)
    if (read === 'catalog') catalog = true
    else if (read && 'table' in read) tables.add(read.table)
    else if (read) return { ok: false, why: read.why }
  }
  return { ok: true, reads: { tables: [...tables], catalog } }
}

const wrongName = (node: Node): string | null => {
  const wrong = ctesOf(node).find(({ key }) => reserved.test(key.toLowerCase()))
  return wrong ? `nothing may be named ${shown(wrong.key)}: names that begin so are DuckDB's own` : null
}

const wrongFunction = (node: Node): string | null => {
  const isTable = node['type'] === 'TABLE_FUNCTION'
  const name = isTable ? ((node['function'] ?? {}) as Node)['function_name'] : node['function_name']
  if (name === undefined && !isTable) return null
  if (typeof name === 'string' && (isTable ? allowedTableFunctions : allowedFunctions).has(nameOf(name))) return null
  return `the function ${shown(name)} may not be used here`
}

/** What a node reads: a table of ours, or the catalogue; null where it reads nothing by itself. */
const readOf = (node: Node, scope: Scope | null, known: ReadonlySet<string>): 'catalog' | { table: string } | { why: string } | null => {
  if (node['type'] === 'SHOW_REF') {
    if (isNode(node['query'])) return null
    const name = String(node['table_name'] ?? '')
    return name === '' || catalogShows.has(name) ? 'catalog' : { why: `SHOW ${name} is not to be had. SHOW TABLES lists the tables` }
  }
  if (node['type'] !== 'BASE_TABLE') return null
  const [catalogName, schema, name] = ['catalog_name', 'schema_name', 'table_name'].map((key) => nameOf(node[key])) as [
    string,
    string,
    string,
  ]
  if (catalogName === '' && catalogViews.has(`${schema}.${name}`)) return 'catalog'
  if (catalogName === '' && schema === '' && isCte(scope, name)) return null
  if (catalogName === '' && (schema === '' || schema === 'main') && known.has(name)) return { table: name }
  return { why: `there is no table ${shown([catalogName, schema, name].filter(Boolean).join('.'))}. SHOW TABLES lists them` }
}

/** The parser's own words, where they help somebody who asks. */
const refusalOf = (message: string, sql: string): string => {
  if (!/Only SELECT statements/i.test(message)) return message.split('\n')[0]!
  const only = 'only SELECT, and EXPLAIN of one, may be asked here'
  return /\bpivot\b/i.test(sql) ? `${only}; a PIVOT is one where it names its values: PIVOT … ON column IN ('one', 'two') USING …` : only
}

const gap = String.raw`(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)`
const option = String.raw`(?:analyze|format\s+(?:json|text|yaml|html|graphviz|mermaid))`
const beginning = new RegExp(
  `^${gap}*explain(?:(${gap}+analyze)|${gap}*\\((\\s*${option}(?:\\s*,\\s*${option})*\\s*)\\))?(?=${gap}|\\(|$)`,
  'i',
)

/** What EXPLAIN explains. The rest is judged like any statement, so that it may hold nothing else. */
export const splitExplain = (sql: string): { explain: string; select: string } => {
  const found = beginning.exec(sql)
  if (!found) return { explain: '', select: sql }
  const explain = found[1] ? 'EXPLAIN ANALYZE ' : found[2] ? `EXPLAIN (${found[2].trim()}) ` : 'EXPLAIN '
  return { explain, select: sql.slice(found[0].length) }
}
