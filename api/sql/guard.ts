import { allowedFunctions } from './allowed-functions.ts'

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

type Node = Record<string, unknown>

/** Views of the catalogue that tell names and types, and nothing of where files are. */
const catalogViews = new Set(['information_schema.tables', 'information_schema.columns'])

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every object in a tree, the outermost first. */
export function* nodesOf(tree: unknown): Generator<Node> {
  if (Array.isArray(tree)) for (const each of tree) yield* nodesOf(each)
  else if (isNode(tree)) {
    yield tree
    for (const value of Object.values(tree)) yield* nodesOf(value)
  }
}

/** Names that common table expressions give. */
const localNames = (tree: unknown): Set<string> => {
  const names = new Set<string>()
  for (const node of nodesOf(tree)) {
    const map = (node['cte_map'] as Node | undefined)?.['map']
    for (const entry of Array.isArray(map) ? map : []) if (isNode(entry)) names.add(String(entry['key']).toLowerCase())
    if (node['type'] === 'RECURSIVE_CTE_NODE' || node['type'] === 'CTE_NODE')
      names.add(String(node['cte_name'] ?? node['ctename']).toLowerCase())
  }
  return names
}

const SHOWN = 60
const shown = (name: unknown) => `'${String(name).slice(0, SHOWN)}'`

/**
 * Whether a statement may run: one SELECT, of tables that there are, with functions that are allowed. `known` has the names
 * of the tables.
 */
export const judge = (parsed: ParsedSql, known: ReadonlySet<string>): Judgement => {
  if (parsed.error) return { ok: false, why: refusalOf(parsed.error_message ?? 'it can not be parsed') }
  const statements = parsed.statements ?? []
  if (statements.length !== 1) return { ok: false, why: `one statement at a time: this has ${statements.length}` }
  const local = localNames(statements)
  const tables = new Set<string>()
  let catalog = false
  for (const node of nodesOf(statements)) {
    if (typeof node['function_name'] === 'string' && !allowedFunctions.has(node['function_name'].toLowerCase())) {
      return { ok: false, why: `the function ${shown(node['function_name'])} may not be used here` }
    }
    if (node['type'] === 'SHOW_REF') catalog ||= !isNode(node['query'])
    if (node['type'] !== 'BASE_TABLE') continue
    const [catalogName, schema, name] = ['catalog_name', 'schema_name', 'table_name'].map((key) =>
      String(node[key] ?? '').toLowerCase(),
    ) as [string, string, string]
    if (catalogName === '' && catalogViews.has(`${schema}.${name}`)) catalog = true
    else if (catalogName === '' && schema === '' && local.has(name)) continue
    else if (catalogName === '' && (schema === '' || schema === 'main') && known.has(name)) tables.add(name)
    else
      return { ok: false, why: `there is no table ${shown([catalogName, schema, name].filter(Boolean).join('.'))}. SHOW TABLES lists them` }
  }
  return { ok: true, reads: { tables: [...tables], catalog } }
}

/** The parser's own words, where they help somebody who asks. */
const refusalOf = (message: string): string =>
  /Only SELECT statements/i.test(message) ? 'only SELECT, and EXPLAIN of one, may be asked here' : message.split('\n')[0]!

/** What EXPLAIN explains. The rest is judged like any statement, so that it may hold nothing else. */
export const splitExplain = (sql: string): { explain: string; select: string } => {
  const found = /^((?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*)explain(\s+analyze)?(?=[\s(])/i.exec(sql)
  if (!found) return { explain: '', select: sql }
  return { explain: found[2] ? 'EXPLAIN ANALYZE ' : 'EXPLAIN ', select: sql.slice(found[0].length) }
}
