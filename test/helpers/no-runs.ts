import { openTable } from '../../lake/delta/table.ts'
import { openMemoryStore } from '../../lake/store/memory.ts'
import { openRecorder } from '../../lineage/runs/recorder.ts'
import { createLog } from '../../runtime/log.ts'

/** A recorder of runs whose table is nobody's, for tests of other things. */
export const noRuns = () =>
  openRecorder({ table: openTable(openMemoryStore(), 'ops/runs'), program: 'test', publisher: null, log: createLog('test', 'silent') })
