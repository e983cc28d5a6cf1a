import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { targetsFile } from '../../ops/up/targets.ts'
import { createScope, sleep } from '../../runtime/lifecycle.ts'
import { boundOf } from './bounds.ts'
import { findFaketime, openClock } from './clock.ts'
import { mountDisk } from './disk.ts'
import { checkAll } from './end.ts'
import { runFaults } from './faults.ts'
import { judgeFlatness } from './flat.ts'
import { checkLakeFiles } from './lake-files.ts'
import { registerSchemas, startLoad } from './load.ts'
import { describePlan, type Plan, processesOf, type Target } from './plan.ts'
import { endText, goesOn, startPrograms } from './programs.ts'
import { startQueries } from './queries.ts'
import type { Outcome } from './report.ts'
import { startSampling } from './sample.ts'
import { startServers } from './servers.ts'

const SETTINGS = {
  READFLOW_SOURCE: 'sandbox:',
  READFLOW_FLUSH_INTERVAL: '1s',
  READFLOW_FLUSH_MAX_ROWS: '2000',
  READFLOW_BUILD_INTERVAL: '5s',
  READFLOW_OPTIMIZE_INTERVAL: '20s',
  READFLOW_PARTITIONS: '2',
}

/** What keeps programs and servers out of each other's folders, on a disk that can be filled. */
export const layout = (dir: string) => {
  const disk = path.join(dir, 'disk')
  return {
    disk,
    data: path.join(disk, 'data'),
    lake: path.join(disk, 'lake'),
    servers: path.join(dir, 'servers'),
    logs: path.join(dir, 'logs'),
  }
}

/** Runs a plan in a folder of its own and says what came of it. Ends everything that it started. */
export const runSoak = async (
  plan: Plan,
  { dir, say, signal, onDisk }: { dir: string; say: (line: string) => void; signal: AbortSignal; onDisk: (unmount: () => void) => void },
): Promise<Outcome> => {
  const scope = createScope()
  const beganMs = performance.now()
  const at = layout(dir)
  const { seed, lake, loadMs } = plan
  try {
    mkdirSync(at.logs, { recursive: true })
    const disk = mountDisk(at.disk)
    if (disk) onDisk(disk.unmount)
    mkdirSync(at.data, { recursive: true })
    mkdirSync(at.servers, { recursive: true })
    const library = findFaketime()
    const clocks = library
      ? new Map((['clients', 'consume-2'] as const).map((name) => [name as Target, openClock(library, path.join(dir, `clock-${name}`))]))
      : null
    const servers = await startServers({ dir: at.servers, diskDir: at.disk, lake })
    scope.defer(servers.stop)
    const env = {
      ...process.env,
      ...SETTINGS,
      ...servers.minio?.env,
      LAKE_URL: servers.minio?.lakeUrl ?? `file:${at.lake}`,
      KAFKA_BROKERS: servers.brokers.join(','),
      SCHEMA_REGISTRY_URL: servers.registryUrl,
    }
    const schemaIds = await registerSchemas(servers.registryUrl)
    const programs = startPrograms({
      ...{ dataDir: at.data, logDir: at.logs, env },
      clocks: { clients: clocks?.get('clients')?.env ?? {}, 'consume-2': clocks?.get('consume-2')?.env ?? {} },
    })
    let isEnded = false
    scope.defer(() => (isEnded ? undefined : programs.stop()))
    const pid = (target: Target) =>
      target === 'kafka' || target === 'registry' || target === 'minio' ? servers.pid(target) : programs.pid(target)

    say(
      `seed ${seed}, ${loadMs / 60_000} minutes, lake in ${lake === 'minio' ? 'MinIO' : 'a folder'}; everything is in ${dir}\n${describePlan(plan)}`,
    )
    const load = startLoad({ brokers: servers.brokers, schemaIds, seed })
    const queries = startQueries(at.data)
    const isUnfinished = (file: string) => file.includes(`${path.sep}.tmp${path.sep}`)
    const isCopy = (file: string) => file.includes(`${path.sep}cache${path.sep}`)
    const sampling = startSampling({
      ...{ pid, targets: processesOf(lake), targetsFile: targetsFile(at.data) },
      folders: [
        ...['data', 'data-2'].map((name) => ({
          name: `temporary files in ${name}`,
          dir: path.join(at.disk, name),
          isCounted: (file: string) => !isCopy(file) && !/\.(log|json)$/.test(file),
        })),
        ...(lake === 'minio' ? [{ name: 'copies of data files', dir: at.data, isCounted: isCopy }] : []),
        ...(lake === 'folder' ? [{ name: 'unfinished files of the lake', dir: at.lake, isCounted: isUnfinished }] : []),
      ],
    })
    // From here on the plan's time runs: the programs are there and records are on their way.
    while (load.acknowledged.length === 0) await sleep(100, signal)
    const started = performance.now()
    const faults = await runFaults(
      plan.faults,
      { pid, proxies: servers.proxies, disk, clocks },
      {
        signal,
        onFault: (line) => say(`  ${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}\n`),
      },
    )
    say('calm\n')
    await sleep(Math.max(0, loadMs - (performance.now() - started)), signal)
    await load.stop()
    const samples = await sampling.stop()
    // Kept with the folder of a run that fails: what grew, and when.
    writeFileSync(path.join(dir, 'samples.json'), JSON.stringify(samples))
    const asked = await queries.stop()
    say(`load ended: ${load.acknowledged.length} records acknowledged, ${load.counts.failedSends} sends failed and were repeated\n`)
    const checks = await checkAll({
      ...{ env, servers, signal, say },
      sent: load.acknowledged,
      dataDir: at.data,
      tableAt: (root) => (servers.minio ? `s3://lake/lake/${root}` : path.join(at.lake, root)),
      stopPrograms: () => {
        isEnded = true
        return programs.stop()
      },
    })
    checks.push(asked)
    if (lake === 'folder') checks.push(await checkLakeFiles(at.lake))
    checks.push(goesOn(programs.ends))
    return {
      seed,
      lake,
      minutes: loadMs / 60_000,
      seconds: Math.round((performance.now() - beganMs) / 1000),
      faults,
      checks,
      flatness: judgeFlatness(samples, boundOf),
      notes: programs.ends.filter(({ hasJoined }) => !hasJoined).map(endText),
    }
  } finally {
    await scope.close()
  }
}
