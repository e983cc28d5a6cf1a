import {
  joined,
  readInteger,
  readList,
  readStruct,
  readText,
  STRUCT,
  type ThriftField,
  writeInteger,
  writeList,
  writeStruct,
} from './thrift.ts'

/** What a Parquet file says of itself at its end. */
export interface Footer {
  rows: number
  rowGroups: RowGroup[]
  fields: ThriftField[]
}

export interface RowGroup {
  rows: number
  chunks: ColumnChunk[]
  fields: ThriftField[]
}

/** The values of one leaf column in a row group. */
export interface ColumnChunk {
  /** Name of the top-level column that it belongs to. */
  column: string
  /** Where its bytes are in the file. */
  start: number
  end: number
  uncompressedBytes: number
  fields: ThriftField[]
}

// The numbers of the fields are those of parquet.thrift.
const FILE = { schema: 2, rows: 3, rowGroups: 4 }
const SCHEMA = { name: 4, children: 5 }
const GROUP = { columns: 1, rows: 3 }
const CHUNK = { metadata: 3 }
const METADATA = { path: 3, uncompressedBytes: 6, compressedBytes: 7, dataPage: 9, indexPage: 10, dictionaryPage: 11 }

const bytesOf = (fields: readonly ThriftField[], id: number): Uint8Array => {
  const field = fields.find((candidate) => candidate.id === id)
  if (!field) throw new RangeError(`the description of a Parquet file lacks field ${id}`)
  return field.bytes
}
const integerOf = (fields: readonly ThriftField[], id: number): number => readInteger(bytesOf(fields, id))

/** What a file's description says, without the 8 bytes that end it. Throws RangeError where it is none. */
export const readFooter = (bytes: Uint8Array): Footer => {
  const fields = readStruct(bytes)
  return { rows: integerOf(fields, FILE.rows), rowGroups: readList(bytesOf(fields, FILE.rowGroups)).elements.map(readRowGroup), fields }
}

const readRowGroup = (bytes: Uint8Array): RowGroup => {
  const fields = readStruct(bytes)
  return { rows: integerOf(fields, GROUP.rows), chunks: readList(bytesOf(fields, GROUP.columns)).elements.map(readChunk), fields }
}

const readChunk = (bytes: Uint8Array): ColumnChunk => {
  const fields = readStruct(bytes)
  const metadata = readStruct(bytesOf(fields, CHUNK.metadata))
  const start = Math.min(...pageOffsets(metadata))
  return {
    column: readText(readList(bytesOf(metadata, METADATA.path)).elements[0]!),
    start,
    end: start + integerOf(metadata, METADATA.compressedBytes),
    uncompressedBytes: integerOf(metadata, METADATA.uncompressedBytes),
    fields,
  }
}

const isPageOffset = ({ id }: ThriftField) => id === METADATA.dataPage || id === METADATA.indexPage || id === METADATA.dictionaryPage
// Some writers write 0 for a dictionary that there is not.
const pageOffsets = (metadata: readonly ThriftField[]) =>
  metadata
    .filter(isPageOffset)
    .map(({ bytes }) => readInteger(bytes))
    .filter((at) => at > 0)

/**
 * The description of a file that holds some chunks of one row group and nothing else, which lie where `moved` says, by
 * their old start. Its schema has their columns only.
 */
export const footerOfChunks = (footer: Footer, group: RowGroup, moved: ReadonlyMap<number, number>): Uint8Array => {
  const chunks = group.chunks.filter(({ start }) => moved.has(start))
  const names = new Set(chunks.map(({ column }) => column))
  const groupBytes = writeStruct(
    // Its order, size and old place are those of the whole.
    group.fields
      .filter(({ id }) => id <= GROUP.rows)
      .map((field) =>
        field.id === GROUP.columns
          ? {
              ...field,
              bytes: writeList(
                STRUCT,
                chunks.map((chunk) => movedChunk(chunk, moved)),
              ),
            }
          : field,
      ),
  )
  return writeStruct(
    // What follows describes all columns, or is of the writer's own: its types say no more than the schema does.
    footer.fields
      .filter(({ id }) => id <= FILE.rowGroups)
      .map((field) => {
        if (field.id === FILE.rows) return { ...field, bytes: writeInteger(group.rows) }
        if (field.id === FILE.schema) return { ...field, bytes: writeList(STRUCT, prunedSchema(field.bytes, names)) }
        return field.id === FILE.rowGroups ? { ...field, bytes: writeList(STRUCT, [groupBytes]) } : field
      }),
  )
}

const movedChunk = ({ start, fields }: ColumnChunk, moved: ReadonlyMap<number, number>): Uint8Array => {
  const by = moved.get(start)! - start
  const metadata = readStruct(bytesOf(fields, CHUNK.metadata)).map((field) =>
    isPageOffset(field) && readInteger(field.bytes) > 0 ? { ...field, bytes: writeInteger(readInteger(field.bytes) + by) } : field,
  )
  return writeStruct(
    fields
      // The indexes of its pages stay behind.
      .filter(({ id }) => id <= CHUNK.metadata)
      .map((field) => ({ ...field, bytes: field.id === CHUNK.metadata ? writeStruct(metadata) : writeInteger(0) })),
  )
}

/** A schema is a tree, each node before its children. Those below the root whose names are given, with all that they hold. */
const prunedSchema = (bytes: Uint8Array, names: ReadonlySet<string>): Uint8Array[] => {
  const [root, ...nodes] = readList(bytes).elements
  const kept: Uint8Array[] = []
  let keptColumns = 0
  for (let at = 0; at < nodes.length; ) {
    const end = endOfTree(nodes, at)
    if (names.has(readText(bytesOf(readStruct(nodes[at]!), SCHEMA.name)))) {
      kept.push(...nodes.slice(at, end))
      keptColumns++
    }
    at = end
  }
  const rootFields = readStruct(root!).map((field) =>
    field.id === SCHEMA.children ? { ...field, bytes: writeInteger(keptColumns) } : field,
  )
  return [writeStruct(rootFields), ...kept]
}

const endOfTree = (nodes: readonly Uint8Array[], at: number): number => {
  const children = readStruct(nodes[at]!).find(({ id }) => id === SCHEMA.children)
  let end = at + 1
  for (let count = children ? readInteger(children.bytes) : 0; count > 0; count--) {
    if (end >= nodes.length) throw new RangeError('the schema of a Parquet file ends too early')
    end = endOfTree(nodes, end)
  }
  return end
}

const MAGIC = new TextEncoder().encode('PAR1')

/** Bytes of a file's beginning that say whether it is Parquet. */
export const BEGIN_BYTES = MAGIC.length

/** Whether a file that begins with these bytes may be Parquet. */
export const beginsAsParquet = (begin: Uint8Array): boolean =>
  begin.length === BEGIN_BYTES && MAGIC.every((byte, index) => begin[index] === byte)

/** Bytes of a file's end: the length of its description, and what says that it is Parquet. */
export const END_BYTES = 8

/** The length of the description, from the last 8 bytes of a file; null where it is no Parquet file. */
export const footerLength = (end: Uint8Array): number | null => {
  if (end.length !== END_BYTES || MAGIC.some((byte, index) => end[4 + index] !== byte)) return null
  return new DataView(end.buffer, end.byteOffset).getUint32(0, true)
}

/** A Parquet file of pieces, the first of which lies at byte 4, and a description. */
export const parquetOf = (pieces: readonly Uint8Array[], footer: Uint8Array): Uint8Array => {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, footer.length, true)
  return joined([MAGIC, ...pieces, footer, length, MAGIC])
}
