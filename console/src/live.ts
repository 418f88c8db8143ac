// The hub's stream of changes. EventSource cannot send a token, so the stream is read by fetch. It
// goes on after the last event that was seen, whatever broke it: the network, a restart of the hub, a
// sleeping laptop. Events are handed out in batches, once per frame at most, so that ten thousand a
// second cost a page no more than sixty.
import { signal } from '@preact/signals'
import { Problem, send } from './client'
import { token } from './session'
import type { CloudEvent } from './types'

export type LiveState = 'connecting' | 'live' | 'broken'

export const liveState = signal<LiveState>('connecting')
/** Changes of cells in each of the last seconds, the present one last. */
export const perSecond = signal<number[]>(new Array<number>(120).fill(0))

type Listener = (events: CloudEvent[]) => void
const listeners = new Set<Listener>()

const RETRY_FIRST_MS = 500
const RETRY_MOST_MS = 10_000
const SILENCE_MS = 40_000
const BATCH_MOST = 20_000

let lastId: string | null = null
let batch: CloudEvent[] = []
let scheduled = false
let abort: AbortController | null = null

export function listen(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function handOut(): void {
  scheduled = false
  const events = batch
  batch = []
  for (const listener of listeners) listener(events)
}

function take(event: CloudEvent): void {
  if (event.type === 'onhand.inventory.changed') counted++
  batch.push(event)
  if (batch.length > BATCH_MOST) batch.splice(0, batch.length - BATCH_MOST)
  if (!scheduled) {
    scheduled = true
    // A tab in the background draws no frames; its batches wait for a timer.
    if (document.visibilityState === 'visible') requestAnimationFrame(handOut)
    else setTimeout(handOut, 1000)
  }
}

let counted = 0
setInterval(() => {
  perSecond.value = [...perSecond.value.slice(1), counted]
  counted = 0
}, 1000)

/** One block of the stream, up to its empty line. */
function takeBlock(block: string): void {
  let id: string | null = null
  let data = ''
  for (const line of block.split('\n')) {
    if (line.startsWith('data:')) data += line.slice(5)
    else if (line.startsWith('id:')) id = line.slice(3).trim()
  }
  if (id !== null) lastId = id
  if (data === '') return
  try {
    take(JSON.parse(data) as CloudEvent)
  } catch {
    // Not ours; the next block is.
  }
}

async function read(signalOfEnd: AbortSignal, touched: () => void): Promise<void> {
  const answer = await send('/v1/events', {
    query: lastId === null ? {} : { after: lastId },
    signal: signalOfEnd,
  })
  liveState.value = 'live'
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    touched()
    rest += value
    const end = rest.lastIndexOf('\n\n')
    if (end < 0) continue
    for (const block of rest.slice(0, end).split('\n\n')) takeBlock(block)
    rest = rest.slice(end + 2)
  }
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

async function run(mine: AbortController): Promise<void> {
  let wait = RETRY_FIRST_MS
  while (!mine.signal.aborted) {
    // A stream that is silent for longer than its heartbeat is dead, though nobody said so.
    const attempt = new AbortController()
    const end = (): void => attempt.abort()
    mine.signal.addEventListener('abort', end)
    let watchdog = setTimeout(end, SILENCE_MS)
    try {
      await read(attempt.signal, () => {
        clearTimeout(watchdog)
        watchdog = setTimeout(end, SILENCE_MS)
        wait = RETRY_FIRST_MS
      })
    } catch (error) {
      if (error instanceof Problem && error.status === 410) lastId = null
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) return
    } finally {
      clearTimeout(watchdog)
      mine.signal.removeEventListener('abort', end)
    }
    if (mine.signal.aborted) return
    liveState.value = 'broken'
    await sleep(wait * (0.75 + Math.random() / 2))
    wait = Math.min(wait * 2, RETRY_MOST_MS)
  }
}

/** Follows the session: the stream is open while somebody is signed in. */
token.subscribe((value) => {
  abort?.abort()
  abort = null
  lastId = null
  if (value === null) return
  liveState.value = 'connecting'
  abort = new AbortController()
  void run(abort)
})
