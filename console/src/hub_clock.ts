// What time it is for the hub. Ages are told by its clock: on a tablet that is ten minutes off, a store
// that spoke just now must not seem silent.
const RIGHT_ENOUGH_MS = 5000

let aheadMs = 0

/** From the Date of an answer, which is whole seconds and as old as its way here. */
export function noteHubClock(date: string | null): void {
  const hubMs = Date.parse(date ?? '')
  if (Number.isNaN(hubMs)) return
  const difference = hubMs - Date.now()
  aheadMs = Math.abs(difference) > RIGHT_ENOUGH_MS ? difference : 0
}

export function hubNowMs(): number {
  return Date.now() + aheadMs
}
