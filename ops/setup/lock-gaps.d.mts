interface Gap {
  name: string
  version: string
  isDev: boolean
}
interface Lock {
  packages: Record<string, object>
}
export function findGaps(lock: Lock): Gap[]
export function gapEntry(gap: Gap): { version: string; cpu: string[]; os: string[]; libc?: string[]; dev?: true; optional: true }
export function fillGaps<L extends Lock>(lock: L): L
