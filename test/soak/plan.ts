import { type Random, randomFrom } from '../../producers/sandbox/random.ts'

/** What a soak does harm to. `clients` are what `up` runs, with a common clock. */
export type Target = 'poll' | 'consume' | 'consume-2' | 'compact' | 'serve' | 'up' | 'kafka' | 'registry' | 'minio' | 'lake' | 'clients'
export type FaultKind = 'kill' | 'pause' | 'network' | 'disk' | 'clock'
/** What a broken network does to bytes: `proxy.ts` has each. */
export type NetworkFault = 'delay' | 'cut' | 'reset' | 'half-open'
export type LakePlace = 'folder' | 'minio'

export interface Planned {
  /** Since the load began. */
  atMs: number
  kind: FaultKind
  target: Target
  /** How long it lasts; 0 for what is over at once. */
  lengthMs: number
  network?: NetworkFault
  /** How far the clock is off. */
  skewMs?: number
}

export interface Plan {
  seed: number
  lake: LakePlace
  /** Load goes on for so long; faults come in its first part, and the rest is calm. */
  loadMs: number
  calmFromMs: number
  faults: Planned[]
}

export const faultKinds: readonly FaultKind[] = ['kill', 'pause', 'network', 'disk', 'clock']
export const networkFaults: readonly NetworkFault[] = ['delay', 'cut', 'reset', 'half-open']

const CALM_SHARE = 0.25
const FIRST_MS = 3000
const LONGEST_MS = 14_000
const HOUR_MS = 3_600_000

const programs: readonly Target[] = ['poll', 'consume', 'consume-2', 'compact', 'serve', 'up']

type Card = Pick<Planned, 'kind' | 'target' | 'network'>

/** Every process that runs, of ours and of the servers. */
export const processesOf = (lake: LakePlace): Target[] => [
  ...programs,
  ...(['kafka', 'registry'] as const),
  ...(lake === 'minio' ? (['minio'] as const) : []),
]

/** Every fault that there is, by kind. */
export const allFaults = (lake: LakePlace): Record<FaultKind, Card[]> => {
  const proxied: Target[] = ['kafka', ...(lake === 'minio' ? (['minio'] as const) : [])]
  const each = (kind: FaultKind, targets: readonly Target[]) => targets.map((target) => ({ kind, target }))
  return {
    kill: each('kill', processesOf(lake)),
    pause: each('pause', processesOf(lake)),
    network: proxied.flatMap((target) => networkFaults.map((network) => ({ kind: 'network' as const, target, network }))),
    disk: each('disk', ['lake']),
    clock: each('clock', ['clients', 'consume-2']),
  }
}

const shuffled = <T>(list: readonly T[], random: Random): T[] => {
  const rest = [...list]
  return Array.from(list, () => rest.splice(random.below(rest.length), 1)[0] as T)
}

/**
 * Every fault once, in an order of chance in which the kinds come evenly: the first five are one of each kind, and kills
 * and pauses, of which there are most, make up the end.
 */
const deal = (lake: LakePlace, random: Random): Card[] => {
  const piles = new Map(shuffled(Object.entries(allFaults(lake)), random).map(([kind, cards]) => [kind, shuffled(cards, random)]))
  const dealt: Card[] = []
  while (piles.size > 0)
    for (const [kind, pile] of piles) {
      const card = pile.pop()
      if (card) dealt.push(card)
      if (pile.length === 0) piles.delete(kind)
    }
  return dealt
}

const lengthOf = ({ kind, network }: Card, random: Random): number =>
  kind === 'kill' || network === 'reset' ? 0 : 2000 + random.below(LONGEST_MS - 2000)

/** What a soak does, and when: the same for the same seed, minutes and lake. */
export const planSoak = ({ seed, minutes, lake }: { seed: number; minutes: number; lake: LakePlace }): Plan => {
  const random = randomFrom(seed)
  const loadMs = Math.round(minutes * 60_000)
  const calmFromMs = Math.round(loadMs * (1 - CALM_SHARE))
  const faults: Planned[] = []
  /** Until when each kind of fault lasts on each target: another one of the kind waits, as the first one's end would end it. */
  const lasting = new Map<string, number>()
  let cards: Card[] = []
  for (let nextMs = FIRST_MS; ; nextMs += 4000 + random.below(6000)) {
    if (cards.length === 0) cards = deal(lake, random)
    const card = cards.shift() as Card
    const what = `${card.kind} ${card.target}`
    const atMs = Math.max(nextMs, lasting.get(what) ?? 0)
    const lengthMs = lengthOf(card, random)
    const sign = random.chance(0.5) ? 1 : -1
    const skewMs = card.kind === 'clock' ? sign * Math.round(HOUR_MS * (0.5 + 5.5 * random.next())) : undefined
    if (atMs + lengthMs > calmFromMs) return { seed, lake, loadMs, calmFromMs, faults: faults.sort((a, b) => a.atMs - b.atMs) }
    lasting.set(what, atMs + lengthMs)
    faults.push({ atMs, lengthMs, ...card, ...(skewMs === undefined ? {} : { skewMs }) })
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** For people: `pause consume-2 for 3.1 s`. */
export const describeFault = ({ kind, target, lengthMs, network, skewMs }: Omit<Planned, 'atMs'>): string => {
  const how =
    kind === 'network'
      ? `network of ${target}: ${network}`
      : kind === 'disk'
        ? `disk of the ${target} full`
        : kind === 'clock'
          ? `clock of ${target} ${skewMs! < 0 ? '-' : '+'}${(Math.abs(skewMs!) / HOUR_MS).toFixed(1)} h`
          : `${kind} ${target}`
  return lengthMs > 0 ? `${how} for ${seconds(lengthMs)}` : how
}

export const describePlan = ({ faults }: Plan): string =>
  faults.map((fault) => `  ${seconds(fault.atMs).padStart(8)}  ${describeFault(fault)}\n`).join('')
