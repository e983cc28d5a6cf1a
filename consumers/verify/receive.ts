import type { Delivered } from '../../runtime/kafka/second/reader.ts'
import { addRecord, type Chunks } from './compare.ts'
import { isWithin, type OffsetRange } from './offsets.ts'

export interface Received {
  /** Sums of what was received of Bronze's ranges. */
  chunks: Chunks
  /** Ranges of which nothing can be had from Kafka, with the reason. */
  lost: (OffsetRange & { reason: NonNullable<Delivered['lost']> })[]
  /** Records received of Silver's ranges. */
  silverCount: number
  /** Records received at all. */
  count: number
}

/** Goes once over what a partition delivers, for both tables, holding sums only. */
export const receive = async (
  batches: AsyncIterable<Delivered>,
  wanted: { bronze: readonly OffsetRange[]; silver: readonly OffsetRange[] },
  onProgress: (offset: number) => void = () => undefined,
): Promise<Received> => {
  const received: Received = { chunks: new Map(), lost: [], silverCount: 0, count: 0 }
  for await (const { fromOffset, nextOffset, records, lost } of batches) {
    if (lost) received.lost.push({ from: fromOffset, to: nextOffset, reason: lost })
    for (const record of records) {
      received.count++
      if (isWithin(record.offset, wanted.bronze)) addRecord(received.chunks, record)
      if (isWithin(record.offset, wanted.silver)) received.silverCount++
    }
    onProgress(nextOffset)
  }
  return received
}
