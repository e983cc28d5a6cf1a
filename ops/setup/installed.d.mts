interface Tree {
  packages?: Record<string, object>
}
interface Platform {
  platform: string
  arch: string
}
export function isSameTree(lock: Tree, hidden: Tree, here?: Platform): boolean
export function isInstalled(root: string): boolean
export function writeStamp(root: string): void
