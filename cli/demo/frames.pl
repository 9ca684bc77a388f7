#!/usr/bin/perl
# Raw Ethernet frames, for what ping cannot say. Uses Perl's base only.
#   frames.pl send IF < lines of hex         sends each line as one frame; prints how many
#   frames.pl repeat IF MILLISECONDS         sends the one frame that it reads so often until it is ended
#   frames.pl capture IF SECONDS             prints each frame received, in hex, one a line; "ready" first
use strict;
use warnings;
use constant { AF_PACKET => 17, SOCK_RAW => 3, ETH_P_ALL => 3, SIOCGIFINDEX => 0x8933, OUTGOING => 4 };

my ($mode, $interface, $seconds) = @ARGV;
$| = 1;
socket(my $socket, AF_PACKET, SOCK_RAW, unpack('S', pack('n', ETH_P_ALL))) or die "socket: $!\n";
my $request = pack('a16 x24', $interface);
ioctl($socket, SIOCGIFINDEX, $request) or die "$interface: $!\n";
my $index = unpack('x16 i', $request);
bind($socket, pack('S n i S C C a8', AF_PACKET, ETH_P_ALL, $index, 0, 0, 0, '')) or die "bind: $!\n";

if ($mode eq 'send') {
    my $sent = 0;
    while (my $line = <STDIN>) {
        chomp $line;
        next if $line eq '';
        defined(send($socket, pack('H*', $line), 0)) or die "send: $!\n";
        $sent++;
    }
    print "$sent\n";
} elsif ($mode eq 'repeat') {
    my $frame = pack('H*', <STDIN> =~ s/\s//gr);
    for (;;) {
        defined(send($socket, $frame, 0)) or die "send: $!\n";
        select(undef, undef, undef, $seconds / 1000);
    }
} else {
    print "ready\n";
    my $end = time() + $seconds;
    while (time() < $end) {
        my $readable = '';
        vec($readable, fileno($socket), 1) = 1;
        next unless select($readable, undef, undef, 0.1);
        my $from = recv($socket, my $frame, 65536, 0);
        die "recv: $!\n" unless defined $from;
        next if (unpack('S n i S C', $from))[4] == OUTGOING;
        print unpack('H*', $frame), "\n";
    }
}
