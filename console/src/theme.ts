// Light, dark, or as the system has it. The choice is kept in this browser.
import { effect, signal } from '@preact/signals'

const CHOICES = ['auto', 'light', 'dark'] as const
type Theme = (typeof CHOICES)[number]
const KEY = 'onhand.theme'

const kept = localStorage.getItem(KEY)
export const theme = signal<Theme>(CHOICES.find((choice) => choice === kept) ?? 'auto')

export function nextTheme(): void {
  theme.value = CHOICES[(CHOICES.indexOf(theme.value) + 1) % CHOICES.length]!
}

effect(() => {
  localStorage.setItem(KEY, theme.value)
  if (theme.value === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme.value
})
