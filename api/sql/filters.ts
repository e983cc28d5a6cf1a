import type { ParsedSql } from './guard.ts'
import { type Node, placesOf } from './tree.ts'

/** What a query asks of a column of a table: bounds as expressions without columns, null where there is none; both are included. */
export interface Filter {
  column: string
  low: Node | null
  high: Node | null
}

/** What each mention of a table asks: a row that no mention can use is of no account. No mention asks nothing: an empty list of filters. */
export type FiltersByTable = Map<string, Filter[][]>

const comparisons: Record<string, 'low' | 'high' | 'both'> = {
  COMPARE_EQUAL: 'both',
  COMPARE_LESSTHAN: 'high',
  COMPARE_LESSTHANOREQUALTO: 'high',
  COMPARE_GREATERTHAN: 'low',
  COMPARE_GREATERTHANOREQUALTO: 'low',
}
const flipped = { low: 'high', high: 'low', both: 'both' } as const
const clocks = new Set(['current_date', 'current_timestamp'])
const unsteady = new Set(['random', 'uuid', 'uuidv4', 'uuidv7', 'gen_random_uuid'])
const notConstant = new Set(['SUBQUERY', 'VALUE_PARAMETER', 'STAR', 'LAMBDA', 'POSITIONAL_REFERENCE'])

/**
 * Finds what a query asks of single columns of tables, in its WHERE clauses. It may overlook something; what it finds holds for
 * every row that counts.
 */
export const filtersOf = (parsed: ParsedSql): FiltersByTable => {
  const found: FiltersByTable = new Map()
  const seen = new Set<Node>()
  const add = (table: string, filters: Filter[]) => found.set(table, [...(found.get(table) ?? []), filters])
  for (const { node } of placesOf(parsed.statements)) {
    if (node['type'] !== 'SELECT_NODE' || typeof node['from_table'] !== 'object') continue
    const leaves = leavesOf(node['from_table'] as Node)
    if (!leaves) continue
    const conditions = conjunctsOf(node['where_clause'] as Node | undefined)
    for (const leaf of leaves) {
      if (leaf['type'] !== 'BASE_TABLE' || leaf['sample']) continue
      const names = [leaf['alias'], leaf['alias'] ? undefined : leaf['table_name']]
        .filter(Boolean)
        .map((name) => String(name).toLowerCase())
      seen.add(leaf)
      add(
        String(leaf['table_name']).toLowerCase(),
        conditions.flatMap((condition) => filterOf(condition, names, leaves.length === 1) ?? []),
      )
    }
  }
  for (const { node } of placesOf(parsed.statements)) {
    if (node['type'] === 'BASE_TABLE' && !seen.has(node)) add(String(node['table_name']).toLowerCase(), [])
  }
  return found
}

/** What is joined; null where rows are matched by their place, so that none may be left out. */
const leavesOf = (from: Node): Node[] | null => {
  if (from['type'] !== 'JOIN') return [from]
  if (from['ref_type'] === 'POSITIONAL') return null
  const sides = [leavesOf(from['left'] as Node), leavesOf(from['right'] as Node)]
  return sides.every((side) => side !== null) ? sides.flat() : null
}

const conjunctsOf = (where: Node | undefined): Node[] => {
  if (!where) return []
  return where['type'] === 'CONJUNCTION_AND' ? (where['children'] as Node[]).flatMap(conjunctsOf) : [where]
}

const filterOf = (condition: Node, names: readonly string[], isAlone: boolean): Filter[] | null => {
  const columnOf = (node: unknown): string | null => {
    const { type, column_names: parts } = (node ?? {}) as { type?: string; column_names?: string[] }
    if (type !== 'COLUMN_REF' || !parts) return null
    if (parts.length === 1) return isAlone && !clocks.has(parts[0]!.toLowerCase()) ? parts[0]!.toLowerCase() : null
    return parts.length === 2 && names.includes(parts[0]!.toLowerCase()) ? parts[1]!.toLowerCase() : null
  }
  const type = String(condition['type'])
  if (type === 'COMPARE_BETWEEN') {
    const column = columnOf(condition['input'])
    const [low, high] = [condition['lower'], condition['upper']] as [Node, Node]
    return column && isConstant(low) && isConstant(high) ? [{ column, low, high }] : null
  }
  const bound = comparisons[type]
  if (!bound) return null
  for (const [one, other, side] of [
    [condition['left'], condition['right'], bound],
    [condition['right'], condition['left'], flipped[bound]],
  ] as [Node, Node, 'low' | 'high' | 'both'][]) {
    const column = columnOf(one)
    if (column && isConstant(other)) return [{ column, low: side === 'high' ? null : other, high: side === 'low' ? null : other }]
  }
  return null
}

/** Whether an expression has the same value for every row. */
const isConstant = (expression: Node): boolean => {
  for (const { node } of placesOf(expression)) {
    if (notConstant.has(String(node['type'])) || node['class'] === 'WINDOW' || node['class'] === 'SUBQUERY') return false
    // What JSON can not hold is not what was asked for.
    if (Object.entries(node).some(([name, value]) => name !== 'query_location' && Number.isInteger(value) && !Number.isSafeInteger(value)))
      return false
    if (unsteady.has(String(node['function_name']).toLowerCase())) return false
    if (node['type'] === 'COLUMN_REF') {
      const names = node['column_names'] as string[]
      if (names.length !== 1 || !clocks.has(names[0]!.toLowerCase())) return false
    }
  }
  return true
}
