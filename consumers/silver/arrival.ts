import { firstArrivalMs, headerText, letterHeader, REDRIVE_OF, REPARSE_OF } from '../../lineage/letters/headers.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'

/**
 * When a record arrived, in epoch ms, for its order and for rules about time. One that a redrive has sent again counts from
 * its first arrival, one that a reparse has made from that of what it mends: it is no newer for that, and a rule that is what it was says what it said.
 */
export const arrivalMsOf = ({ timestampMs, headers }: Pick<KafkaRecord, 'timestampMs' | 'headers'>): number =>
  headers.length === 0
    ? timestampMs
    : firstArrivalMs(
        timestampMs,
        headerText(headers, REDRIVE_OF) ?? headerText(headers, REPARSE_OF),
        headerText(headers, letterHeader.arrived),
      )
