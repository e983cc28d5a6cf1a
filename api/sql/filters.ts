import type { ParsedSql } from './guard.ts'
import { isCte, isNode, type Node, nameOf, placesOf } from './tree.ts'

/** What a query asks of a column of a table, null for no bound; both bounds are included. */
export interface Filter {
  column: string
  low: Bound | null
  high: Bound | null
}

export interface Bound {
  value: unknown
  /** DuckDB's name of its type. */
  type: string
}

/** What one mention of a table asks, with bounds as expressions that have the same value for every row. All of it holds at once. */
export type Mention = { column: string; low: Node | null; high: Node | null }[]

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
const notConstant = new Set(['SUBQUERY', 'VALUE_PARAMETER', 'STAR', 'LAMBDA', 'POSITIONAL_REFERENCE', 'COLLATE'])
/** Joins of which a row that its WHERE refuses changes no other row of the result. ASOF and POSITIONAL are none of these. */
const harmlessJoins = new Set(['REGULAR', 'NATURAL', 'CROSS'])
const joinTypes = new Set(['INNER', 'LEFT', 'RIGHT', 'OUTER', 'SEMI', 'ANTI'])

/** As many mentions of a table, and conditions of one, are looked at; a query with more is not filtered by the others. */
const MAX_MENTIONS = 32
const MAX_CONDITIONS = 16

/**
 * Finds what a query asks of single columns of tables, in its WHERE clauses. It may overlook something; what it finds holds for
 * every row that counts: a comparison is never true of NULL, so that it refuses what an outer join has put in a row's place as well.
 */
export const filtersOf = (parsed: ParsedSql): Map<string, Mention[]> => {
  const found = new Map<string, Mention[]>()
  const byLeaf = new Map<Node, Mention>()
  const isClock = hasOwnClock(parsed) ? () => false : (name: string) => clocks.has(name)
  for (const { node, scope } of placesOf(parsed.statements)) {
    if (node['type'] === 'SELECT_NODE') for (const [leaf, mention] of mentionsOf(node, isClock)) byLeaf.set(leaf, mention)
    const name = nameOf(node['table_name'])
    if (node['type'] !== 'BASE_TABLE' || (!node['schema_name'] && isCte(scope, name))) continue
    const mentions = found.get(name) ?? []
    mentions.push(byLeaf.get(node) ?? [])
    found.set(name, mentions)
  }
  return new Map(Array.from(found, ([name, mentions]) => [name, mentions.length > MAX_MENTIONS ? [[]] : mentions]))
}

/** Whether something is named like a clock, which then may mean that. */
const hasOwnClock = (parsed: ParsedSql): boolean => {
  for (const { node } of placesOf(parsed.statements)) {
    const names = [node['alias'], ...[node['aliases'], node['column_name_alias'], node['unpivot_names']].flat()]
    if (names.some((name) => typeof name === 'string' && clocks.has(nameOf(name)))) return true
  }
  return false
}

/** What a SELECT asks of each table that stands in its FROM by itself. */
const mentionsOf = (select: Node, isClock: (name: string) => boolean): Map<Node, Mention> => {
  // A sample is taken before the WHERE: what is passed over could have been in it.
  if (select['sample'] || !isNode(select['from_table'])) return new Map()
  const from = leavesOf(select['from_table'])
  if (!from) return new Map()
  const names = from.seen.map((leaf) => nameOf(leaf['alias'] || leaf['table_name']))
  const conditions = conjunctsOf(select['where_clause'])
  return new Map(
    from.seen.flatMap((leaf, index): [Node, Mention][] => {
      const isPlain = leaf['type'] === 'BASE_TABLE' && !leaf['sample'] && !leaf['at_clause']
      const isRenamed = Array.isArray(leaf['column_name_alias']) && leaf['column_name_alias'].length > 0
      if (!isPlain || isRenamed || names.indexOf(names[index]!) !== names.lastIndexOf(names[index]!)) return []
      const mention: Mention = []
      for (const condition of conditions) {
        if (mention.length === MAX_CONDITIONS) break
        mention.push(...filterOf(condition, names[index]!, from.count === 1, isClock))
      }
      return [[leaf, mention]]
    }),
  )
}

/** What is joined: how much it is, and that of it which a WHERE can name; null where rows are matched by more than conditions. */
const leavesOf = (from: Node): { count: number; seen: Node[] } | null => {
  if (from['type'] !== 'JOIN') return { count: 1, seen: [from] }
  if (!harmlessJoins.has(String(from['ref_type'])) || !joinTypes.has(String(from['join_type']))) return null
  const [left, right] = [leavesOf(from['left'] as Node), leavesOf(from['right'] as Node)]
  if (!left || !right) return null
  const isHalf = from['join_type'] === 'SEMI' || from['join_type'] === 'ANTI'
  return { count: left.count + right.count, seen: isHalf ? left.seen : [...left.seen, ...right.seen] }
}

const conjunctsOf = (where: unknown): Node[] => {
  if (!isNode(where)) return []
  return where['type'] === 'CONJUNCTION_AND' ? (where['children'] as Node[]).flatMap(conjunctsOf) : [where]
}

const filterOf = (condition: Node, table: string, isAlone: boolean, isClock: (name: string) => boolean): Mention => {
  const columnOf = (node: unknown): string | null => {
    const { type, column_names: parts } = (node ?? {}) as { type?: string; column_names?: string[] }
    if (type !== 'COLUMN_REF' || !parts) return null
    if (parts.length === 1) return isAlone && !clocks.has(nameOf(parts[0])) ? nameOf(parts[0]) : null
    return parts.length === 2 && nameOf(parts[0]) === table ? nameOf(parts[1]) : null
  }
  const type = String(condition['type'])
  if (type === 'COMPARE_BETWEEN') {
    const column = columnOf(condition['input'])
    const [low, high] = [condition['lower'], condition['upper']] as [Node, Node]
    return column && isConstant(low, isClock) && isConstant(high, isClock) ? [{ column, low, high }] : []
  }
  const bound = comparisons[type]
  if (!bound) return []
  for (const [one, other, side] of [
    [condition['left'], condition['right'], bound],
    [condition['right'], condition['left'], flipped[bound]],
  ] as [Node, Node, 'low' | 'high' | 'both'][]) {
    const column = columnOf(one)
    if (column && isConstant(other, isClock)) return [{ column, low: side === 'high' ? null : other, high: side === 'low' ? null : other }]
  }
  return []
}

/** Whether an expression has the same value for every row. */
const isConstant = (expression: Node, isClock: (name: string) => boolean): boolean => {
  for (const { node } of placesOf(expression)) {
    if (notConstant.has(String(node['type'])) || node['class'] === 'WINDOW' || node['class'] === 'SUBQUERY') return false
    // What JSON can not hold is not what was asked for.
    if (Object.entries(node).some(([name, value]) => name !== 'query_location' && isInexact(value))) return false
    if (unsteady.has(nameOf(node['function_name']))) return false
    if (node['type'] === 'COLUMN_REF') {
      const names = node['column_names'] as string[]
      if (names.length !== 1 || !isClock(nameOf(names[0]))) return false
    }
  }
  return true
}

const isInexact = (value: unknown) =>
  typeof value === 'number' && (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
