// Every change asks first: `await confirm({...})` shows a dialog and answers what was said, or null.
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

interface Question {
  title: string
  body: ComponentChildren
  action: string
  danger?: boolean
  /** Asks for a few words, too, that are kept with the change. */
  reason?: string
}

interface Open extends Question {
  answer: (said: string | null) => void
}

const open = signal<Open | null>(null)

/** null: thought better of it. Otherwise the reason that was given, or an empty text. */
export function confirm(question: Question): Promise<string | null> {
  open.value?.answer(null)
  const asker = document.activeElement
  return new Promise((resolve) => {
    open.value = {
      ...question,
      answer: (said) => {
        open.value = null
        // The dialog leaves the page with the next rendering; then whoever asked has the focus again.
        requestAnimationFrame(() => {
          if (asker instanceof HTMLElement && asker.isConnected) asker.focus()
        })
        resolve(said)
      },
    }
  })
}

export function ConfirmDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  const question = open.value
  const [reason, setReason] = useState('')
  useEffect(() => {
    setReason('')
    if (question && !dialog.current?.open) dialog.current?.showModal()
  }, [question])
  if (!question) return null
  const lacking = question.reason !== undefined && reason.trim() === ''
  return (
    <dialog
      ref={dialog}
      class="confirm"
      aria-labelledby="confirm-title"
      onCancel={(event) => {
        event.preventDefault()
        question.answer(null)
      }}
    >
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          if (!lacking) question.answer(reason.trim())
        }}
      >
        <h2 id="confirm-title">{question.title}</h2>
        <div>{question.body}</div>
        {question.reason !== undefined && (
          <label>
            {question.reason}
            <input
              type="text"
              value={reason}
              maxLength={200}
              required
              onInput={(event) => setReason(event.currentTarget.value)}
            />
          </label>
        )}
        <div class="actions">
          <button type="button" onClick={() => question.answer(null)}>
            Cancel
          </button>
          <button type="submit" class={question.danger ? 'danger' : 'primary'} disabled={lacking}>
            {question.action}
          </button>
        </div>
      </form>
    </dialog>
  )
}

// ---- what became of it ----

interface Toast {
  text: string
  bad: boolean
}
const toast = signal<Toast | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined

export function say(text: string, bad = false): void {
  toast.value = { text, bad }
  clearTimeout(timer)
  timer = setTimeout(() => (toast.value = null), bad ? 15_000 : 6000)
}

/** Runs a change; a refusal is told in the hub's words. True: it went well. */
export async function attempt(what: () => Promise<unknown>, done: string): Promise<boolean> {
  try {
    await what()
    say(done)
    return true
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true)
    return false
  }
}

export function ToastLine() {
  return (
    <div class="toast-line" role="status" aria-live="polite">
      {toast.value && <p class={toast.value.bad ? 'toast bad' : 'toast'}>{toast.value.text}</p>}
    </div>
  )
}
