// Pages are told apart by the part of the address behind '#': the hub serves one page, and a link can
// be sent to a colleague all the same. '#/inventory/NY01/WH09?at=...'
import { signal } from '@preact/signals'

export interface Place {
  /** 'inventory', 'resets' ...; '' is Now */
  page: string
  /** Decoded segments behind the page. */
  rest: string[]
  query: URLSearchParams
}

function parse(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const parts = path.split('/').map((part) => {
    try {
      return decodeURIComponent(part)
    } catch {
      return part
    }
  })
  return { page: parts[0] ?? '', rest: parts.slice(1), query: new URLSearchParams(search) }
}

export const place = signal<Place>(parse(location.hash))

addEventListener('hashchange', () => {
  place.value = parse(location.hash)
})

export function href(page: string, rest: string[] = [], query: Record<string, string> = {}): string {
  const path = [page, ...rest].map(encodeURIComponent).join('/')
  const search = new URLSearchParams(Object.entries(query).filter(([, v]) => v !== '')).toString()
  return `#/${path}${search ? `?${search}` : ''}`
}

export function go(page: string, rest: string[] = [], query: Record<string, string> = {}): void {
  location.hash = href(page, rest, query)
}

/** Changes the query of the present page without a new entry in the history. */
export function requery(query: Record<string, string>): void {
  const { page, rest } = place.value
  history.replaceState(null, '', href(page, rest, query))
  place.value = parse(location.hash)
}
