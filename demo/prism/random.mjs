// Everything that is random comes from one seed, so that a run can be had again.

/** A function that gives numbers from 0 to 1, the same ones for the same seed. */
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const SID_FIRST = 530000000000000000n
const SID_STEP = 1000000
const NINETEEN_DIGITS = 1000000000000000000n

/** Prism's SIDs: 18 or 19 digits, rising, as text; a double would lose their end. */
export class Sids {
  constructor(seed) {
    this.random = random(seed)
    this.last = SID_FIRST + BigInt(seed >>> 0)
  }

  next() {
    this.last += BigInt(1 + Math.floor(this.random() * SID_STEP))
    return String(this.random() < 0.5 ? this.last : this.last + NINETEEN_DIGITS)
  }
}
