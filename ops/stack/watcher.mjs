// Reads `add PID` and `remove PID` lines. When stdin closes, whoever wrote them is gone: ends what is left,
// then itself. Plain JS and small, as it is there all the time.
import { createInterface } from 'node:readline'
import { isAlive, processMark } from '../../runtime/process.mjs'

const STOP_GRACE_MS = 15_000
const POLL_MS = 50
const watched = new Map()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)

const runs = (pid, mark) => isAlive(pid) && processMark(pid) === mark
const send = (pid, signal) => {
  try {
    process.kill(pid, signal)
  } catch {
    // it ended in this moment
  }
}

const end = async (pid, mark) => {
  if (!runs(pid, mark)) return
  send(pid, 'SIGTERM')
  const giveUpMs = Date.now() + STOP_GRACE_MS
  while (runs(pid, mark)) {
    if (Date.now() > giveUpMs) send(pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, pid] = line.split(' ')
  if (verb === 'add') watched.set(Number(pid), processMark(Number(pid)))
  else watched.delete(Number(pid))
}
await Promise.all([...watched].map(([pid, mark]) => end(pid, mark)))
