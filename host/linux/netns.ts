/** How the namespaces that `ip netns` has are entered. */

export const netnsDir = '/run/netns'

/** setns(2) by Node's name of the architecture. */
const numbers: Partial<Record<NodeJS.Architecture, number>> = { x64: 308, arm64: 268 }

/** The number of setns(2), for perl's syscall; undefined where it is not known. */
export const setns: number | undefined = numbers[process.arch]

/**
 * What runs a program inside that namespace. It makes a mount namespace each time, which costs the kernel 20 ms;
 * setns(2) does not.
 */
export const entering = (name: string): [string, ...string[]] => ['ip', 'netns', 'exec', name]
