import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ReadflowError } from '../../runtime/errors.ts'
import type { ObjectStore } from './store.ts'

const PIECE_BYTES = 8 * 1024 ** 2

/**
 * Copies an object of a known size into a local file, which must not exist, a piece at a time: all of them of the one object that
 * it was at the beginning. Rejects with `lake-not-found`, or with `lake-invalid` where it has another size or was replaced.
 */
export const download = async (
  store: Pick<ObjectStore, 'pieces'>,
  path: string,
  { localFilePath, sizeBytes }: { localFilePath: string; sizeBytes: number },
): Promise<void> => {
  const object = await store.pieces(path, Math.min(sizeBytes, PIECE_BYTES))
  if (object.sizeBytes !== sizeBytes) {
    throw new ReadflowError('lake-invalid', `${path} has ${object.sizeBytes} bytes, where the log says ${sizeBytes}`)
  }
  await mkdir(dirname(localFilePath), { recursive: true })
  const handle = await open(localFilePath, 'wx')
  try {
    for (let start = 0; start < sizeBytes; ) {
      const piece = await object.read(start, Math.min(sizeBytes, start + PIECE_BYTES))
      if (piece.length === 0) throw new ReadflowError('lake-invalid', `${path} has ${start} bytes, where the log says ${sizeBytes}`)
      await handle.writeFile(piece)
      start += piece.length
    }
  } finally {
    await handle.close()
  }
}
