export function isAlive(pid: number): boolean
export function processMark(pid: number): string | null
export function isSameProcess(process: { pid: number; mark: string | null }): boolean
export function commandLine(pid: number): string | null
