import { z } from 'zod'
import { text } from './units.ts'

const setting = /^([\w.-]+)=(.*)$/s

/** `key=value` pairs with commas between; a value may hold commas too, as long as no key follows them. */
const settings = text.transform((given, context) => {
  const pairs = given.split(/,(?=[\w.-]+=)/).map((pair) => setting.exec(pair.trim()))
  if (pairs.every((pair) => pair !== null)) return Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, value]))
  context.addIssue({ code: 'custom', message: 'is key=value, with commas between' })
  return z.NEVER
})

/** Knobs of the engine that derives Gold. */
export const engineKnobs = {
  engine: {
    flag: 'engine',
    env: 'READFLOW_ENGINE',
    default: 'duckdb',
    schema: z.enum(['duckdb', 'spark'], { error: 'engines are duckdb and spark' }),
    programs: ['up', 'compact'],
    doc: 'what derives Gold: duckdb, or spark, which needs Python with pyspark and Java (docs/spark.md)',
  },
  sparkMaster: {
    flag: 'spark-master',
    env: 'READFLOW_SPARK_MASTER',
    default: 'local[*]',
    schema: text,
    programs: ['up', 'compact'],
    doc: 'where Spark runs: local[N] for N threads here, spark://HOST:PORT, …',
  },
  sparkConf: {
    flag: 'spark-conf',
    env: 'READFLOW_SPARK_CONF',
    schema: settings,
    programs: ['up', 'compact'],
    doc: "Spark's own settings, key=value with commas between, such as spark.driver.memory=8g",
  },
  python: {
    env: 'READFLOW_PYTHON',
    default: 'python3',
    schema: text,
    programs: ['up', 'compact'],
    doc: 'the Python that has pyspark',
  },
} as const
