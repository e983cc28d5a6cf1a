// A lock between processes: a file that names its holder. One left by a dead process is taken over.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isSameProcess, processMark } from '../../runtime/process.mjs'

/** A lock file is created before it is filled: an empty one this young belongs to somebody who is about to. */
const UNFILLED_MS = 5000
const POLL_MS = 200

const read = (file) => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

const holderOf = (text) => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isHeld = (file, text) => {
  const holder = holderOf(text)
  if (holder) return isSameProcess({ pid: holder.pid, mark: holder.mark || null })
  try {
    return Date.now() - statSync(file).mtimeMs < UNFILLED_MS
  } catch {
    return false
  }
}

/** Moves a dead holder's lock away. What was moved by mistake, because another process was faster, is put back. */
const clear = (file, text) => {
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
  } catch (error) {
    if (error.code === 'ENOENT') return
    throw error
  }
  if (read(aside) === text) rmSync(aside, { force: true })
  else renameSync(aside, file)
}

/**
 * Takes the lock or says who holds it: `{ release }` or `{ heldBy: pid }` (null while its holder is not known
 * yet). Throws what the file system throws.
 */
export const tryLock = (file) => {
  mkdirSync(path.dirname(file), { recursive: true })
  for (;;) {
    const mine = JSON.stringify({ pid: process.pid, mark: processMark(process.pid) })
    try {
      writeFileSync(file, mine, { flag: 'wx' })
      return {
        release: () => {
          if (read(file) === mine) rmSync(file, { force: true })
        },
      }
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const text = read(file)
    if (text === null) continue
    if (isHeld(file, text)) return { heldBy: holderOf(text)?.pid ?? null }
    clear(file, text)
  }
}

/** Takes the lock, waiting for its holder; `onWait(pid)` is called once when there is one. */
export const waitForLock = async (file, { onWait, signal } = {}) => {
  for (let isFirst = true; ; isFirst = false) {
    signal?.throwIfAborted()
    const lock = tryLock(file)
    if (lock.release) return lock
    if (isFirst) onWait?.(lock.heldBy)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
