#!/usr/bin/perl
# One TCP transfer, for the demo. Uses Perl's base only.
#   tcp.pl serve ADDRESS PORT          prints "ready", takes one connection, answers "BYTES SUM" of what it was sent
#   tcp.pl send ADDRESS PORT BYTES     sends a pattern of that length, prints what the server answers and what is due
use strict;
use warnings;
use Socket;

my ($mode, $address, $port, $bytes) = @ARGV;
$| = 1;
alarm 20;
my $where = sockaddr_in($port, inet_aton($address));
socket(my $socket, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";

if ($mode eq 'serve') {
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
    bind($socket, $where) or die "bind: $!\n";
    listen($socket, 1) or die "listen: $!\n";
    print "ready\n";
    accept(my $peer, $socket) or die "accept: $!\n";
    my ($count, $sum) = (0, 0);
    while (sysread($peer, my $chunk, 65536)) {
        $count += length $chunk;
        $sum = ($sum + unpack('%32C*', $chunk)) % 4294967296;
    }
    syswrite($peer, "$count $sum\n");
} else {
    connect($socket, $where) or die "connect: $!\n";
    my $data = substr(join('', map { chr($_ % 251) } 0 .. 250) x ($bytes / 251 + 1), 0, $bytes);
    my $at = 0;
    while ($at < $bytes) {
        my $sent = syswrite($socket, $data, $bytes - $at, $at) or die "send: $!\n";
        $at += $sent;
    }
    shutdown($socket, 1);
    my $answer = <$socket> // "nothing\n";
    print $answer, $bytes, ' ', unpack('%32C*', $data), "\n";
}
