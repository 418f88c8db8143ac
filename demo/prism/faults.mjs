// Faults on request: which answers go wrong, how, and how often.
//
// {kind, match, skip, count, share, ms, status, by}: answers to paths that contain `match` (all
// without one), after the first `skip` of them, `count` times (once), each by a chance of `share`.
import { random } from './random.mjs'

export const faultKinds = [
  'error500', // Prism's array of errors
  'status', // `status`, with a text
  'slow', // the answer comes `ms` later
  'lost', // carried out, but the connection breaks off before the answer
  'silent', // carried out, and no answer for `ms`; then the connection breaks off
  'cut', // the answer breaks off in the middle
  'bad_json', // the answer ends in the middle, as if it were whole
  'html', // a page of some proxy, with 200
  'wrong_total', // the total is `by` more
  'no_total', // there is no total
  'expire', // the session is over before this request
]

export class Faults {
  constructor(seed = 1) {
    this.random = random(seed + 2)
    this.list = []
  }

  set({ kind, match = '', skip = 0, count = 1, share = 1, ...more }) {
    if (!faultKinds.includes(kind)) throw new Error(`no fault '${kind}': ${faultKinds.join(', ')}`)
    const fault = { kind, match, skip, count: count ?? Infinity, share, happened: 0, ...more }
    this.list.push(fault)
    return fault
  }

  clear() {
    this.list = []
  }

  /** The faults of this request, by kind. */
  of(path) {
    const found = {}
    for (const fault of this.list) {
      if (!path.includes(fault.match)) continue
      if (fault.skip-- > 0 || fault.happened >= fault.count) continue
      if (fault.share < 1 && this.random() >= fault.share) continue
      fault.happened++
      found[fault.kind] = fault
    }
    return found
  }
}
