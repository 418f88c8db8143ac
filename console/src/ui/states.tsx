// The states a page can be in besides having something to show: each says what is going on and what to
// do next.
import type { ComponentChildren } from 'preact'
import { Problem, Unreachable } from '../client'

export function Loading({ what }: { what: string }) {
  return (
    <p class="quiet" role="status">
      Loading {what}…
    </p>
  )
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}

export function Failed({ error, retry }: { error: Error; retry?: () => void }) {
  const unreachable = error instanceof Unreachable
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{unreachable ? 'The hub cannot be reached.' : 'That did not work.'}</strong>{' '}
        {unreachable
          ? 'What is shown may be old. It is tried again by itself.'
          : error.message}
        {error instanceof Problem && error.code ? <code class="code">{error.code}</code> : null}
      </p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** Content with what was read last, or why there is none. */
export function Whatever<T>({
  of,
  what,
  children,
}: {
  of: { data: T | null; error: Error | null; reload: () => void }
  what: string
  children: (data: T) => ComponentChildren
}) {
  return (
    <>
      {of.error && <Failed error={of.error} retry={of.reload} />}
      {of.data !== null ? children(of.data) : of.error ? null : <Loading what={what} />}
    </>
  )
}
