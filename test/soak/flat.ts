/** One look at one process, or at a folder: then `life` is always the same. */
export interface Sample {
  atMs: number
  name: string
  /** A process that was started again is another one. */
  life: string
  measure: Measure
  value: number
}

export type Measure = 'memory MB' | 'heap MB' | 'open files' | 'handles' | 'files'

export interface Bound {
  /** Growth of what it comes back to, within a life. */
  perMinute: number
  /** What it goes up and down by all the time: so much of the growth over the longest life is none. */
  swing?: number
  most: number
}

export interface Flatness {
  name: string
  measure: Measure
  /** Least and most that was seen in the whole run. */
  least: number
  most: number
  /** Null where no life was long enough. */
  perMinute: number | null
  /** How much of it is borne: the longer a life was seen, the less. */
  mostPerMinute: number
  bound: Bound
  isFlat: boolean
}

/** What a process takes at first (code compiled, caches filled) is no growth: so much of each life is left out. */
export const WARM_UP_MS = 60_000
const WINDOW_MS = 30_000
/** Over less time a slope says nothing. */
const LEAST_SPAN_MS = 120_000

/**
 * Growth a minute over all lives together: a line of one slope for all, each with a height of its own. Null where they
 * cover too little time.
 */
export const slopePerMinute = (samples: readonly Pick<Sample, 'atMs' | 'life' | 'value'>[]): number | null => {
  let above = 0
  let below = 0
  let spanMs = 0
  for (const ofLife of Map.groupBy(samples, ({ life }) => life).values()) {
    const mean = (pick: (sample: (typeof ofLife)[number]) => number) => ofLife.reduce((sum, each) => sum + pick(each), 0) / ofLife.length
    const [atMean, valueMean] = [mean(({ atMs }) => atMs), mean(({ value }) => value)]
    for (const { atMs, value } of ofLife) {
      above += (atMs - atMean) * (value - valueMean)
      below += (atMs - atMean) ** 2
    }
    spanMs += ofLife.at(-1)!.atMs - ofLife[0]!.atMs
  }
  return spanMs < LEAST_SPAN_MS || below === 0 ? null : (above / below) * 60_000
}

/**
 * What a life comes back to: the least of each half minute. What a build or a query takes for its while is no growth, however much
 * it is; `most` bounds it.
 */
const floors = <T extends Pick<Sample, 'atMs' | 'life' | 'value'>>(samples: readonly T[]): T[] =>
  [...Map.groupBy(samples, ({ life }) => life).values()].flatMap((ofLife) => {
    const windows = Map.groupBy(ofLife, ({ atMs }) => Math.floor((atMs - ofLife[0]!.atMs) / WINDOW_MS))
    // A shorter one may hold nothing but the middle of a build.
    const whole = [...windows.values()].filter((each) => each.at(-1)!.atMs - each[0]!.atMs > WINDOW_MS / 2)
    return whole.map((each) => each.reduce((least, sample) => (sample.value < least.value ? sample : least)))
  })

const longestMinutes = (samples: readonly Pick<Sample, 'atMs' | 'life'>[]): number =>
  [...Map.groupBy(samples, ({ life }) => life).values()].reduce(
    (longest, ofLife) => Math.max(longest, (ofLife.at(-1)!.atMs - ofLife[0]!.atMs) / 60_000),
    0,
  )

/** Judges the second half of a run. Pure. */
export const judgeFlatness = (samples: readonly Sample[], boundOf: (name: string, measure: Measure) => Bound): Flatness[] => {
  const lastMs = samples.reduce((last, { atMs }) => Math.max(last, atMs), 0)
  const bornMs = new Map<string, number>()
  for (const { life, atMs } of samples) bornMs.set(life, Math.min(bornMs.get(life) ?? atMs, atMs))
  return [...Map.groupBy(samples, ({ name, measure }) => `${name}\0${measure}`).values()].map((all) => {
    const { name, measure } = all[0]!
    const bound = boundOf(name, measure)
    const settled = all.filter(({ atMs, life }) => atMs >= lastMs / 2 && atMs - bornMs.get(life)! >= WARM_UP_MS)
    const perMinute = slopePerMinute(floors(settled))
    const most = all.reduce((found, { value }) => Math.max(found, value), 0)
    const least = all.reduce((found, { value }) => Math.min(found, value), most)
    const mostPerMinute = bound.perMinute + (bound.swing ?? 0) / Math.max(1, longestMinutes(settled))
    const isFlat = most <= bound.most && (perMinute ?? 0) <= mostPerMinute
    return { name, measure, least, most, perMinute, mostPerMinute, bound, isFlat }
  })
}
