// What identifies a running process beyond its pid, which is used again. Plain JS, no dependencies.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const ps = (pid, column) => {
  try {
    return (
      execFileSync('ps', ['-ww', '-p', String(pid), '-o', `${column}=`], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim() || null
    )
  } catch {
    return null // no such process, or no ps on this system
  }
}

const proc = (file) => {
  try {
    return readFileSync(`/proc/${file}`, 'utf8')
  } catch {
    return null
  }
}

/** Whether a process with this pid runs; one that belongs to another user counts. A zombie does not. */
export const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
  return !/^\d+ \(.*\) [ZX] /s.test(proc(`${pid}/stat`) ?? '')
}

/**
 * Text that tells this process from a later one with the same pid: when it started, and in which boot.
 * Null where that cannot be found out.
 */
export const processMark = (pid) => {
  const stat = proc(`${pid}/stat`)
  if (stat === null) return process.platform === 'linux' ? null : ps(pid, 'lstart')
  // The command, in brackets, may hold spaces: count the fields behind it. The start time is field 22.
  const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return `${proc('sys/kernel/random/boot_id')?.trim() ?? ''} ${startTicks}`
}

/** Whether the process that was noted still runs; of one without a mark its pid is all that is known. */
export const isSameProcess = ({ pid, mark }) => isAlive(pid) && (mark === null || processMark(pid) === mark)

/** The command line of a process, arguments with spaces between; null where there is none to see. */
export const commandLine = (pid) => proc(`${pid}/cmdline`)?.replaceAll('\0', ' ').trim() || ps(pid, 'command')
