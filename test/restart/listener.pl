# What systemd does for a socket unit: makes the listening socket, keeps it, and starts a service on it as descriptor 3.
# Says the port; each line of its input is a command line to start, its parts separated by tabs. Ends with its input.
use strict;
use warnings;
use Fcntl;
use POSIX ();
use Socket;

$| = 1;
$SIG{CHLD} = 'IGNORE';
socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1) or die "setsockopt: $!";
bind($listener, sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
listen($listener, 4096) or die "listen: $!";
my ($port) = sockaddr_in(getsockname($listener));
print "{\"listening\":$port}\n";
while (my $line = <STDIN>) {
    chomp $line;
    my $child = fork();
    die "fork: $!" unless defined $child;
    next if $child;
    my $fd = fileno($listener);
    if ($fd == 3) { fcntl($listener, F_SETFD, 0) or POSIX::_exit(126) }
    else { POSIX::dup2($fd, 3) or POSIX::_exit(126) }
    open(STDIN, '<', '/dev/null') or POSIX::_exit(126);
    exec { (split /\t/, $line)[0] } split(/\t/, $line) or POSIX::_exit(127);
}
