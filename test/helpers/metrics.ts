import { readFileSync } from 'node:fs'

export interface ExposedMetric {
  type: string
  help: string
  /** Names of labels, `le` apart; null where it has no series. */
  labels: string[] | null
  /** By the text of their labels, such as `{stage="silver"}`; of histograms those of `_count` and `_sum` too. */
  samples: Map<string, number>
}

const labelsOf = (text: string): string[] => [...text.matchAll(/([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"/g)].map(([, name]) => name ?? '')

/** Metrics as Prometheus' text format has them, by name. */
export const parseMetrics = (text: string): Map<string, ExposedMetric> => {
  const metrics = new Map<string, ExposedMetric>()
  for (const line of text.split('\n')) {
    const [, kind, described = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind === 'HELP') metrics.set(described, { type: '', help: rest, labels: null, samples: new Map() })
    else if (kind === 'TYPE') metrics.get(described)!.type = rest
    else if (line !== '' && !line.startsWith('#')) {
      const [, name = '', labels = '', value = ''] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? []
      const metric = metrics.get(name) ?? metrics.get(name.replace(/_(bucket|sum|count)$/, ''))
      if (!metric) throw new Error(`a sample of a metric that is not described: ${line}`)
      const names = labelsOf(labels).filter((each) => each !== 'le')
      metric.labels = [...new Set([...(metric.labels ?? []), ...names])].sort()
      const suffix = metrics.has(name) ? '' : (/_(bucket|sum|count)$/.exec(name)?.[0] ?? '')
      metric.samples.set(`${suffix}${labels}`, Number(value))
    }
  }
  return metrics
}

/** What `/metrics` at an address tells. */
export const scrape = async (address: string): Promise<Map<string, ExposedMetric>> => {
  const response = await fetch(`http://${address}/metrics`)
  if (response.status !== 200) throw new Error(`${address} answered ${response.status}`)
  return parseMetrics(await response.text())
}

export interface DocumentedMetric {
  name: string
  type: string
  labels: string[]
  programs: string[]
}

const all = ['up', 'poll', 'consume', 'compact', 'serve']

/** The table of docs/metrics.md. */
export const documentedMetrics = (): DocumentedMetric[] => {
  const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  const table = text.slice(text.indexOf('## The table'), text.indexOf('## Values of the labels'))
  return table
    .split(/^### /m)
    .slice(1)
    .flatMap((section) => {
      const [title = ''] = section.split('\n')
      const programs = title.startsWith('every program')
        ? all
        : all.filter((program) => new RegExp(`\\b${program}\\b`).test(title.split(':')[0] ?? ''))
      return [...section.matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\|/gm)].map(([, name = '', type = '', labels = '']) => ({
        name,
        type,
        labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label ?? '').sort(),
        programs,
      }))
    })
}

/** What Prometheus' conventions say of a metric, as `promtool check metrics` does, and that the documentation has it. */
export const faultsOf = (name: string, { type, help, labels }: Pick<ExposedMetric, 'type' | 'help' | 'labels'>): string[] =>
  [
    [/^[a-z][a-z0-9_]*$/.test(name), 'is not in snake_case'],
    [help !== '', 'has no help'],
    [(type === 'counter') === name.endsWith('_total'), 'must end in _total where it is a counter, and only there'],
    [!/_(count|sum|bucket|info)$/.test(name) || name === 'nodejs_version_info', 'ends in what Prometheus itself appends'],
    [!/_(ms|milliseconds|minutes|hours|kilobytes|megabytes|kb|mb|percent)(_|$)/.test(name), 'is not in base units'],
    [(labels ?? []).every((label) => /^[a-z][a-z0-9_]*$/.test(label)), 'has a label that is not in snake_case'],
    [
      !(labels ?? []).includes('program') && !(labels ?? []).includes('job') && !(labels ?? []).includes('instance'),
      "has a label of the target's",
    ],
  ].flatMap(([isFine, fault]) => (isFine ? [] : [`${name} ${fault}`]))
