/**
 * Runs programs by a small process of its own. To start one, Linux copies the page table of the process that asks: 4 ms
 * of standing still for each 100 MB of an agent, and a cold host takes more than a thousand. A process of 5 MB does it
 * in less than one, while the agent goes on.
 *
 * Both sides speak in frames of 32-bit lengths. A request: number, length, then texts with their lengths (seconds, the
 * file of a network namespace or nothing, input, arguments). An answer: number, length, then status as of wait(2),
 * standard output and standard error with their lengths.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { entering, netnsDir, setns } from './linux/netns.ts'
import type { Ended, Program, Runner } from './run.ts'

/**
 * Ends with its standard input, which ends with the agent. Programs are ended by an alarm that outlives exec. What a
 * pipe does not hold of an input is written as its reader takes it. A program that cannot be started fails alone.
 */
const script = `
use strict;
my ($asked, %job, %pipe, %input) = ('');
$SIG{PIPE} = 'IGNORE';
binmode STDIN; binmode STDOUT;
while (1) {
  my ($ready, $free) = ('', '');
  vec($ready, $_, 1) = 1 for 0, keys %pipe; vec($free, $_, 1) = 1 for keys %input;
  next if select($ready, $free, undef, undef) < 0;
  feed($_) for grep { vec($free, $_, 1) } keys %input;
  for my $number (grep { vec($ready, $_, 1) } keys %pipe) {
    my ($id, $stream, $file) = @{$pipe{$number}};
    next if sysread($file, $job{$id}{$stream}, 65536, length $job{$id}{$stream});
    delete $pipe{$number}; close $file;
    finish($id) unless --$job{$id}{open};
  }
  next unless vec($ready, 0, 1);
  sysread(STDIN, $asked, 65536, length $asked) or exit;
  while (length $asked >= 8) {
    my ($id, $size) = unpack 'NN', $asked;
    last if length $asked < 8 + $size;
    my $why = start($id, unpack '(N/a*)*', substr($asked, 8, $size));
    answer($id, 9, '', "cannot start: $why") if $why;
    substr($asked, 0, 8 + $size) = '';
  }
}
sub start {
  my ($id, $seconds, $space, $input, @argv) = @_;
  pipe(my $in, my $in_end) && pipe(my $out, my $out_end) && pipe(my $err, my $err_end) or return "$!";
  my $pid = fork; return "$!" unless defined $pid;
  if (!$pid) {
    open(STDIN, '<&', $in); open(STDOUT, '>&', $out_end); open(STDERR, '>&', $err_end);
    alarm $seconds; $SIG{PIPE} = 'DEFAULT';
    if ($space ne '') {
      open(my $file, '<', $space) or fail("cannot open $space");
      syscall($ARGV[0], fileno($file), 0x40000000) == 0 or fail("cannot enter $space");
    }
    no warnings; exec { $argv[0] } @argv; fail('cannot start');
  }
  $job{$id} = { pid => $pid, out => '', err => '', open => 2 };
  $pipe{fileno $out} = [$id, 'out', $out]; $pipe{fileno $err} = [$id, 'err', $err];
  close $in; fcntl($in_end, 4, 2048); # F_SETFL, O_NONBLOCK
  $input{fileno $in_end} = [$in_end, $input, 0]; feed(fileno $in_end);
  return '';
}
sub feed {
  my ($number) = @_; my ($file, $text, $at) = @{$input{$number}};
  my $written = syswrite($file, $text, length($text) - $at, $at);
  $input{$number}[2] += $written // 0;
  return if defined $written ? $at + $written < length $text : $! == 11; # EAGAIN
  delete $input{$number}; close $file;
}
sub fail { syswrite(STDERR, "$_[0]: $!"); kill 'KILL', $$; }
sub finish {
  my ($id) = @_; my $done = delete $job{$id};
  waitpid($done->{pid}, 0);
  answer($id, $?, $done->{out}, $done->{err});
}
sub answer {
  my ($id, @said) = @_; my $body = pack 'N N/a* N/a*', @said;
  my $frame = pack('NN', $id, length $body) . $body;
  for (my $at = 0; $at < length $frame;) { $at += syswrite(STDOUT, $frame, length($frame) - $at, $at) || exit }
}`

const alarmSignal = 14

export interface Forker {
  run: Runner
  stop(): void
}

/** Starts its process with the first program, and again when it has died. */
export function createForker(): Forker {
  let child: ChildProcessByStdio<Writable, Readable, null> | undefined
  let waiting = new Map<number, (ended: Ended) => void>()
  let last = 0

  function begin(): Writable {
    const begun = spawn('perl', ['-e', script, String(setns ?? 0)], { stdio: ['pipe', 'pipe', 'inherit'] })
    const mine = waiting
    const over = (reason: string): void => {
      if (child === begun) {
        child = undefined
        waiting = new Map()
      }
      for (const resolve of mine.values()) resolve(failed(reason))
      mine.clear()
    }
    begun.once('error', (error) => over(error.message))
    begun.once('exit', () => over('the process that runs programs has ended'))
    begun.stdin.on('error', () => {})
    readFrames(begun.stdout, (id, body) => {
      mine.get(id)?.(endedOf(body))
      mine.delete(id)
    })
    child = begun
    return begun.stdin
  }

  return {
    async run(program) {
      // exec(2) would end it there.
      const cut = program.argv.find((text) => text.includes('\0'))
      if (cut !== undefined) return failed('an argument holds a NUL')
      const stdin = child?.stdin ?? begin()
      last = (last + 1) >>> 0
      const id = last
      const ended = new Promise<Ended>((resolve) => waiting.set(id, resolve))
      stdin.write(requestOf(id, program))
      return ended
    },
    stop: () => void child?.stdin.end(),
  }
}

const failed = (reason: string): Ended => ({ status: null, reason, stdout: '', stderr: '' })

function requestOf(id: number, { argv, namespace, input, timeout }: Program): Buffer {
  const bySetns = namespace !== null && setns !== undefined
  const enter = namespace === null || bySetns ? [] : entering(namespace)
  const place = bySetns ? `${netnsDir}/${namespace}` : ''
  const texts = [String(Math.ceil(timeout / 1000)), place, input, ...enter, ...argv].flatMap((text) => {
    const bytes = Buffer.from(text)
    return [numbers(bytes.length), bytes]
  })
  const body = Buffer.concat(texts)
  return Buffer.concat([numbers(id, body.length), body])
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, at) => {
    bytes.writeUInt32BE(value, 4 * at)
  })
  return bytes
}

function readFrames(stream: Readable, take: (id: number, body: Buffer) => void): void {
  let held: Buffer = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    while (held.length >= 8) {
      const end = 8 + held.readUInt32BE(4)
      if (held.length < end) return
      take(held.readUInt32BE(0), held.subarray(8, end))
      held = held.subarray(end)
    }
  })
}

function endedOf(body: Buffer): Ended {
  const wait = body.readUInt32BE(0)
  const outEnd = 8 + body.readUInt32BE(4)
  const stdout = body.toString('utf8', 8, outEnd)
  const stderr = body.toString('utf8', outEnd + 4)
  const signal = wait & 0x7f
  if (signal === 0) return { status: wait >> 8, reason: undefined, stdout, stderr }
  const said = stderr.trim() || `ended by signal ${signal}`
  return { status: null, reason: signal === alarmSignal ? 'timed out' : said, stdout, stderr }
}
