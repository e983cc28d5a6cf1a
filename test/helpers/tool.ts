import { spawnSync } from 'node:child_process'

/** Whether a tool is there, as `skip` for node:test; under CI=true a missing one fails. */
export const tool = (command: string, args: string[], install: string): string | false => {
  if (spawnSync(command, args, { stdio: 'ignore' }).status === 0) return false
  if (process.env['CI'] === 'true') throw new Error(`${command} is missing: ${install}`)
  return `${command} is missing; install it with: ${install}`
}
