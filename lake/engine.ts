/** What the tables say wrote them: `engineInfo` of a commit, `created_by` of a Parquet file. */
export const engineVersion = '0.1.0'
export const engineInfo = `ReadFlow/${engineVersion}`
