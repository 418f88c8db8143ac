// What an inventory item says of its stores, in the shape of either dialect: only what headquarters
// knows, made when it is asked for.

function* rowsOf(world, product) {
  const { sparse } = world.options
  for (const store of world.stores) {
    if (store.subsidiary !== product.subsidiary) continue
    const quantity = world.known[store.index * world.products.length + product.index] / 1000
    if (quantity !== 0 || !sparse) yield { store, quantity }
  }
}

export function quantityLists(world, product) {
  return {
    /** /v1/rest/inventory */
    get sbsinventorystoreqtys() {
      return Array.from(rowsOf(world, product), ({ store, quantity }) => ({
        store_sid: store.sid,
        quantity,
        minimum_quantity: 0,
      }))
    },
    /** /api/backoffice/inventory */
    get invnquantity() {
      return Array.from(rowsOf(world, product), ({ store, quantity }) => ({
        store_sid: store.sid,
        store_no: store.number,
        store_code: store.code,
        qty: quantity,
        min_qty: 0,
        max_qty: 0,
        sold_qty: 0,
        rcvd_qty: 0,
        on_ordered_qty: 0,
        asn_in_transit_qty: 0,
        available_qty: quantity,
      }))
    },
  }
}
