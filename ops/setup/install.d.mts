export function npmReason(text: string): string
export function ensureInstalled(root: string): Promise<number>
