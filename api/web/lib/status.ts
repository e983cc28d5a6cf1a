import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Answer } from './answer.ts'

/** What /v1/status answered last: asked once for the whole page. */
export const StatusContext = createContext<Answer>({
  data: null,
  error: null,
  status: 0,
  isLoading: true,
  isOther: false,
  answeredMs: null,
})

export const useStatus = () => useContext(StatusContext)
