import { useEffect, useRef, useState } from 'preact/hooks'
import { usePathname } from 'wouter-preact/use-browser-location'

/**
 * After a link to another page: begins at its top, and takes the keyboard and screen readers to what is there. Going back keeps the
 * place. Gives the name of the page that was come to, to be said aloud; empty where the browser itself opened it.
 */
export const useArrival = (name: string): string => {
  const path = usePathname()
  const before = useRef(path)
  const way = useRef<'link' | 'back' | null>(null)
  const [said, setSaid] = useState('')
  useEffect(() => {
    const go = () => {
      way.current = 'link'
    }
    const goBack = () => {
      way.current = 'back'
    }
    addEventListener('pushState', go)
    addEventListener('popstate', goBack)
    return () => {
      removeEventListener('pushState', go)
      removeEventListener('popstate', goBack)
    }
  }, [])
  useEffect(() => {
    if (before.current === path) return
    before.current = path
    if (way.current === null) return
    if (way.current === 'link') scrollTo(0, 0)
    document.getElementById('main')?.focus({ preventScroll: true })
    setSaid(name)
  }, [path])
  return said
}
