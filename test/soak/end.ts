import type { Report } from '../../consumers/verify/report.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import { catalogue, entityNames, topicNames } from '../../schemas/catalogue.ts'
import { readflow } from '../helpers/up.ts'
import { type Checked, compareEntity, compareTotals, goldFaults } from './compare.ts'
import { type Finder, openFinder } from './found.ts'
import type { SoakRecord } from './model.ts'
import type { Programs } from './programs.ts'
import type { Servers } from './servers.ts'

/** After the last fault all is in its place within this. */
const CATCH_UP_MS = 180_000
const LOOK_MS = 1000

export interface EndOptions {
  env: NodeJS.ProcessEnv
  servers: Servers
  dataDir: string
  tableAt: (root: string) => string
  sent: readonly SoakRecord[]
  stopPrograms: Programs['stop']
  signal: AbortSignal
  say: (line: string) => void
}

/** Looks again until nothing is missing or the time is over; what was seen last counts. */
const settle = async (what: string, look: () => Promise<string[]>, signal: AbortSignal): Promise<{ faults: string[]; seconds: number }> => {
  const beganMs = performance.now()
  for (;;) {
    const faults = await look().catch((error: Error) => [`${what}: ${error.message}`])
    const tookMs = performance.now() - beganMs
    if (faults.length === 0 || tookMs > CATCH_UP_MS) return { faults, seconds: Math.round(tookMs / 1000) }
    await sleep(LOOK_MS, signal)
  }
}

/** Ends the poll, has everything caught up, ends the programs, and holds what is there against what was acknowledged. */
export const checkAll = async ({ env, servers, dataDir, tableAt, sent, stopPrograms, signal, say }: EndOptions): Promise<Checked[]> => {
  const checks: Checked[] = []
  const add = (what: string, count: number, faults: string[]) => checks.push({ what, count, faults })
  const finder: Finder = await openFinder({
    ...{ brokers: servers.brokers, registryUrl: servers.registryUrl, tableAt },
    readerEnv: servers.minio ? { ...servers.minio.env, AWS_ENDPOINT_URL: servers.minio.endpoint } : {},
  })
  try {
    const paused = await settle(
      'pause poll',
      async () => {
        const { code, stderr } = await readflow(['pause', 'poll', '--data', dataDir], { env })
        return code === 0 ? [] : [`exit code ${code}: ${stderr.trim().split('\n').at(-1)}`]
      },
      signal,
    )
    add('the poll can be paused', 1, paused.faults)

    const groups = { 'readflow.bronze': topicNames, 'readflow.silver': entityNames, 'readflow.clean': entityNames }
    const caughtUp = await settle(
      'lag',
      async () => {
        const faults: string[] = []
        for (const [group, entities] of Object.entries(groups)) {
          const records = await finder.behind(
            group,
            entities.map((entity) => catalogue[entity].topic),
          )
          if (records > 0) faults.push(`${group} is ${records} records behind`)
        }
        return faults
      },
      signal,
    )
    add('consumers catch up', Object.keys(groups).length, caughtUp.faults)
    say(`caught up after ${caughtUp.seconds} s\n`)

    /** A lake that is being filled grows by leaps, at which the gate asks a person: here it is the soak. */
    const releaseGate = async () => {
      const at = { env: { ...env, READFLOW_DATA: dataDir } }
      const gate = await readflow(['gate', '--json'], at)
      const run = gate.stdout.trim() === '' ? null : (JSON.parse(gate.stdout) as { releasable: string[] }).releasable[0]
      if (run) await readflow(['gate', 'release', run, '--why', 'the soak fills the lake'], at)
    }
    let gold: Checked[] = []
    const shown = await settle(
      'Gold',
      async () => {
        await releaseGate()
        gold = []
        for (const entity of entityNames) gold.push(goldFaults(entity, sent, await finder.gold(entity)))
        return gold.flatMap(({ faults }) => faults)
      },
      signal,
    )
    say(`Gold is complete after ${shown.seconds} s more\n`)
    if (gold.length < entityNames.length) add('Gold can be read', entityNames.length, shown.faults)
    checks.push(...gold)

    const ended = await stopPrograms()
    add(
      'programs stop when they are told',
      ended.length,
      ended.filter(({ code }) => code !== 0).map(({ name, code }) => `${name} ended with ${code}`),
    )

    const verified = await readflow(['verify', '--json'], { env: { ...env, READFLOW_DATA: dataDir }, timeoutMs: 600_000 })
    const report = verified.stdout.startsWith('{') ? (JSON.parse(verified.stdout.trim().split('\n').at(-1)!) as Report) : null
    add('verify', report?.totals.rows ?? 0, verified.code === 0 ? [] : faultsOf(verified.code, report, verified.stderr))
    say(`verify ended with ${verified.code}\n`)

    for (const entity of entityNames) {
      const found = await finder.find(entity)
      checks.push(...compareEntity(entity, sent, found))
      const totals = { delivered: 0, valid: 0, repeats: 0, deadLetters: 0 }
      for (const { totals: of } of report?.parts
        .flatMap(({ partitions }) => partitions)
        .filter(({ table }) => table === `silver.${entity}`) ?? [])
        for (const name of ['delivered', 'valid', 'repeats', 'deadLetters'] as const) totals[name] += of?.[name] ?? 0
      checks.push(compareTotals(entity, found, totals))
    }
    return checks
  } finally {
    await finder.close()
  }
}

const faultsOf = (code: number | null, report: Report | null, stderr: string): string[] => [
  `exit code ${code}: ${stderr.trim().split('\n').at(-1) ?? ''}`,
  ...(report?.damage.map(({ table, fault }) => `${table}: ${fault}`) ?? []),
  ...(report?.parts.flatMap(({ partitions }) =>
    partitions.flatMap(({ table, partition, faults }) => faults.map((fault) => `${table}/${partition}: ${fault}`)),
  ) ?? []),
  ...(report?.clean.flatMap((clean) => (clean.proof !== 'proved' ? [JSON.stringify(clean).slice(0, 600)] : [])) ?? []),
]
