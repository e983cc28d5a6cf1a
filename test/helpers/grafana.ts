import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../../ops/grafana/dashboards/', import.meta.url)

interface Panel {
  id: number
  type: string
  title: string
  description: string
  datasource: { type: string; uid: string }
  gridPos: { x: number; y: number; w: number; h: number }
  fieldConfig: { defaults: { unit?: string } }
  targets: { refId: string; expr: string }[]
}

export interface Dashboard {
  file: string
  uid: string
  title: string
  description: string
  panels: Panel[]
  templating: { list: { name: string; type: string; query: string | { query: string }; allValue?: string }[] }
}

export const readDashboards = (): Dashboard[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ file, ...(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Omit<Dashboard, 'file'>) }))

/** Variables that ask Prometheus, with the metric and the label whose values they offer. */
export const labelVariables = ({ templating }: Pick<Dashboard, 'templating'>) =>
  templating.list
    .filter(({ type }) => type === 'query')
    .map(({ name, query }) => {
      const text = typeof query === 'string' ? query : query.query
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(text) ?? []
      return { name, metric, label }
    })

/** A query as Grafana sends it: `values` has what is chosen of each variable. */
export const filledIn = (expr: string, values: Readonly<Record<string, string>>): string =>
  expr.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${expr} names a variable that there is none of: ${name}`)
    return value
  })
