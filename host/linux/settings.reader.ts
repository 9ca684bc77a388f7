/**
 * Reads what the kernel tells no events of (sysctls) and what `ip` does not show (whether a device leaves checksums to
 * others), in any number of namespaces by one program: it enters them one after the other.
 */
import { readFile } from 'node:fs/promises'
import type { NamespaceName } from '../objects.ts'
import { run } from '../run.ts'
import { netnsDir, setns } from './netns.ts'

/** What is asked of one namespace. */
export interface SettingsQuery {
  namespace: NamespaceName
  /** `net.ipv6.conf.all.forwarding` */
  sysctls: readonly string[]
  /** Devices whose checksum offload (TX) is asked for. */
  devices: readonly string[]
}

/** What was found; what is not there is left out. */
export interface Settings {
  sysctls: Map<string, string>
  /** True: the device leaves the checksums of what it sends to others. */
  offloads: Map<string, boolean>
}

/** Reads lines `NAMESPACE-FILE PATH… =DEVICE…`, prints `LINE-NUMBER QUESTION VALUE`. 0x8946 is SIOCETHTOOL, 0x16 ETHTOOL_GTXCSUM. */
const script = `
my $n = 0;
while (<STDIN>) {
  chomp; my ($space, @asked) = split / /; my $line = $n++;
  if ($space ne '-') {
    open(my $file, '<', $space) or next;
    syscall($ARGV[0], fileno($file), 0x40000000) == 0 or next;
  }
  socket(my $socket, 2, 2, 0) or next;
  for my $asked (@asked) {
    if ($asked =~ /^=(.*)/) {
      my $value = pack('LL', 0x16, 0);
      my $request = pack('a16 p', $1, $value);
      ioctl($socket, 0x8946, $request) or next;
      print "$line $asked ", (unpack('LL', $value))[1], "\\n";
    } elsif (open(my $file, '<', $asked)) {
      my $value = <$file>; chomp $value; print "$line $asked $value\\n";
    }
  }
}`

/** Answers what was found, in the order of the queries. Throws CommandError. */
export async function readSettings(queries: readonly SettingsQuery[]): Promise<Settings[]> {
  if (setns === undefined) throw new Error(`the number of setns on ${process.arch} is not known`)
  const found = queries.map((): Settings => ({ sysctls: new Map(), offloads: new Map() }))
  const keyOf = new Map<string, string>()
  // Those of the own namespace come first: the program does not come back from others.
  const order = queries.map((query, at) => ({ query, at })).sort((a, b) => rank(a.query) - rank(b.query))
  const lines = order.map(({ query: { namespace, sysctls, devices } }) => {
    const paths = sysctls.map((key) => {
      const path = sysctlPath(key)
      keyOf.set(path, key)
      return path
    })
    const space = namespace === null ? '-' : `${netnsDir}/${namespace}`
    return [space, ...paths, ...devices.map((device) => `=${device}`)].filter(isOneWord).join(' ')
  })
  if (lines.length === 0) return found
  const text = await run(['perl', '-e', script, String(setns)], { input: `${lines.join('\n')}\n` })
  for (const line of text.split('\n')) {
    const [, at, asked = '', value = ''] = /^(\d+) (\S+) (.*)$/.exec(line) ?? []
    const settings = found[order[Number(at)]?.at ?? -1]
    if (asked.startsWith('=')) settings?.offloads.set(asked.slice(1), value !== '0')
    else settings?.sysctls.set(keyOf.get(asked) ?? asked, normalValue(value))
  }
  return found
}

const rank = ({ namespace }: SettingsQuery): number => (namespace === null ? 0 : 1)

const isOneWord = (text: string): boolean => /^\S+$/.test(text)

/** The sysctls of the own namespace, without a program. */
export async function readOwnSysctls(keys: readonly string[]): Promise<Map<string, string>> {
  const values = new Map<string, string>()
  for (const key of keys) {
    const text = await readFile(sysctlPath(key), 'utf8').catch(() => undefined)
    if (text !== undefined) values.set(key, normalValue(text))
  }
  return values
}

const normalValue = (text: string): string => text.trim().replaceAll('\t', ' ')

/** `/` in a key stands for a dot in a name (`net.ipv4.conf.eth0/100.rp_filter`), as sysctl(8) has it. */
export function sysctlPath(key: string): string {
  return `/proc/sys/${key.replaceAll('.', '\0').replaceAll('/', '.').replaceAll('\0', '/')}`
}
