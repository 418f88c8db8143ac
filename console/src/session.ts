// Who is signed in. The token lives in this tab only (sessionStorage): it goes when the tab goes, and
// no other tab can read it.
import { computed, signal } from '@preact/signals'

export type Scope = 'adjust' | 'reset' | 'read' | 'admin'

export interface Me {
  name: string
  scopes: Scope[]
  locations: string[]
}

const KEY = 'onhand.token'

export const token = signal<string | null>(sessionStorage.getItem(KEY))
export const me = signal<Me | null>(null)
/** Why the last session ended, for the sign-in page. */
export const ended = signal<string | null>(null)

export const canReset = computed(() => may('reset'))
export const canAdjust = computed(() => may('adjust'))
export const isAdmin = computed(() => may('admin'))

function may(scope: Scope): boolean {
  const scopes = me.value?.scopes ?? []
  return scopes.includes(scope) || scopes.includes('admin')
}

export function signIn(newToken: string, who: Me): void {
  sessionStorage.setItem(KEY, newToken)
  ended.value = null
  me.value = who
  token.value = newToken
}

export function signOut(why: string | null = null): void {
  sessionStorage.removeItem(KEY)
  ended.value = why
  token.value = null
  me.value = null
}
