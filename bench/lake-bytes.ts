// Bytes of a lake's Bronze and Silver tables against the same rows as JSON lines.
//   node bench/lake-bytes.ts [LAKE_URL]      default file:.readflow/lake
import { columnOf, valueAt } from '../lake/columns/column.ts'
import { scan } from '../lake/delta/scan.ts'
import { openTable } from '../lake/delta/table.ts'
import { openStore } from '../lake/store/open.ts'

const layers = { bronze: ['books', 'authors', 'reviews', 'ratings'], silver: ['books', 'authors', 'reviews', 'ratings'] }

/** What a JSON writer makes of a value: no nulls, bytes as base64, times as ISO text. */
const jsonValue = (kind: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (kind === 'timestamp') return new Date(value as number).toISOString()
  if (kind === 'date') return new Date((value as number) * 86_400_000).toISOString().slice(0, 10)
  return value
}

const measure = async (store: ReturnType<typeof openStore>, root: string) => {
  const snapshot = await openTable(store, root).snapshot()
  const fields = snapshot.metadata?.fields ?? []
  const sizes = { rows: 0, files: 0, parquet: 0, json: 0, jsonOfRecord: 0 }
  for (const { size } of snapshot.files.values()) {
    sizes.files++
    sizes.parquet += size
  }
  for await (const batch of scan(store, snapshot, { root, columns: fields.map(({ name }) => name) })) {
    const columns = fields.map(({ name, type }) => ({ name, kind: type.kind, column: columnOf(batch, name) }))
    for (let row = 0; row < batch.length; row++) {
      const entries = columns.flatMap(({ name, kind, column }) => {
        const value = valueAt(column, row)
        return value === null ? [] : [[name, jsonValue(kind, value)] as const]
      })
      sizes.rows++
      sizes.json += Buffer.byteLength(JSON.stringify(Object.fromEntries(entries))) + 1
      const record = entries.filter(([name]) => !name.startsWith('_') && !name.startsWith('ingestion_'))
      sizes.jsonOfRecord += Buffer.byteLength(JSON.stringify(Object.fromEntries(record))) + 1
    }
  }
  return sizes
}

const store = openStore(process.argv[2] ?? 'file:.readflow/lake')
const smaller = (bytes: number, than: number) => `${((1 - bytes / than) * 100).toFixed(1)} % smaller`
for (const [layer, entities] of Object.entries(layers)) {
  for (const entity of entities) {
    const { rows, files, parquet, json, jsonOfRecord } = await measure(store, `${layer}/${entity}`)
    if (rows === 0) continue
    process.stdout.write(
      `${`${layer}.${entity}`.padEnd(16)} ${String(rows).padStart(8)} rows ${String(files).padStart(4)} files ` +
        `parquet ${parquet} B, JSON lines of the same rows ${json} B (${smaller(parquet, json)}), ` +
        `of the record's own fields alone ${jsonOfRecord} B (${smaller(parquet, jsonOfRecord)})\n`,
    )
  }
}
await store.close()
