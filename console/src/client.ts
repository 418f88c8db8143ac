// Calls to the hub this page came from. A refusal is thrown as a Problem with the hub's own words; a
// hub that cannot be reached as Unreachable, so that pages can tell the two apart.
import { noteHubClock } from './hub_clock'
import { signOut, token } from './session'

export interface ProblemBody {
  title: string
  status: number
  detail: string
  errors?: { pointer: string; code: string; detail: string }[]
}

export class Problem extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, body: Partial<ProblemBody>) {
    super(body.detail || body.title || `the hub answered ${status}`)
    this.status = status
    this.code = body.errors?.[0]?.code ?? ''
  }
}

export class Unreachable extends Error {
  constructor() {
    super('the hub cannot be reached')
  }
}

export type Query = Record<string, string | number | boolean | undefined | null>

export interface CallOptions {
  method?: string
  query?: Query | undefined
  json?: unknown
  body?: BodyInit
  signal?: AbortSignal | undefined
  /** Words for the audit log. */
  note?: string
  /** Another token than the session's, to try it. */
  token?: string
}

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

/** The raw answer, whose code is in the 200s. */
export async function send(path: string, options: CallOptions = {}): Promise<Response> {
  const headers = new Headers({
    Authorization: `Bearer ${options.token ?? token.value ?? ''}`,
  })
  if (options.note !== undefined) headers.set('Audit-Note', encodeURIComponent(options.note))
  let body = options.body ?? null
  if (options.json !== undefined) {
    headers.set('Content-Type', 'application/json')
    body = JSON.stringify(options.json)
  }
  let answer: Response
  try {
    answer = await fetch(address(path, options.query), {
      method: options.method ?? 'GET',
      headers,
      body,
      signal: options.signal ?? null,
      cache: 'no-store',
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Unreachable()
  }
  noteHubClock(answer.headers.get('Date'))
  if (answer.ok) return answer
  if (answer.status === 401 && options.token === undefined) {
    signOut('The token is no longer valid: it was revoked, or the hub has other data now.')
  }
  let problem: Partial<ProblemBody> = {}
  try {
    problem = (await answer.json()) as Partial<ProblemBody>
  } catch {
    // A proxy's page, perhaps: the code says enough.
  }
  throw new Problem(answer.status, problem)
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  const answer = await send(path, { query, signal })
  return (await answer.json()) as T
}

export async function post<T>(
  path: string,
  json?: unknown,
  query?: Query,
  note?: string,
): Promise<T | null> {
  const answer = await send(path, {
    method: 'POST',
    query,
    ...(note === undefined ? {} : { note }),
    ...(json === undefined ? {} : { json }),
  })
  const text = await answer.text()
  return text ? (JSON.parse(text) as T) : null
}

/** One segment of a path. */
export const segment = (text: string): string => encodeURIComponent(text)
