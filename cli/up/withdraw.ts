/** Takes from the host what the agent put there. */
import type { Layout } from '../state/layout.ts'

export async function withdraw(
  _layout: Layout,
  _ovs: { ovsdb: string; ovsRunDir: string },
  _say: (text: string) => void,
): Promise<void> {}
