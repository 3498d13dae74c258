# A network of one program: what is sent to an address of its device is dropped, delayed, refused or delivered, as the
# lines of its input say, and each SYN is told with the kernel's time of it.
#
# Delivered means: source and destination change places, so that the packet reaches this host's own listener, whose
# answers go back by the same way. The sums of TCP and of IPv4 stay right, since they add what changed places.
#
#   input    <address> drop | pass <ms> | refuse <ms>        of what is not named, everything is dropped
#            - sync                                             answered when all that was sent before has been told
#   output   ready, then   syn <seconds> <address> <source port>   and   synced
use strict;
use warnings;
use Fcntl;
use IO::Handle;
use Socket qw(:DEFAULT inet_ntop inet_pton);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use constant { TUNSETIFF => 0x400454ca, IFF_TUN => 1, IFF_NO_PI => 0x1000, SIOCGSTAMP => 0x8906, AF_PACKET => 17 };
use constant { TCP => 6, SYN => 2, RST => 4, ACK => 16, OUTGOING => 4 };

my $name = shift or die 'which device?';
$| = 1;
sysopen(my $tun, '/dev/net/tun', O_RDWR) or die "/dev/net/tun: $!";
ioctl($tun, TUNSETIFF, my $want = pack('a16 s x22', $name, IFF_TUN | IFF_NO_PI)) or die "TUNSETIFF: $!";
system("ip link set $name up") == 0 or die "ip link set $name up";
socket(my $tap, AF_PACKET, SOCK_DGRAM, unpack('S', pack('n', 3))) or die "packet socket: $!";
# The first question has the kernel keep times; there is none yet.
ioctl($tap, SIOCGSTAMP, my $stamp = "\0" x 16);

my (%rule, %seen, @later);
my $input = '';
print "ready\n";
while (1) {
    my $now = clock_gettime(CLOCK_MONOTONIC);
    while (@later && $later[0][0] <= $now) { syswrite($tun, (shift @later)->[1]) }
    my $reading = '';
    vec($reading, fileno($_), 1) = 1 for (\*STDIN, $tun, $tap);
    my $wait = @later ? $later[0][0] - $now : undef;
    select($reading, undef, undef, $wait) < 0 and next;
    if (vec($reading, fileno(STDIN), 1)) {
        sysread(STDIN, $input, 4096, length $input) or exit 0;
        while ($input =~ s/^(\S+) (\w+)(?: (\d+))?\n//) { obey($1, $2, ($3 // 0) / 1000) }
    }
    if (vec($reading, fileno($tap), 1)) { tell_syns() }
    if (vec($reading, fileno($tun), 1) && sysread($tun, my $packet, 65536)) { carry($packet, clock_gettime(CLOCK_MONOTONIC)) }
}

# Source, destination and TCP segment of a packet, or nothing.
sub parts {
    my ($packet) = @_;
    my $version = ord($packet) >> 4;
    if ($version == 4 && ord(substr($packet, 9, 1)) == TCP) {
        return (substr($packet, 12, 4), substr($packet, 16, 4), substr($packet, 4 * (ord($packet) & 15)));
    }
    if ($version == 6 && ord(substr($packet, 6, 1)) == TCP) {
        return (substr($packet, 8, 16), substr($packet, 24, 16), substr($packet, 40));
    }
    return;
}

sub text { inet_ntop(length $_[0] == 4 ? AF_INET : AF_INET6, $_[0]) }

sub obey {
    my ($address, $what, $delay) = @_;
    if ($what eq 'sync') {
        tell_syns();
        print "synced\n";
        return;
    }
    $rule{ inet_pton(index($address, ':') < 0 ? AF_INET : AF_INET6, $address) } = [ $what, $delay ];
}

sub tell_syns {
    while (defined(my $from = recv($tap, my $packet, 65536, MSG_DONTWAIT))) { tell_syn($from, $packet) }
}

sub tell_syn {
    my ($from, $packet) = @_;
    return if unpack('x10 C', $from) != OUTGOING;
    my ($source, $to, $segment) = parts($packet) or return;
    my ($port, $flags) = unpack('n x11 C', $segment);
    return if ($flags & (SYN | ACK)) != SYN || $seen{"$to$port"}++;
    ioctl($tap, SIOCGSTAMP, my $at = "\0" x 16) or die "SIOCGSTAMP: $!";
    my ($seconds, $micros) = unpack('q q', $at);
    printf "syn %d.%06d %s %d\n", $seconds, $micros, text($to), $port;
}

sub carry {
    my ($packet, $now) = @_;
    my ($source, $to, $segment) = parts($packet) or return;
    my $flags = unpack('x13 C', $segment);
    my ($what, $delay) = @{ $rule{$to} // ['drop', 0] };
    return if $what eq 'drop';
    my $isFirst = ($flags & (SYN | ACK)) == SYN;
    my $answer = $what eq 'refuse' ? reset_of($source, $to, $segment) : $packet;
    if ($what eq 'pass') {
        my ($at, $length) = length $to == 4 ? (12, 4) : (8, 16);
        substr($answer, $at, 2 * $length) = $to . $source;
    }
    @later = sort { $a->[0] <=> $b->[0] } (@later, [ $now + ($isFirst ? $delay : 0), $answer ]);
}

sub reset_of {
    my ($source, $to, $segment) = @_;
    my ($near, $far, $number) = unpack('n n N', $segment);
    my $head = pack('n n N N C C n n n', $far, $near, 0, ($number + 1) & 0xffffffff, 5 << 4, RST | ACK, 0, 0, 0);
    my $sum = sum($to . $source . pack('N N', length $head, TCP) . $head);
    substr($head, 16, 2) = pack('n', $sum);
    return pack('N n C C', 6 << 28, length $head, TCP, 64) . $to . $source . $head if length $to == 16;
    my $ip = pack('C C n n n C C n', 0x45, 0, 20 + length $head, 0, 0, 64, TCP, 0) . $to . $source;
    substr($ip, 10, 2) = pack('n', sum($ip));
    return $ip . $head;
}

sub sum {
    my $sum = unpack('%32n*', $_[0]);
    $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
    return ~$sum & 0xffff;
}
