import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** The labels of a metric: all values that one may have, where those are known, else `open`. */
export type LabelSpec = Readonly<Record<string, readonly string[] | 'open'>>

/** A value for each label. */
export type LabelsOf<L extends LabelSpec> = { readonly [K in keyof L]: L[K] extends readonly (infer V)[] ? V & string : string }

export interface Sample<L extends LabelSpec> {
  labels: LabelsOf<L>
  value: number
}

interface Definition<L extends LabelSpec> {
  name: string
  /** One sentence, as Prometheus shows it. */
  help: string
  labels?: L
}

/** Samples that are read when somebody asks for the metrics; what is not among them has no series then. Must not reject. */
type Read<L extends LabelSpec> = () => Iterable<Sample<L>> | Promise<Iterable<Sample<L>>>

export interface Count<L extends LabelSpec> {
  /** Adds `by`, 1 unless given. */
  add: (labels: LabelsOf<L>, by?: number) => void
}
export interface Level<L extends LabelSpec> {
  set: (labels: LabelsOf<L>, value: number) => void
}
export interface Distribution<L extends LabelSpec> {
  observe: (labels: LabelsOf<L>, value: number) => void
}

/** The labels of a metric that has none. */
export const plain = {}
// biome-ignore lint/complexity/noBannedTypes: a metric without labels has no key
type NoLabels = {}

/** prom-client counts these as gauges under names of counters; the sum over `type` of the others is the same. */
const misnamed = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total']

/**
 * The metrics of one program, those of its process included. Whoever reports is given one of its functions, and knows
 * nothing of Prometheus. A series whose labels have known values is there from the beginning, at 0.
 */
export const createRegistry = () => {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register })
  for (const name of misnamed) register.removeSingleMetric(name)

  return {
    contentType: register.contentType,
    /** All metrics, in Prometheus' text format. */
    text: () => register.metrics(),
    /** Something that only grows, counted from 0 on. */
    counter: <const L extends LabelSpec = NoLabels>({ name, help, labels }: Definition<L>): Count<L> => {
      const counter = new Counter({ name, help, labelNames: namesOf(labels), registers })
      for (const each of combinations(labels)) counter.inc(each, 0)
      return { add: (of, by = 1) => counter.inc(of, by) }
    },
    /** One that is counted elsewhere and read when somebody asks. */
    readCounter: <const L extends LabelSpec = NoLabels>({ name, help, labels, read }: Definition<L> & { read: Read<L> }): void => {
      new Counter({
        name,
        help,
        labelNames: namesOf(labels),
        registers,
        async collect() {
          const samples = await read()
          this.reset()
          for (const each of samples) this.inc(each.labels, each.value)
        },
      })
    },
    /** Something that goes up and down; `initial` is what it is before it is set. */
    gauge: <const L extends LabelSpec = NoLabels>({ name, help, labels, initial = 0 }: Definition<L> & { initial?: number }): Level<L> => {
      const gauge = new Gauge({ name, help, labelNames: namesOf(labels), registers })
      for (const each of combinations(labels)) gauge.set(each, initial)
      return { set: (of, value) => gauge.set(of, value) }
    },
    /** One that is read when somebody asks. */
    readGauge: <const L extends LabelSpec = NoLabels>({ name, help, labels, read }: Definition<L> & { read: Read<L> }): void => {
      new Gauge({
        name,
        help,
        labelNames: namesOf(labels),
        registers,
        async collect() {
          const samples = [...(await read())]
          this.reset()
          // A reset leaves one without labels at 0, where there may be nothing to tell.
          if (samples.length === 0 && namesOf(labels).length === 0) this.remove()
          for (const each of samples) this.set(each.labels, each.value)
        },
      })
    },
    /** How values are distributed; `buckets` are upper bounds, ascending. */
    histogram: <const L extends LabelSpec = NoLabels>({
      name,
      help,
      labels,
      buckets,
    }: Definition<L> & { buckets: readonly number[] }): Distribution<L> => {
      const histogram = new Histogram({ name, help, labelNames: namesOf(labels), buckets: [...buckets], registers })
      for (const each of combinations(labels)) histogram.zero(each)
      return { observe: (of, value) => histogram.observe(of, value) }
    },
  }
}

export type MetricsRegistry = ReturnType<typeof createRegistry>

const namesOf = (labels: LabelSpec | undefined): string[] => Object.keys(labels ?? {})

/** Every combination of the labels' values; none where a label's are not known, and prom-client itself begins those without labels. */
const combinations = (labels: LabelSpec = {}): Record<string, string>[] => {
  const entries = Object.entries(labels)
  if (entries.length === 0) return []
  return entries.reduce<Record<string, string>[]>(
    (all, [name, values]) => (values === 'open' ? [] : all.flatMap((each) => values.map((value) => ({ ...each, [name]: value })))),
    [{}],
  )
}
