/** The service plugin `trunk`: trunks and their sub-ports, stored; no host carries tagged frames for them yet. */
import { invalidInput, trunkDisabled, trunkInErrorState, trunkInUse } from '../../lib/errors.ts'
import { isObject, ValidationError } from '../../model/fields/kind.ts'
import { type SubPortRequest, subports } from '../../model/fields/subports.ts'
import type { Resource } from '../../model/resource.ts'
import type { Plugin } from '../plugin.ts'
import type { Feature, View } from '../resource.ts'
import type { Tx } from '../store/store.ts'
import { touchRow, updateRow } from '../stored/rows.ts'
import { storedFeature } from '../stored/stored.ts'
import { addSubports, isBoundPort, removeSubports, requireFreeParent, subportsOf } from './subports.ts'

export const trunkPlugin: Plugin = {
  name: 'trunk',
  extensions: ['trunk', 'trunk-details'],
  serve: ({ resource }) => ({ features: [trunkFeature(resource('trunk'))] }),
}

function trunkFeature(resource: Resource): Feature {
  return {
    ...storedFeature(resource, {
      table: 'trunks',
      parent: 'port_id',
      elsewhere: ['sub_ports'],
      async complete({ tx }, views, wanted) {
        if (!wanted.has('sub_ports')) return
        const found = await subportsOf(
          tx,
          views.map((view) => view.id),
        )
        for (const view of views) view.sub_ports = found.get(view.id)
      },
      hooks: {
        async creating(tx, context, input) {
          await requireFreeParent(tx, context, String(input.port_id))
          return { status: 'DOWN' }
        },
        created: (tx, context, input, id) =>
          addSubports(
            tx,
            context,
            { id, portId: String(input.port_id) },
            input.sub_ports as SubPortRequest[],
          ),
        async removing(tx, _context, current) {
          requireEnabled(current)
          if (await isBoundPort(tx, String(current.port_id))) throw trunkInUse(current.id)
        },
      },
    }),
    reads: {
      get_subports: async (_tx, _context, current) => ({ sub_ports: current.sub_ports }),
    },
    actions: {
      async add_subports(tx, context, current, body) {
        const wanted = sentSubports(body)
        requireEnabled(current)
        if (current.status === 'ERROR') throw trunkInErrorState(current.id)
        await addSubports(tx, context, { id: current.id, portId: String(current.port_id) }, wanted)
        await changed(tx, current)
      },
      async remove_subports(tx, _context, current, body) {
        const wanted = sentSubports(body)
        requireEnabled(current)
        await removeSubports(
          tx,
          current.id,
          wanted.map((one) => one.port_id),
        )
        await changed(tx, current)
      },
    },
  }
}

/** Throws TrunkDisabled: who wants to change a trunk that is switched off switches it on before. */
function requireEnabled(trunk: View): void {
  if (trunk.admin_state_up !== true) throw trunkDisabled(trunk.id)
}

/** Other sub-ports have to be wired: the trunk is DOWN until they are. */
async function changed(tx: Tx, trunk: View): Promise<void> {
  await updateRow(tx, 'trunks', trunk.id, { status: 'DOWN' })
  await touchRow(tx, 'trunk', 'trunks', trunk.id)
}

/** The sub-ports of an action's body. Throws InvalidInput. */
function sentSubports(body: Readonly<Record<string, unknown>>): SubPortRequest[] {
  if (!isObject(body) || !Array.isArray(body.sub_ports)) {
    throw invalidInput("'sub_ports' must be a list of sub-ports")
  }
  try {
    return subports.parse(body.sub_ports)
  } catch (error) {
    throw error instanceof ValidationError ? invalidInput(error.message) : error
  }
}
