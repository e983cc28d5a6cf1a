/** Whether DuckDB had not the memory for what was asked, at that moment. */
export const isOutOfMemory = (error: unknown): boolean => error instanceof Error && error.message.startsWith('Out of Memory Error')
