/**
 * A box for tests and benches that drive the kernel's network: namespaces of its own for network, mounts and
 * processes, so that nothing in it can reach the host's network, and all of it ends when its first process does.
 */

/**
 * Runs as process 1 of the box. It hides the host's network namespaces and the sockets of its Open vSwitch (a path
 * reaches a socket across network namespaces), and stays as the parent that reaps what daemons leave behind.
 */
const prologue = `
set -e
mount -t tmpfs tmpfs /run
mkdir /run/netns /run/lock
mount -t sysfs sysfs /sys
ip link set lo up
set +e
"$@"
exit $?
`

/** The argument array that runs `argv` in a box of its own. Needs root. */
export function inSandbox(argv: readonly string[]): [string, ...string[]] {
  return [
    'unshare',
    '--net',
    '--mount',
    '--propagation=private',
    '--pid',
    '--fork',
    '--kill-child=SIGKILL',
    '--mount-proc',
    'sh',
    '-c',
    prologue,
    'sandbox',
    ...argv,
  ]
}
