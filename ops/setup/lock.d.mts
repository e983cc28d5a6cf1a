export interface HeldLock {
  release: () => void
}
export function tryLock(file: string): HeldLock | { heldBy: number | null; release?: undefined }
export function waitForLock(file: string, options?: { onWait?: (pid: number | null) => void; signal?: AbortSignal }): Promise<HeldLock>
