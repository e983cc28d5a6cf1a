import type { ClassArchive } from './class-archive.ts'
import { dataMark, type ServiceName } from './pid-file.ts'
import { emptyTempDir } from './service.ts'

/** A heap that one thread collects, and no file for tools that nobody starts. */
const PLAIN = ['-XX:+UseSerialGC', '-XX:-UsePerfData']

/** Flags of a JVM that is soon there and needs little. */
export const SMALL_JVM: readonly string[] = ['-Xmx256m', '-XX:TieredStopAtLevel=1', ...PLAIN]
/** Flags of the broker's, which runs for long and has much to do. */
export const BROKER_JVM: readonly string[] = ['-Xmx512m', ...PLAIN]

/** Flags of every server of a data folder: ends where it has no memory, keeps its temporary files there, and is known as of that folder. */
export const serverFlags = ({ dataDir, name, archive }: { dataDir: string; name: ServiceName; archive: ClassArchive }): string[] => [
  '-XX:+ExitOnOutOfMemoryError',
  ...archive.flags,
  '-Djava.awt.headless=true',
  `-Djava.io.tmpdir=${emptyTempDir(dataDir, name)}`,
  dataMark(dataDir),
]
