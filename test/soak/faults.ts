import { sleep } from '../../runtime/lifecycle.ts'
import type { Clock } from './clock.ts'
import type { Disk } from './disk.ts'
import { describeFault, type Planned, type Target } from './plan.ts'
import type { TcpProxy } from './proxy.ts'

export interface Harm {
  pid: (target: Target) => number | null
  proxies: ReadonlyMap<Target, TcpProxy>
  /** Null where this machine can't: then the fault is passed over. */
  disk: Disk | null
  clocks: ReadonlyMap<Target, Clock> | null
}

export interface Caused {
  fault: Planned
  outcome: 'caused' | 'passed over'
  note: string
}

const LOOK_MS = 100
/** A program that has just been killed comes again within this. */
const AWAIT_MS = 30_000

const pidWithin = async (pid: () => number | null, signal: AbortSignal): Promise<number | null> => {
  for (const deadline = Date.now() + AWAIT_MS; Date.now() < deadline && !signal.aborted; await sleep(LOOK_MS)) {
    const found = pid()
    if (found !== null) return found
  }
  return null
}

const send = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false // it is gone
  }
}

/** Causes one fault and mends it after its time, or when the soak is over. */
const cause = async (fault: Planned, harm: Harm, signal: AbortSignal): Promise<Omit<Caused, 'fault'>> => {
  const { kind, target, lengthMs } = fault
  const wait = () => sleep(lengthMs, signal).catch(() => undefined)
  const passedOver = (note: string) => ({ outcome: 'passed over' as const, note })
  const caused = { outcome: 'caused' as const, note: '' }
  if (kind === 'kill' || kind === 'pause') {
    const pid = await pidWithin(() => harm.pid(target), signal)
    if (pid === null) return passedOver(`${target} did not run`)
    if (!send(pid, kind === 'kill' ? 'SIGKILL' : 'SIGSTOP')) return passedOver(`${target} had ended`)
    if (kind === 'pause') {
      await wait()
      send(pid, 'SIGCONT')
    }
    return { ...caused, note: `pid ${pid}` }
  }
  if (kind === 'network') {
    const proxy = harm.proxies.get(target)
    if (!proxy) return passedOver(`${target} has no proxy`)
    proxy.break(fault.network!)
    await wait()
    proxy.mend()
    return caused
  }
  if (kind === 'disk') {
    if (!harm.disk) return passedOver('this user may not mount a small disk')
    harm.disk.fill()
    await wait()
    harm.disk.free()
    return caused
  }
  const clock = harm.clocks?.get(target)
  if (!clock) return passedOver('libfaketime is missing (apt install faketime)')
  clock.skew(fault.skewMs!)
  await wait()
  clock.skew(0)
  return caused
}

/** Causes each fault of a plan at its time, also while another lasts, and resolves when all are mended. */
export const runFaults = async (
  faults: readonly Planned[],
  harm: Harm,
  { signal, onFault }: { signal: AbortSignal; onFault: (line: string) => void },
): Promise<Caused[]> => {
  const beganMs = performance.now()
  return Promise.all(
    faults.map(async (fault) => {
      await sleep(Math.max(0, fault.atMs - (performance.now() - beganMs)), signal).catch(() => undefined)
      if (signal.aborted) return { fault, outcome: 'passed over' as const, note: 'the soak was stopped' }
      onFault(describeFault(fault))
      return { fault, ...(await cause(fault, harm, signal)) }
    }),
  )
}
