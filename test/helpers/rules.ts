import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './up.ts'

export const rulesDir = path.join(root, 'ops/prometheus/rules')

export interface AlertRule {
  name: string
  expr: string
  severity: string
  summary: string
  description: string
  runbookUrl: string
}

/** The text of each file of rules, by its name. */
export const ruleFiles = (): Map<string, string> =>
  new Map(readdirSync(rulesDir).map((file) => [file, readFileSync(path.join(rulesDir, file), 'utf8')]))

const alertLayout =
  /^ {6}- alert: (\w+)\n {8}expr: (.+(?:\n {10}.+)*)\n {8}for: \w+\n {8}labels: \{ severity: (\w+) \}\n {8}annotations:\n {10}summary: ['"](.+)['"]\n {10}description: ['"](.+)['"]\n {10}runbook_url: (\S+)$/gm

/** The alerts of a file, all of which are laid out in one way. */
export const alertsOf = (text: string): AlertRule[] => {
  const alerts = [...text.matchAll(alertLayout)].map(
    ([, name = '', expr = '', severity = '', summary = '', description = '', runbookUrl = '']) => ({
      name,
      expr,
      severity,
      summary,
      description,
      runbookUrl,
    }),
  )
  const count = text.match(/- alert:/g)?.length ?? 0
  if (alerts.length !== count) throw new Error(`${count} alerts, of which ${alerts.length} are laid out like the others`)
  return alerts
}

/** The name of an alert's runbook, as file and in its address: `poll-silent` of ReadflowPollSilent. */
export const runbookOf = (alert: string): string =>
  alert
    .replace(/^Readflow/, '')
    .replaceAll(/(?!^)([A-Z])/g, '-$1')
    .toLowerCase()

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * Rules, or a configuration of Alertmanager, whose minutes last a second each: `for`, ranges, offsets, waits of groups, and
 * limits that are written as `N * 60`. A range keeps 5 s at least, so that it holds several scrapes; a `for` lasts 10 s at most.
 */
export const scaleToSeconds = (text: string): string => {
  const scaled = (amount: string, unit: string) => Math.max(1, Math.round((Number(amount) * (unitSeconds[unit] ?? 1)) / 60))
  return text
    .replace(/for: (\d+)([smhd])$/gm, (whole, amount, unit) => (amount === '0' ? whole : `for: ${Math.min(10, scaled(amount, unit))}s`))
    .replace(/\[(\d+)([smhd])\]/g, (_, amount, unit) => `[${Math.max(5, scaled(amount, unit))}s]`)
    .replace(/offset (\d+)([smhd])/g, (_, amount, unit) => `offset ${scaled(amount, unit)}s`)
    .replace(/(group_wait|group_interval): (\d+)([smhd])/g, (_, name, amount, unit) => `${name}: ${scaled(amount, unit)}s`)
    .replace(/(\d+) \* 60\b/g, '$1')
}
