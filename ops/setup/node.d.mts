interface Running {
  version?: string
  execPath?: string
  platform?: string
  arch?: string
  exists?: (path: string) => boolean
}
export const NODE_MAJOR: number
export function majorOf(version: string): number
export function locateNode(root: string, running?: Running): string | null
export function findNode(root: string): string
