#!/usr/bin/perl
# Asks for an address by DHCP every 5 ms until a server offers one; prints that. Uses Perl's base only.
#   discover.pl IF MAC SECONDS
use strict;
use warnings;
use constant { AF_PACKET => 17, SOCK_RAW => 3, ETH_P_IP => 0x0800, SIOCGIFINDEX => 0x8933 };
use Time::HiRes qw(time);

my ($interface, $mac, $seconds) = @ARGV;
socket(my $socket, AF_PACKET, SOCK_RAW, unpack('S', pack('n', ETH_P_IP))) or die "socket: $!\n";
my $request = pack('a16 x24', $interface);
ioctl($socket, SIOCGIFINDEX, $request) or die "$interface: $!\n";
my $index = unpack('x16 i', $request);
bind($socket, pack('S n i S C C a8', AF_PACKET, ETH_P_IP, $index, 0, 0, 0, '')) or die "bind: $!\n";

my $own = pack('H*', $mac =~ s/://gr);
my $id = pack('N', 0x6e75636c);
# RFC 2131: BOOTREQUEST, answer by broadcast; option 53 = DISCOVER.
my $bootp = pack('C4', 1, 1, 6, 0) . $id . pack('n2 x16', 0, 0x8000) . $own . "\0" x 202;
$bootp .= pack('H*', '63825363') . pack('C4', 53, 1, 1, 255);
$bootp .= "\0" x (300 - length $bootp);
my $udp = pack('n4', 68, 67, 8 + length $bootp, 0) . $bootp;
my $header = pack('C2 n3 C2 n N2', 0x45, 0, 20 + length $udp, 0, 0, 64, 17, 0, 0, 0xffffffff);
my $sum = 0;
$sum += $_ for unpack('n*', $header);
$sum = ($sum & 0xffff) + ($sum >> 16) while $sum > 0xffff;
substr($header, 10, 2) = pack('n', ~$sum & 0xffff);
my $frame = "\xff" x 6 . $own . pack('n', ETH_P_IP) . $header . $udp;

for (my $end = time() + $seconds; time() < $end;) {
    defined(send($socket, $frame, 0)) or die "send: $!\n";
    my $readable = '';
    vec($readable, fileno($socket), 1) = 1;
    while (select(my $ready = $readable, undef, undef, 0.005)) {
        defined(recv($socket, my $got, 2048, 0)) or die "recv: $!\n";
        # Ethernet 14, IPv4 20, UDP 8: a BOOTREPLY to this request, with an address.
        next if length $got < 62 || substr($got, 42, 1) ne "\x02" || substr($got, 46, 4) ne $id;
        print join('.', unpack('C4', substr($got, 58, 4))), "\n";
        exit 0;
    }
}
die "nobody offered an address within $seconds s\n";
