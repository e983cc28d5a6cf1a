import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseMetrics } from '../helpers/metrics.ts'
import type { Measure, Sample } from './flat.ts'
import type { Target } from './plan.ts'

const EVERY_MS = 2000
const SCRAPE_TIMEOUT_MS = 1500
const MB = 1024 ** 2

export interface Watched {
  pid: (target: Target) => number | null
  targets: readonly Target[]
  /** Where `up` says that its programs' metrics are. */
  targetsFile: string
  folders: readonly { name: string; dir: string; isCounted: (file: string) => boolean }[]
}

const ofProcess = (pid: number): [Measure, number][] => {
  try {
    const kB = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    return [
      ...(Number.isNaN(kB) ? [] : ([['memory MB', (kB * 1024) / MB]] as [Measure, number][])),
      ['open files', readdirSync(`/proc/${pid}/fd`).length],
    ]
  } catch {
    return [] // it is gone
  }
}

/** What a program says of itself. */
const ofMetrics = async (address: string): Promise<[Measure, number][]> => {
  try {
    const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) })
    if (!response.ok) return []
    const metrics = parseMetrics(await response.text())
    const sum = (name: string) => [...(metrics.get(name)?.samples.values() ?? [])].reduce((total, value) => total + value, 0)
    return [
      ['heap MB', sum('nodejs_heap_size_used_bytes') / MB],
      ['handles', sum('nodejs_active_handles')],
    ]
  } catch {
    return [] // it is down, or stands still
  }
}

const metricsAddresses = (file: string): { program: Target; address: string }[] => {
  try {
    const entries = JSON.parse(readFileSync(file, 'utf8')) as { targets: string[]; labels: { program: Target } }[]
    return entries.map(({ targets: [address], labels: { program } }) => ({ program, address: address! }))
  } catch {
    return [] // up is being started
  }
}

export const countFiles = (dir: string, isCounted: (file: string) => boolean): number => {
  try {
    return readdirSync(dir, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && isCounted(path.join(entry.parentPath, entry.name)),
    ).length
  } catch {
    return 0 // a folder that is removed while it is read
  }
}

/** Looks at every process and folder every two seconds until `stop`, which returns what was seen. */
export const startSampling = (watched: Watched) => {
  const samples: Sample[] = []
  const beganMs = performance.now()
  let isStopped = false
  const look = async () => {
    const atMs = performance.now() - beganMs
    const add = (name: string, life: string, values: [Measure, number][]) =>
      samples.push(...values.map(([measure, value]) => ({ atMs, name, life, measure, value })))
    const lives = new Map<Target, string>()
    for (const target of watched.targets) {
      const pid = watched.pid(target)
      if (pid === null) continue
      lives.set(target, `${target} ${pid}`)
      add(target, `${target} ${pid}`, ofProcess(pid))
    }
    await Promise.all(
      metricsAddresses(watched.targetsFile).map(async ({ program, address }) => {
        const life = lives.get(program)
        if (life) add(program, life, await ofMetrics(address))
      }),
    )
    for (const { name, dir, isCounted } of watched.folders) add(name, name, [['files', countFiles(dir, isCounted)]])
  }
  const run = async () => {
    while (!isStopped) {
      await look()
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
    }
  }
  const finished = run()
  return {
    stop: async (): Promise<Sample[]> => {
      isStopped = true
      await finished
      return samples
    },
  }
}
