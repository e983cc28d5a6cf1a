/** A set that remembers in which order its members were added or added again, and forgets the oldest beyond `capacity`. */
export interface BoundedSet {
  has: (member: string) => boolean
  /** Adds the member as the newest one. */
  add: (member: string) => void
  delete: (member: string) => void
  readonly size: number
  isFull: () => boolean
  /** The `count` oldest, or all, oldest first. */
  oldest: (count?: number) => string[]
}

const firstOf = (members: Iterable<string>, count: number): string[] => {
  const first: string[] = []
  for (const member of members) {
    if (first.length >= count) break
    first.push(member)
  }
  return first
}

export const createBoundedSet = (capacity: number, members: Iterable<string> = []): BoundedSet => {
  const set = new Set<string>()
  const add = (member: string) => {
    set.delete(member)
    set.add(member)
    if (set.size > capacity) set.delete(set.values().next().value!)
  }
  for (const member of members) add(member)
  return {
    has: (member) => set.has(member),
    add,
    delete: (member) => void set.delete(member),
    get size() {
      return set.size
    },
    isFull: () => set.size >= capacity,
    oldest: (count = set.size) => firstOf(set, count),
  }
}
