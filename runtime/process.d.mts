export function isAlive(pid: number): boolean
export function processMark(pid: number): string | null
export function commandLine(pid: number): string | null
