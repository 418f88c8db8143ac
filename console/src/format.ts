// Figures and times as people read them. What is unknown is shown as a dash, never as a zero.
export const UNKNOWN = '–'

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const exact = new Intl.NumberFormat('en', { maximumFractionDigits: 3 })

/** A minus is as wide as a plus, so that figures stand below each other. */
const withMinus = (text: string): string => text.replace('-', '\u2212')

export function quantity(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : withMinus(exact.format(value))
}

export function signed(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN
  return value > 0 ? `+${exact.format(value)}` : withMinus(exact.format(value))
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : whole.format(value)
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return UNKNOWN
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let i = 0
  let value = n
  while (value >= 1000 && i < units.length - 1) {
    value /= 1000
    i++
  }
  return `${i === 0 ? whole.format(value) : value.toFixed(value < 10 ? 1 : 0)} ${units[i]}`
}

/** 41 min, 3 h 20 min, 2 days. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s < 86400) {
    const minutes = Math.floor((s % 3600) / 60)
    return minutes ? `${Math.floor(s / 3600)} h ${minutes} min` : `${Math.floor(s / 3600)} h`
  }
  return plural(Math.floor(s / 86400), 'day')
}

export function since(time: string | null | undefined, nowMs: number): string {
  if (!time) return UNKNOWN
  const seconds = (nowMs - Date.parse(time)) / 1000
  return seconds >= 0 ? `${duration(seconds)} ago` : `in ${duration(-seconds)}`
}

const INSTANT: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
}

/** Made once for each zone: making one takes longer than a row of a table may. */
const clocks = new Map<string, Intl.DateTimeFormat | null>()

function clockOf(zone: string): Intl.DateTimeFormat | null {
  let found = clocks.get(zone)
  if (found === undefined) {
    try {
      found = new Intl.DateTimeFormat('en-GB', { ...INSTANT, ...(zone ? { timeZone: zone } : {}) })
    } catch {
      found = null // a zone that this browser does not know
    }
    clocks.set(zone, found)
  }
  return found
}

/** In the viewer's zone unless another is given, always with its name. */
export function clock(time: string | null | undefined, zone = ''): string {
  if (!time) return UNKNOWN
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return UNKNOWN
  return clockOf(zone)?.format(date) ?? UNKNOWN
}

/** Tue 16:05 EST: the time of day in a zone. */
export function timeOfDay(ms: number, zone: string): string {
  const options = { weekday: 'short', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' } as const
  try {
    return new Date(ms).toLocaleString('en-US', { ...options, hourCycle: 'h23', timeZone: zone })
  } catch {
    return UNKNOWN // a zone that this browser does not know
  }
}

const DAYS = ['Sundays', 'Mondays', 'Tuesdays', 'Wednesdays', 'Thursdays', 'Fridays', 'Saturdays']

/** The plain cron lines in words; any other as it is. */
export function schedule(text: string | null): string {
  if (text === null) return 'when asked'
  const every = /^every (\d+) ?s$/.exec(text)
  if (every) return `every ${duration(Number(every[1]))}`
  const daily = /^(\d+) (\d+) \* \* (\*|\d)$/.exec(text)
  if (!daily) return text
  const at = `${daily[2]!.padStart(2, '0')}:${daily[1]!.padStart(2, '0')}`
  return daily[3] === '*' ? `daily at ${at}` : `${DAYS[Number(daily[3]) % 7]} at ${at}`
}

/** "24 Nov": a date as it is written, in no zone. */
export function dayWords(date: string): string {
  const options = { day: 'numeric', month: 'short', timeZone: 'UTC' } as const
  return new Date(`${date}T12:00:00Z`).toLocaleDateString('en-GB', options)
}
