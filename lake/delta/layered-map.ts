/**
 * A map that is never changed: each change gives a new one, which shares with the old one all that is the same. It is
 * a stack of layers, newest last, whose sizes shrink at least by half from one to the next, as layers of like size are
 * merged; so a change costs what it adds and, on average, the logarithm of what there is.
 */
export interface LayeredMap<V> extends ReadonlyMap<string, V> {
  /** The map with these changes made in their order; undefined takes a key out. */
  with: (changes: Iterable<readonly [string, V | undefined]>) => LayeredMap<V>
}

type Layer<V> = ReadonlyMap<string, V | undefined>

/** A map without entries. */
export const emptyLayeredMap = <V>(): LayeredMap<V> => layered([], 0)

const layered = <V>(layers: readonly Layer<V>[], size: number): LayeredMap<V> => {
  const find = (key: string): V | undefined => {
    for (let index = layers.length - 1; index >= 0; index--) {
      const value = layers[index]!.get(key)
      // In a layer undefined stands for a key that was taken out, and for one that it says nothing of.
      if (value !== undefined || layers[index]!.has(key)) return value
    }
    return undefined
  }

  // Entries come in the order in which they were last set, as those of a Map whose keys are deleted before they are set.
  function* entries(): MapIterator<[string, V]> {
    for (let index = 0; index < layers.length; index++) {
      const newer = layers.slice(index + 1)
      for (const [key, value] of layers[index]!) if (value !== undefined && !newer.some((layer) => layer.has(key))) yield [key, value]
    }
  }
  function* keys(): MapIterator<string> {
    for (const [key] of entries()) yield key
  }
  function* values(): MapIterator<V> {
    for (const [, value] of entries()) yield value
  }

  const map: LayeredMap<V> = {
    size,
    get: find,
    has: (key) => find(key) !== undefined,
    entries,
    keys,
    values,
    [Symbol.iterator]: entries,
    forEach: (visit) => {
      for (const [key, value] of entries()) visit(value, key, map)
    },
    with: (changes) => {
      const layer = new Map<string, V | undefined>()
      let newSize = size
      for (const [key, value] of changes) {
        const before = layer.has(key) ? layer.get(key) : find(key)
        if (value === undefined && before === undefined) continue
        newSize += Number(value !== undefined) - Number(before !== undefined)
        layer.delete(key)
        layer.set(key, value)
      }
      return layer.size === 0 ? map : layered(stacked(layers, layer), newSize)
    },
  }
  return map
}

const stacked = <V>(layers: readonly Layer<V>[], top: Layer<V>): Layer<V>[] => {
  const stack = [...layers]
  let newest = top
  while (stack.length > 0 && newest.size * 2 >= stack.at(-1)!.size) newest = merged(stack.pop()!, newest)
  // Below the lowest layer there is nothing that could be taken out.
  if (stack.length === 0) newest = new Map([...newest].filter(([, value]) => value !== undefined))
  return [...stack, newest]
}

const merged = <V>(older: Layer<V>, newer: Layer<V>): Layer<V> => {
  const both = new Map(older)
  for (const [key, value] of newer) {
    both.delete(key)
    both.set(key, value)
  }
  return both
}
