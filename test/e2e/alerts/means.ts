import { setTimeout as wait } from 'node:timers/promises'
import { until } from '../../helpers/up.ts'
import type { World } from './world.ts'

/** Does something again and again, until the function that it returns is called. */
export const keepDoing = (work: () => Promise<unknown>) => {
  let isOver = false
  const done = (async () => {
    while (!isOver) await work().catch(() => wait(100))
  })()
  return async () => {
    isOver = true
    await done
  }
}

/** Lets a process run for a part of the time only, as on a machine that has more to do than it can. */
export const starve = (pid: number, { stoppedMs, runningMs }: { stoppedMs: number; runningMs: number }) =>
  keepDoing(async () => {
    process.kill(pid, 'SIGSTOP')
    await wait(stoppedMs)
    process.kill(pid, 'SIGCONT')
    await wait(runningMs)
  })

export const ask = async (address: string, init?: RequestInit) => {
  await (await fetch(address, { ...init, signal: AbortSignal.timeout(60_000) })).text()
}

/** Stops a process; the function that it returns lets it go on, where it is still there. */
export const hang = (pid: number) => {
  process.kill(pid, 'SIGSTOP')
  return () => process.kill(pid, 'SIGCONT')
}

export const killed = async ({ pidOf }: World, main: string) => {
  const pid = await pidOf(main)
  process.kill(pid, 'SIGKILL')
  await until(`another ${main}`, async () => (await pidOf(main)) !== pid)
}
