import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { catalogue } from '../../schemas/catalogue.ts'
import { writeGoodbooks } from '../helpers/goodbooks.ts'
import { tool } from '../helpers/tool.ts'
import { startUp, tempDir, until } from '../helpers/up.ts'

const run = promisify(execFile)
const python = process.env['READFLOW_TEST_PYTHON'] ?? 'python3'
const kcatMissing = tool('kcat', ['-V'], 'apt-get install kcat')
const pythonMissing = tool(
  python,
  ['-c', 'import confluent_kafka, fastavro, deltalake'],
  'pip install "confluent-kafka[avro,schemaregistry]" deltalake',
)

const readBooks = `
import sys
from confluent_kafka import DeserializingConsumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
consumer = DeserializingConsumer({
    "bootstrap.servers": sys.argv[1], "group.id": "python-test", "auto.offset.reset": "earliest",
    "value.deserializer": AvroDeserializer(SchemaRegistryClient({"url": sys.argv[2]}))})
consumer.subscribe(["goodreads.books"])
books = {}
for _ in range(300):
    message = consumer.poll(0.2)
    if message is not None and message.error() is None:
        books[message.key().decode()] = message.value()["title"]
    if len(books) == 20: break
consumer.close()
print(len(books), books["1000"])
`
/** Publishes a book by a schema with a field more, then reads it with the schema of before. */
const readWithOldSchema = `
import json, sys
from confluent_kafka import DeserializingConsumer, SerializingProducer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
registry = SchemaRegistryClient({"url": sys.argv[2]})
old = json.loads(sys.argv[3])
new = {**old, "fields": old["fields"] + [{"name": "prize", "type": ["null", "string"], "default": None}]}
empty = lambda type: type if type in ("string",) else [] if isinstance(type, dict) and type["type"] == "array" else {} if isinstance(type, dict) else None
book = {field["name"]: empty(field["type"]) for field in old["fields"]}
book.update(book_id="9000", title="Newer", prize="Booker")
producer = SerializingProducer({"bootstrap.servers": sys.argv[1], "value.serializer": AvroSerializer(registry, json.dumps(new))})
producer.produce("goodreads.books", key=b"9000", value=book)
producer.flush()
consumer = DeserializingConsumer({
    "bootstrap.servers": sys.argv[1], "group.id": "python-old", "auto.offset.reset": "earliest",
    "value.deserializer": AvroDeserializer(registry, json.dumps(old))})
consumer.subscribe(["goodreads.books"])
for _ in range(300):
    message = consumer.poll(0.2)
    if message is not None and message.error() is None and message.key() == b"9000":
        print(message.value()["title"], "prize" in message.value())
        break
consumer.close()
`
const readDelta = `
import os, sys
from deltalake import DeltaTable
table = DeltaTable(sys.argv[1])
rows = table.to_pyarrow_table()
print(rows.num_rows, table.protocol().min_reader_version, table.protocol().min_writer_version, rows.schema.field("rating").type, flush=True)
os._exit(0)  # A thread of Arrow that still holds delta-rs' file aborts the process as Python ends.
`

test('other people’s tools read what we write', async (t) => {
  const dir = await tempDir(t)
  const source = await writeGoodbooks(`${dir}/goodbooks`, { books: 20, ratings: 500 })
  const up = await startUp(t, ['--data', `${dir}/data`, '--source', `dataset:${source}`, '--flush-interval', '1s'])
  await until(
    'all in Gold',
    async () => ((await (await fetch(`${up.url}/v1/books?limit=1`)).json()) as { books?: unknown[] }).books?.length === 1,
  )

  await t.test('kcat lists the topics and decodes Avro', { skip: kcatMissing }, async () => {
    const { stdout } = await run('kcat', ['-b', up.brokers, '-L'])
    for (const topic of [
      'goodreads.books',
      'goodreads.authors',
      'goodreads.reviews',
      'goodreads.ratings',
      'goodreads.raw',
      'goodreads.ratings.dlq',
    ])
      assert.match(stdout, new RegExp(`topic "${topic}"`))
  })
  await t.test('confluent-kafka reads goodreads.books through the registry', { skip: pythonMissing }, async () => {
    const { stdout } = await run(python, ['-c', readBooks, up.brokers, up.registry])
    assert.equal(stdout.trim(), '20 Title 0')
  })
  await t.test(
    'a consumer with an old schema reads on when a publisher has a newer one, and Silver does too',
    { skip: pythonMissing },
    async () => {
      const { stdout } = await run(python, ['-c', readWithOldSchema, up.brokers, up.registry, JSON.stringify(catalogue.books.schema)])
      assert.equal(stdout.trim(), 'Newer False')
      const answer = async (path: string) => (await (await fetch(`${up.url}${path}`)).json()) as Record<string, never>
      const [found] = await until('the finding', async () => {
        const { drift = [] } = (await answer('/v1/drift')) as { drift?: Record<string, unknown>[] }
        return drift.length > 0 && drift
      })
      assert.deepEqual([found?.['field'], found?.['kind'], found?.['place'], found?.['sample']], ['prize', 'appeared', 'schema', 'Booker'])
      assert.match(up.output(), /consume: schema drift: books\.prize is new \(string\), such as "Booker"; it is taken in/)
      await until('the book in Gold', async () => (await answer('/v1/books/9000'))['book'] !== undefined)
    },
  )
  await t.test('delta-rs reads Silver', { skip: pythonMissing }, async () => {
    const rows = await until('ratings in Silver', async () => {
      const { stdout } = await run(python, ['-c', readDelta, `${dir}/data/lake/silver/ratings`])
      return stdout.startsWith('500 ') && stdout
    })
    assert.equal(rows.trim(), '500 1 2 int64')
  })
})
