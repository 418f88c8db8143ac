// Reading for pages: a figure is loaded at once, again every so often, and again when asked. What was
// read last stays on the screen while the hub cannot be reached, marked as old.
import { signal } from '@preact/signals'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { get, type Query } from './client'
import { hubNowMs } from './hub_clock'

export interface Loaded<T> {
  data: T | null
  /** Why the last try failed; `data` may be there all the same, and is old then. */
  error: Error | null
  loading: boolean
  reload: () => void
}

/** `path` null: nothing is read. Reads again when path or query change, and every `everyMs`. */
export function useLoaded<T>(path: string | null, query: Query = {}, everyMs = 0): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>({
    data: null,
    error: null,
    loading: path !== null,
  })
  const [round, setRound] = useState(0)
  const key = path === null ? null : `${path}?${JSON.stringify(query)}`
  const shown = useRef(key)

  useEffect(() => {
    if (path === null) return
    const abort = new AbortController()
    if (shown.current !== key) {
      shown.current = key
      setState({ data: null, error: null, loading: true })
    }
    let timer: ReturnType<typeof setTimeout> | undefined
    const read = async (): Promise<void> => {
      try {
        const data = await get<T>(path, query, abort.signal)
        setState({ data, error: null, loading: false })
      } catch (error) {
        if (abort.signal.aborted) return
        setState((old) => ({ data: old.data, error: error as Error, loading: false }))
      }
      if (everyMs > 0 && !abort.signal.aborted) timer = setTimeout(() => void read(), everyMs)
    }
    void read()
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
  }, [key, everyMs, round])

  return { ...state, reload: useCallback(() => setRound((n) => n + 1), []) }
}

// One timer for every age on the page: a table of them would have hundreds.
const ticking = signal(hubNowMs())
setInterval(() => {
  ticking.value = hubNowMs()
}, 1000)

/** The hub's time, renewed every second, so that "41 min ago" stays true. */
export function useNow(): number {
  return ticking.value
}
