import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { tool } from '../helpers/tool.ts'
import { python } from './readers.ts'

export const sparkMissing = tool(python, ['-c', 'import pyspark'], 'bash test/interop/install.sh')

/** Tables of some rows: what compiles a plan costs more than it gives. */
export const conf = {
  'spark.sql.codegen.wholeStage': 'false',
  'spark.sql.codegen.factoryMode': 'NO_CODEGEN',
  'spark.sql.shuffle.partitions': '2',
  'spark.driver.memory': '1g',
  'spark.driver.extraJavaOptions': '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
}

/** Processes whose command line names a folder. */
export const processesOf = (dir: string) =>
  new Promise<string[]>((resolve) =>
    execFile('ps', ['-ww', '-eo', 'pid=,args='], { maxBuffer: 2 ** 26 }, (_, out) =>
      resolve(out.split('\n').filter((line) => line.includes(dir))),
    ),
  )

/** Waits until there is none any more. */
export const untilNone = async (dir: string) => {
  const deadline = Date.now() + 60_000
  for (let left = await processesOf(dir); left.length > 0; left = await processesOf(dir)) {
    assert.ok(Date.now() < deadline, left.join('\n'))
    await delay(200)
  }
}
