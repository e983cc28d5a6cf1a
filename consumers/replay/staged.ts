import { type AddFile, filePath } from '../../lake/delta/actions.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'

/** So many files are looked at at once. */
const AT_ONCE = 16

/** The first of some staged files that is no more; null where all are there. */
const firstGone = async (store: ObjectStore, root: string, staged: readonly AddFile[]): Promise<string | null> => {
  for (let index = 0; index < staged.length; index += AT_ONCE) {
    const looked = await Promise.all(
      staged.slice(index, index + AT_ONCE).map(async ({ path }) => {
        const of = `${root}/${filePath(path)}`
        return store.getRange(of, 0, 1).then(
          () => null,
          (error: unknown) => {
            if (error instanceof ReadflowError && error.code === 'lake-not-found') return of
            throw error
          },
        )
      }),
    )
    const gone = looked.find((of) => of !== null)
    if (gone !== undefined) return gone
  }
  return null
}

export const isAllThere = async (store: ObjectStore, root: string, staged: readonly AddFile[]): Promise<boolean> =>
  (await firstGone(store, root, staged)) === null

/** Throws `lake-not-found` where a staged file is no more: its commit would lose the rows of it. */
export const requireStaged = async (store: ObjectStore, root: string, staged: readonly AddFile[]): Promise<void> => {
  const gone = await firstGone(store, root, staged)
  if (gone !== null)
    throw new ReadflowError('lake-not-found', `What was staged for ${root} is no more, such as ${gone}: nothing is changed.`, {
      hint: 'The same command begins anew. Vacuum spares what is staged, so something else removed it.',
    })
}
