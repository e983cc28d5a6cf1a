/** An object of what DuckDB's parser says of a text. */
export type Node = Record<string, unknown>

export const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A name as DuckDB compares names: only the letters A to Z have a case. */
export const nameOf = (value: unknown): string => String(value ?? '').replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())

/** The common table expressions of one WITH that a place can see: those before `before`; and those around it. */
export interface Scope {
  places: ReadonlyMap<string, number>
  before: number
  outer: Scope | null
}

/** Whether a name without a schema means a common table expression where it stands. */
export const isCte = (scope: Scope | null, name: string): boolean => {
  for (let each = scope; each; each = each.outer) if ((each.places.get(name) ?? Number.POSITIVE_INFINITY) < each.before) return true
  return false
}

/** The entries of the WITH of a query, in their order. */
export const ctesOf = (node: Node): { key: string; value: unknown }[] => {
  const map = isNode(node['cte_map']) ? node['cte_map']['map'] : undefined
  return Array.isArray(map) ? (map as { key: string; value: unknown }[]) : []
}

interface Place {
  node: Node
  /** What is seen in it, its own WITH included. */
  scope: Scope | null
}

/**
 * Every object in a tree once, the outermost first, with the common table expressions that it can see: a WITH is seen by its
 * query, and each of its entries sees those before it, not itself and none after it. Of a recursive one the right side alone
 * sees itself. Costs the same for each object, however deep it lies.
 */
export function* placesOf(tree: unknown): Generator<Place> {
  const stack: { value: unknown; scope: Scope | null }[] = [{ value: tree, scope: null }]
  const push = (value: unknown, scope: Scope | null) => void (typeof value === 'object' && value !== null && stack.push({ value, scope }))
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, scope } = next
    if (Array.isArray(value)) {
      for (const each of value.toReversed()) push(each, scope)
      continue
    }
    const node = value as Node
    const ctes = ctesOf(node)
    const places = new Map(ctes.map(({ key }, index) => [nameOf(key), index]))
    const inner = ctes.length === 0 ? scope : { places, before: ctes.length, outer: scope }
    yield { node, scope: inner }
    const itself = { places: new Map([[nameOf(node['cte_name']), 0]]), before: 1, outer: inner }
    for (const [name, child] of Object.entries(node).toReversed()) {
      if (name !== 'cte_map') push(child, name === 'right' && node['type'] === 'RECURSIVE_CTE_NODE' ? itself : inner)
    }
    for (const [index, { value: entry }] of ctes.entries()) push(entry, { places, before: index, outer: scope })
  }
}
