export function nodeFlags(command: string): string[]
export function programEnv(command: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv
