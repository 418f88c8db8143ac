// A state as a word with a mark of its own shape: nobody needs to tell colours apart.
export type Tone = 'good' | 'warn' | 'bad' | 'quiet'

const MARKS: Record<Tone, string> = { good: '●', warn: '▲', bad: '■', quiet: '○' }

const TONES: Record<string, Tone> = {
  ok: 'good',
  applied: 'good',
  live: 'good',
  confirmed: 'good',
  partial: 'warn',
  parked: 'warn',
  drift: 'warn',
  wanting: 'warn',
  sending: 'warn',
  later: 'warn',
  uncertain: 'warn',
  held: 'warn',
  late: 'warn',
  paused: 'warn',
  throttled: 'warn',
  retrying: 'warn',
  connecting: 'warn',
  failing: 'bad',
  unauthorized: 'bad',
  stopped: 'bad',
  rejected: 'bad',
  broken: 'bad',
  silent: 'bad',
  disk_full: 'bad',
}

export const toneOf = (state: string): Tone => TONES[state] ?? 'quiet'

export function Badge({ state, text, tone }: { state: string; text?: string; tone?: Tone }) {
  const shown = tone ?? toneOf(state)
  return (
    <span class={`badge ${shown}`}>
      <span aria-hidden="true">{MARKS[shown]}</span> {text ?? state.replace(/_/g, ' ')}
    </span>
  )
}
